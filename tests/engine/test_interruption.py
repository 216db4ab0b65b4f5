"""Ctrl-C: where it raises, where it is only noted, and that a main thread which hangs cannot keep the process alive."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ablate.engine import interruption as module
from ablate.engine.interruption import Interruption, stoppable, undisturbed

HANGING = """
import os, subprocess, sys, threading
from ablate.engine import interruption as module
from ablate.engine.interruption import Interruption, undisturbed

module.PATIENCE_SECONDS = float(sys.argv[1])
child = subprocess.Popen(["sleep", "600"])
interruption = Interruption()
with interruption.watched(), undisturbed(interruption):
    if sys.argv[2:]:
        interruption.limit(float(sys.argv[2]), "the end of Ray")
    print(child.pid, flush=True)
    import _imp  # the main thread hung in its lock, a wait that no handler of Python interrupts
    held = threading.Event()
    def hold():
        _imp.acquire_lock()
        held.set()
        threading.Event().wait()
    threading.Thread(target=hold, daemon=True).start()
    held.wait()
    _imp.acquire_lock()
"""


def hang(*words: str) -> tuple[subprocess.Popen[str], psutil.Process]:
    """A process whose main thread hangs, with the process that it started."""
    driver = subprocess.Popen(
        [sys.executable, "-c", HANGING, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert driver.stdout is not None
    child = psutil.Process(int(driver.stdout.readline()))
    time.sleep(0.5)
    return driver, child


def ended(driver: subprocess.Popen[str], child: psutil.Process) -> str:
    """What it said at its end, which has exit code 130 and leaves nothing running."""
    _, said = driver.communicate(timeout=20)
    assert driver.returncode == 130
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert "finished trials are kept, run the same command again" in said
    return said


@pytest.mark.slow
def test_what_hangs_after_ctrl_c_is_cut_short_with_all_that_was_started() -> None:
    """Slow: starts processes."""
    driver, child = hang("2")
    time.sleep(2.5)  # without Ctrl-C there is no hurry
    assert driver.poll() is None
    driver.send_signal(signal.SIGINT)
    begin = time.monotonic()
    assert "ending after Ctrl-C took more than 2 s" in ended(driver, child)
    assert 1.5 < time.monotonic() - begin < 2 + module.KILLING_SECONDS + 2


@pytest.mark.slow
def test_the_third_ctrl_c_ends_at_once_and_the_second_does_not() -> None:
    """Slow: starts processes. Each Ctrl-C comes twice, as from `timeout`."""
    driver, child = hang("600")
    for _ in range(2):
        driver.send_signal(signal.SIGINT)
        time.sleep(0.05)
        driver.send_signal(signal.SIGTERM)
        time.sleep(1)
    assert driver.poll() is None
    driver.send_signal(signal.SIGINT)
    assert "Ctrl-C 3 times" in ended(driver, child)


@pytest.mark.slow
def test_a_limited_end_is_cut_short_without_ctrl_c() -> None:
    """Slow: starts processes."""
    driver, child = hang("600", "1")
    assert "the end of Ray took more than 1 s" in ended(driver, child)


@pytest.mark.slow
def test_what_hangs_is_cut_short_also_where_nobody_reads_what_it_says() -> None:
    """Slow: starts processes."""
    driver, child = hang("1")
    assert driver.stdout is not None and driver.stderr is not None
    for end in (driver.stdout, driver.stderr):
        end.close()  # as of a terminal that is gone, or `ablate run |& head`
    driver.send_signal(signal.SIGTERM)
    assert driver.wait(20) == 130
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_ctrl_c_raises_once_though_it_comes_twice() -> None:
    interruption = Interruption()
    with stoppable(interruption):
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert interruption.asked
    with pytest.raises(KeyboardInterrupt):
        interruption.check()


def test_a_later_ctrl_c_raises_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.05)
    with stoppable(Interruption()):
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGTERM)
            time.sleep(0.1)


def test_ctrl_c_in_an_import_raises_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "interrupted_module.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\nwhole = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    interruption = Interruption()
    with stoppable(interruption):
        import interrupted_module  # type: ignore[import-not-found]
    assert interrupted_module.whole
    with pytest.raises(KeyboardInterrupt):
        interruption.check()


def test_undisturbed_notes_it_and_sets_the_handlers_back() -> None:
    before = [signal.getsignal(number) for number in module.STOPPING]
    interruption = Interruption()
    with undisturbed(interruption):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # as Ray does
        signal.raise_signal(signal.SIGINT)
    assert interruption.asked
    assert [signal.getsignal(number) for number in module.STOPPING] == before


def test_what_is_not_interrupted_ends_its_watch() -> None:
    interruption = Interruption()
    before = signal.set_wakeup_fd(-1)
    with interruption.watched():
        interruption.limit(600, "this")
    assert signal.set_wakeup_fd(before) == before == -1
    assert not interruption.asked
