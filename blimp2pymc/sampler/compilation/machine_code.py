"""The loop of a chain as machine code: compiled by numba once, loaded by LLVM alone ever after.

numba, with what it imports to call a function it has compiled before, takes longer than everything else a short run
does. The loop takes addresses and a whole number and returns a whole number, so that its object code is all it needs:
LLVM links it, and `ctypes` calls it, which lets go of the GIL.
"""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import cache, update_wrapper
from pathlib import Path
from typing import Any

from blimp2pymc.sampler.compilation.compiled import INNER, OPTIONS, Kernel, cache_folder, compilable
from blimp2pymc.sampler.compilation.references import Reference

STATUS, RESULT = ctypes.c_int32, ctypes.c_int64
"""What a function compiled by numba returns, and where the loop's result goes."""


STACK = 2**26
"""Bytes of stack for the thread that compiles: on some systems threads have less than LLVM takes."""


class Loop:
    """A function of references and a whole number that returns a whole number, as machine code."""

    def __init__(self, function: Callable[..., int]) -> None:
        update_wrapper(self, function)
        self.kernel = Kernel(function, OPTIONS | INNER)
        self.loaded: dict[tuple, Callable] = {}
        """Machine code by the forms of the references; one form serves all models."""

    def __call__(self, *arguments: Reference | int) -> int:
        """Load or compile the machine code, if that has not been done, and run it."""
        *references, number = arguments
        if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
            return compilable(self.kernel)(*references, number)
        forms = tuple(each.form for each in references)  # type: ignore[union-attr]
        if forms not in self.loaded:
            self.loaded[forms] = self._load(references)
        result, trouble = RESULT(), ctypes.c_void_p()
        addresses = [each.address for each in references]  # type: ignore[union-attr]
        status = self.loaded[forms](ctypes.byref(result), ctypes.byref(trouble), *addresses, number)
        assert status == 0, f"the compiled loop ended with status {status}"
        return result.value

    def address(self, *references: Reference) -> int:
        """Address of the machine code for references of these forms, for `addresses.call_block`."""
        forms = tuple(each.form for each in references)
        if forms not in self.loaded:
            self.loaded[forms] = self._load(list(references))
        return int(ctypes.cast(self.loaded[forms], ctypes.c_void_p).value or 0)  # type: ignore[arg-type]

    def _load(self, references: list) -> Callable:
        file = cache_folder() / f"{self.kernel.py_func.__name__}-{_key(references)}.code"
        address = _link(file)
        if address is None:
            _make(file, self.kernel, references)
            address = _link(file)
        assert address is not None, "machine code just made does not load"
        places: list[Any] = [ctypes.POINTER(RESULT), ctypes.POINTER(ctypes.c_void_p)]
        places += [ctypes.c_int64] * (len(references) + 1)
        return ctypes.CFUNCTYPE(STATUS, *places)(address)


def _key(references: list[Reference]) -> str:
    """What the machine code depends on beside the sources: the layout of the tables and the processor."""
    import llvmlite.binding as llvm

    parts = [repr(each.form) for each in references]
    parts += [llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()]
    parts += [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("NUMBA_")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


# ---------------------------------------------------------------- making


def _compile(kernel: Kernel, references: list[Reference]) -> tuple[dict[str, Any], bytes]:
    """Name of the function with the symbols it takes from elsewhere, and its object code."""
    from numba.core import types
    from numba.core.typing.typeof import typeof

    dispatcher = compilable(kernel)
    signature = (*(typeof(each) for each in references), types.int64)
    dispatcher.compile(signature)
    made = dispatcher.overloads[signature]
    assert made.signature.return_type == types.int64, made.signature.return_type
    _, _, (code, bitcode) = made.library.serialize_using_object_code()
    return {"name": made.fndesc.llvm_func_name, "needs": _needs(bitcode)}, code


def _needs(bitcode: bytes) -> list[str]:
    import llvmlite.binding as llvm

    module = llvm.parse_bitcode(bitcode)
    return sorted(each.name for each in module.functions if each.is_declaration and not each.name.startswith("llvm."))


def _write(file: Path, heading: dict[str, Any], code: bytes) -> None:
    """Write machine code in one step, so that another process never reads half of it."""
    descriptor, temporary = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(json.dumps(heading | {"size": len(code)}).encode() + b"\n" + code)
    os.replace(temporary, file)


def _make(file: Path, kernel: Kernel, references: list[Reference]) -> None:
    """Compile in a thread of its own and write the file.

    Signals are for the main thread: there Ctrl-C takes effect at once. In a thread that compiles it would wait for
    LLVM, and be lost where LLVM calls back into Python. The thread goes on, so that the next run finds its code.
    """
    failures: list[BaseException] = []

    def work() -> None:
        try:
            _write(file, *_compile(kernel, references))
        except BaseException as trouble:  # raised again in the thread that waits
            failures.append(trouble)

    thread = threading.Thread(target=work, name="compile", daemon=True)
    size = threading.stack_size(STACK)
    try:
        thread.start()
        while thread.is_alive():
            thread.join(0.2)
    except KeyboardInterrupt:
        atexit.register(_leave, thread)
        raise
    finally:
        threading.stack_size(size)
    if failures:
        raise failures[0]


def _leave(thread: threading.Thread) -> None:
    """End the process at once if LLVM is still at work, which may not be left alone while Python shuts down."""
    if thread.is_alive():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)


# ---------------------------------------------------------------- loading


def _link(file: Path) -> int | None:
    """Address of the function in a file of machine code; None when there is none that can be used."""
    import llvmlite.binding as llvm

    try:
        heading, _, code = file.read_bytes().partition(b"\n")
        known = json.loads(heading)
        complete = len(code) == known["size"]
    except (OSError, ValueError, KeyError):
        return None
    if not complete:
        return None
    if not _has_symbols(known["needs"]):
        # LLVM ends the process over a symbol that is not found; numba brings those that its own code needs.
        from numba.core.registry import cpu_target

        cpu_target.target_context.refresh()
    engine = _engine()
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine.get_function_address(known["name"]) or None


def _has_symbols(names: list[str]) -> bool:
    """Whether functions of the mathematical library are there without numba."""
    try:
        process = ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows has no such library
        return not names
    return all(hasattr(process, each) for each in names)


@cache
def _engine() -> Any:
    """LLVM's linker, kept as long as the process because the code it has linked goes with it."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(), codemodel="jitdefault", jit=True
    )
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
