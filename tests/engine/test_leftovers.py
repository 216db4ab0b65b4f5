"""Leftovers of a killed driver are found by their open files; nobody else's process is touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ablate.engine.leftovers import end_leftovers, processes_of

HOLD = "import sys, time; file = open(sys.argv[1], 'w'); print('open', flush=True); time.sleep(60)"


def holder(path: Path) -> subprocess.Popen[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "open\n"
    return process


@pytest.mark.slow  # starts processes
def test_only_processes_with_a_file_in_the_session_folder_are_ended(tmp_path: Path) -> None:
    ours = holder(tmp_path / "session_1" / "logs" / "agent.log")
    others = holder(tmp_path / "session_10" / "logs" / "agent.log")  # whose name begins alike
    try:
        assert [p.pid for p in processes_of(str(tmp_path / "session_1"))] == [ours.pid]
        assert end_leftovers(str(tmp_path / "session_1")) == 1
        assert not psutil.pid_exists(ours.pid)
        assert others.poll() is None
    finally:
        for process in (ours, others):
            process.kill()
            process.communicate()


def test_this_process_is_never_a_leftover(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w"):
        assert list(processes_of(str(tmp_path))) == []
