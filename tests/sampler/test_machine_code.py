"""Machine code on disk: loaded without numba, made anew when it is damaged, and Ctrl-C is not lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import hand_built
import numpy as np
import pytest

from blimp2pymc.sampler import machine_code, sweep
from blimp2pymc.sampler.chain import sample
from blimp2pymc.sampler.compiled import cache_folder


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
from blimp2pymc.sampler.chain import sample
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


def test_interrupt_that_was_lost_is_raised_at_the_end() -> None:
    handler = signal.getsignal(signal.SIGINT)
    reached = False
    with pytest.raises(KeyboardInterrupt), machine_code.interrupt_remembered():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            reached = True  # as where LLVM calls back into Python
    assert reached
    assert signal.getsignal(signal.SIGINT) is handler


def test_no_interrupt_no_exception() -> None:
    with machine_code.interrupt_remembered():
        pass
