"""The decorators of every compiled function, and where their machine code is kept.

A decorated function waits until it is called: numba, which takes longer to import than a model to resolve, is not
needed by a run whose loop has been compiled before (`machine_code`). numba's own disk cache looks only at the file of
the function itself, so an edited function that is *imported* by a cached one would go unnoticed. Here the folder of
the cache is named after a hash of all sources that use the decorators: an edit anywhere starts a new folder. Other
users of numba in the same process are not affected.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache, update_wrapper
from importlib.util import find_spec
from pathlib import Path
from typing import Any

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
MARK = "from blimp2pymc.sampler.compilation.compiled import"

WAITING: list[Kernel] = []
"""Decorated functions that numba has not seen yet."""


class Kernel:
    """A decorated function; what calls it has numba compile it."""

    def __init__(self, function: Callable, options: dict[str, Any], kept: bool = False) -> None:
        update_wrapper(self, function)
        self.py_func = function
        self.options = options
        self.kept = kept
        """Whether its machine code is kept on disk."""
        self.dispatcher: Any = None
        """numba's function, once there is one."""
        WAITING.append(self)

    def __call__(self, *arguments: Any) -> Any:
        """Compile the function for these arguments, if that has not been done, and call it."""
        return compilable(self)(*arguments)


def compilable(kernel: Kernel) -> Any:
    """numba's function of a kernel; whatever its module calls becomes numba's as well."""
    if WAITING:
        import numba

        from blimp2pymc.sampler.compilation import reference_types  # noqa: F401  tells numba the type of the tables
        from blimp2pymc.sampler.compilation.kernel_cache import KernelCache

        for each in WAITING:
            each.dispatcher = numba.njit(**each.options)(each.py_func)
            if each.kept and hasattr(each.dispatcher, "_cache"):
                each.dispatcher._cache = KernelCache(each.py_func)
        for each in WAITING:
            # numba looks names up in the module of the function it compiles, and there has to find its own.
            names = each.py_func.__globals__
            names |= {name: value.dispatcher for name, value in names.items() if isinstance(value, Kernel)}
        WAITING.clear()
    return kernel.dispatcher


def compiled(function: Callable) -> Any:
    """Compile a function that other compiled functions call, without the GIL.

    Types are not declared: the tables of `layout` have one dtype and memory order per field, so each
    function is compiled for exactly one signature. Nothing may be allocated inside.
    """
    return Kernel(function, OPTIONS | INNER)


def inlined(function: Callable) -> Any:
    """Make a function part of the compiled functions that call it: for those that mostly call others.

    Each level of calls would otherwise be optimised again with everything below it.
    """
    return Kernel(function, OPTIONS | {"inline": "always"})


def entry(function: Callable) -> Any:
    """Compile a function, `compiled` or plain, that Python calls, and keep the machine code on disk.

    The code holds that of all functions it calls, so that loading one entry loads all.
    """
    return Kernel(getattr(function, "py_func", function), OPTIONS, kept=True)


UNMARKED = (
    "addresses.py",
    "chain_state.py",
    "compiled.py",
    "instructions.py",
    "machine_code.py",
    "reference_types.py",
    "references.py",
    "row_tables.py",
    "tables.py",
)
"""Files that machine code depends on without using the decorators."""


@cache
def source_hash() -> str:
    """Hash of all sources that use the decorators, and of what compiles them."""
    digest = hashlib.sha256(f"{sys.version} {sorted(OPTIONS['fastmath'])}".encode())
    digest.update(_version("numba") + _version("llvmlite"))
    for path in sorted(Path(__file__).parent.parent.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.name in UNMARKED or MARK in text:
            digest.update(text.encode())
    return digest.hexdigest()[:16]


def _version(package: str) -> bytes:
    """What tells a version of a package from others, found without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return b""
    stated = Path(spec.origin).parent / "_version.py"
    return stated.read_bytes() if stated.exists() else str(Path(spec.origin).stat().st_mtime_ns).encode()


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
