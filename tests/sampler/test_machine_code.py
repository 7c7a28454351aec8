"""Machine code on disk: loaded without numba, made anew when it is damaged; Ctrl-C does not wait for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import hand_built
import numpy as np
import pytest

from blimp2pymc.sampler.chain import sweep
from blimp2pymc.sampler.chain.chain import sample
from blimp2pymc.sampler.compilation import machine_code
from blimp2pymc.sampler.compilation.compiled import cache_folder


def short_run() -> np.ndarray:
    return sample(hand_built.interaction(), draws=5, burn=5, chains=2, seed=3).parameters


def code_file() -> Path:
    short_run()
    (file,) = cache_folder().glob("run-*.code")
    return file


def test_same_draws_from_memory_and_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = short_run()
    monkeypatch.setattr(sweep.run, "loaded", {})
    assert np.array_equal(drawn, short_run(), equal_nan=True)


def test_same_draws_without_compiling() -> None:
    code = """
import hand_built, numpy as np
from blimp2pymc.sampler.chain.chain import sample
print(*np.asarray(sample(hand_built.interaction(), draws=5, burn=5, chains=2, seed=3).parameters).ravel().tolist())
"""
    environment = os.environ | {
        "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(each for each in sys.path if each),
    }  # fmt: skip
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
    plain = np.array([float(each) for each in ended.stdout.split()])
    # Compiled sums are added up in another order.
    assert np.allclose(plain, short_run().ravel(), rtol=1e-6, atol=1e-8, equal_nan=True)


@pytest.mark.parametrize("damage", [b"", b"{}", b"{}\nx", b'{"name": "f", "needs": [], "size": 9}\nx', b"\xff\n"])
def test_damaged_file_is_not_loaded(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "run.code"
    assert machine_code._link(file) is None
    file.write_bytes(damage)
    assert machine_code._link(file) is None


def test_cut_file_is_not_loaded(tmp_path: Path) -> None:
    whole = code_file().read_bytes()
    file = tmp_path / "run.code"
    file.write_bytes(whole[:-1])
    assert machine_code._link(file) is None


def test_nothing_but_mathematics_is_needed_from_elsewhere() -> None:
    import json

    heading = json.loads(code_file().read_bytes().partition(b"\n")[0])
    assert machine_code._has_symbols(heading["needs"])
    assert not machine_code._has_symbols(["no_such_function_anywhere"])


def test_interrupt_ends_the_wait_for_a_compilation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finish, main = threading.Event(), threading.main_thread().ident

    def compile_for_long(*_: object) -> tuple[dict, bytes]:
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)
        finish.wait(60)
        return {"name": "f", "needs": []}, b"code"

    monkeypatch.setattr(machine_code, "_compile", compile_for_long)
    registered: list = []
    monkeypatch.setattr(machine_code.atexit, "register", lambda *call: registered.append(call))
    began = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        machine_code._make(tmp_path / "run.code", None, [])  # type: ignore[arg-type]
    assert time.perf_counter() - began < 20
    ((leave, thread),) = registered
    assert leave is machine_code._leave
    finish.set()
    thread.join(60)
    leave(thread)  # there is nothing left to wait for
    assert (tmp_path / "run.code").read_bytes().endswith(b"\ncode")


def test_failure_of_a_compilation_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no such instruction")

    monkeypatch.setattr(machine_code, "_compile", fail)
    with pytest.raises(ValueError, match="no such instruction"):
        machine_code._make(tmp_path / "run.code", None, [])  # type: ignore[arg-type]
