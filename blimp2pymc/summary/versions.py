"""Versions of the packages that decide the results, found without importing them."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("blimp2pymc", "pymc", "pytensor", "arviz", "numba", "numpy", "pandas")


@lru_cache(maxsize=1)
def _versions() -> tuple[tuple[str, str], ...]:
    found = []
    for package in PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return tuple(found)


def package_versions() -> dict[str, str]:
    """Package -> installed version."""
    return dict(_versions())
