"""The decorator of every compiled function, and where its machine code is kept.

numba's own disk cache looks only at the file of the function itself, so an edited function that is
*imported* by a cached one would go unnoticed. Here the folder of the cache is named after a hash of
all sources that use the decorator: an edit anywhere starts a new folder. Other users of numba in the
same process are not affected.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
    # Not the whole of fastmath: infinities and NaN carry meaning (densities outside the support).
    "_nrt": False,
    # No reference counts: nothing is allocated in compiled code, and counting at every call costs more than
    # the arithmetic of a small model.
}
INNER = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Only what Python calls needs the wrapper that unpacks Python objects; it doubles the time to compile."""
MARK = "from blimp2pymc.sampler.compiled import"


def compiled(function: Callable) -> Callable:
    """Compile a function that other compiled functions call, without the GIL.

    Types are not declared: the tables of `layout` have one dtype and memory order per field, so each
    function is compiled for exactly one signature. Nothing may be allocated inside.
    """
    return numba.njit(**OPTIONS, **INNER)(function)


def inlined(function: Callable) -> Callable:
    """Make a function part of the compiled functions that call it: for those that mostly call others.

    Each level of calls would otherwise be optimised again with everything below it.
    """
    return numba.njit(**OPTIONS, inline="always")(function)


def entry(function: Callable) -> Callable:
    """Compile a function, `compiled` or plain, that Python calls, and keep the machine code on disk.

    The code holds that of all functions it calls, so that loading one entry loads all.
    """
    plain = getattr(function, "py_func", function)
    dispatcher = numba.njit(**OPTIONS)(plain)
    dispatcher._cache = KernelCache(plain)
    return dispatcher


@cache
def source_hash() -> str:
    """Hash of all sources that use `compiled`, and of what compiles them."""
    digest = hashlib.sha256(f"{numba.__version__} {sys.version} {sorted(OPTIONS['fastmath'])}".encode())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.name in ("compiled.py", "references.py", "tables.py") or MARK in text:
            digest.update(text.encode())
    return digest.hexdigest()[:16]


@cache
def cache_folder() -> Path:
    """Folder of the machine code: the user's cache folder, or a temporary one if that is not writable.

    The environment variable `BLIMP2PYMC_CACHE` names another one.
    """
    chosen = os.environ.get("BLIMP2PYMC_CACHE")
    if chosen:
        base = Path(chosen)
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "blimp2pymc"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches" / "blimp2pymc"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "blimp2pymc"
    folder = base / f"kernels-{source_hash()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="blimp2pymc-kernels-"))
    return folder


class KernelCacheLocator(_CacheLocator):
    """Tells numba the folder, and that a hash of all sources is the version."""

    def __init__(self, function: Callable, file: str) -> None:
        self._line = function.__code__.co_firstlineno

    @classmethod
    def from_function(cls, function: Callable, file: str) -> KernelCacheLocator:
        """Take every function."""
        return cls(function, file)

    def get_cache_path(self) -> str:
        """Folder of the cache files."""
        return str(cache_folder())

    def get_source_stamp(self) -> str:
        """Version of the sources."""
        return source_hash()

    def get_disambiguator(self) -> str:
        """Part of the file name that tells equally named functions of a module apart."""
        return str(self._line)


class _KernelCacheImpl(CompileResultCacheImpl):
    _locator_classes = (KernelCacheLocator,)


class KernelCache(FunctionCache):
    """numba's cache of compiled functions, in our folder."""

    _impl_class = _KernelCacheImpl
