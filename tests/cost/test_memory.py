"""The peak follows what a trial allocates, and falls again for the next."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ablate.cost import memory
from ablate.cost.memory import host_peak_mib, reset_peak

CPU = torch.device("cpu")
needs_proc = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are read from Linux's /proc")


def peak() -> float:
    value = host_peak_mib()
    assert value is not None
    return value


@needs_proc
def test_the_peak_rises_by_what_is_allocated_and_falls_for_the_next_trial() -> None:
    reset_peak(CPU)
    before = peak()
    block = torch.ones(200 * 2**20 // 4)
    assert peak() - before == pytest.approx(200, abs=20)
    del block
    assert peak() - before == pytest.approx(200, abs=20)  # a peak is not what is in use now
    reset_peak(CPU)
    assert peak() - before < 20


def test_a_system_that_keeps_no_peak_and_lets_nobody_write_says_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "status").write_text("Name:\tpython\nVmRSS:\t  1024 kB\n")  # gVisor has no VmHWM
    (tmp_path / "clear_refs").mkdir()  # writing to it raises OSError, as a read-only /proc does
    monkeypatch.setattr(memory, "Path", lambda name: tmp_path / Path(name).name)
    reset_peak(CPU)
    assert host_peak_mib() is None
