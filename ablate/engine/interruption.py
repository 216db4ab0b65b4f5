"""Ctrl-C: a study ends resumably, and within ten seconds, whatever hangs meanwhile.

Handlers run in the main thread, and only between two of Python's own instructions: one that waits for a lock (of an import, of
Ray's core) never sees them. So a thread of its own reads every signal from a pipe, and ends the process where the main thread
does not.
"""

from __future__ import annotations

import math
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

import psutil

from ablate.engine.leftovers import end_leftovers

STOPPING = (signal.SIGINT, signal.SIGTERM)
PATIENCE_SECONDS = 7.5
"""From the first Ctrl-C until what hangs is cut short; with `KILLING_SECONDS` it is ten at the most."""
KILLING_SECONDS = 2.0
AT_ONCE = 3
"""So many times Ctrl-C end the process at once."""
APART_SECONDS = 0.3
"""Signals that come closer are one Ctrl-C: `timeout` and some shells send it to the process and to its group."""
AGAIN_SECONDS = 1.0
"""A Ctrl-C that comes so long after the last KeyboardInterrupt raises another: the first may be lost in a destructor."""
INTERRUPTED = 130
LOOK, OVER = b"\xff", b"\x00"
"""What we write into the pipe ourselves; a signal is its number."""
CUT_SHORT = "\n{why}; it was cut short: finished trials are kept, run the same command again to continue\n"


class Interruption:
    """Whether the user asked the study to stop, and the clock that then runs."""

    def __init__(self) -> None:
        self.asked = False
        self.session_dir: str | None = None
        """Of a Ray of our own, once it is known."""
        self._raised = self._pressed = -math.inf
        self._times, self._deadline, self._why = 0, math.inf, ""
        self._pipe = (-1, -1)

    def check(self) -> None:
        """Raise KeyboardInterrupt if so: the one that the signal raised is lost where it hits a destructor."""
        if self.asked:
            raise KeyboardInterrupt

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Within, the process ends `PATIENCE_SECONDS` after the first Ctrl-C, and at once after the third."""
        self._pipe = reading, writing = os.pipe()
        os.set_blocking(writing, False)
        before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        thread = threading.Thread(target=self._watch, name="interruption", daemon=True)
        thread.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            os.write(writing, OVER)
            thread.join()
            os.close(reading)
            os.close(writing)

    def limit(self, seconds: float, what: str) -> None:
        """What comes next, until `watched` is left, may take so long, interrupted or not."""
        self._end_by(time.monotonic() + seconds, f"{what} took more than {seconds:g} s")
        os.write(self._pipe[1], LOOK)

    def raises(self, frame: FrameType | None) -> bool:
        """Note a Ctrl-C, and say whether it is to raise. Not in an import: its locks could stay taken; a `check` follows."""
        self.asked = True
        now = time.monotonic()
        if now - self._raised < AGAIN_SECONDS or _importing(frame):
            return False
        self._raised = now
        return True

    def _end_by(self, deadline: float, why: str) -> None:
        if deadline < self._deadline:
            self._deadline, self._why = deadline, why

    def _watch(self) -> None:
        """The thread: reads what the kernel hands over, and looks at the clock."""
        reading, _ = self._pipe
        while time.monotonic() < self._deadline and self._times < AT_ONCE:
            wait = None if self._deadline == math.inf else max(0.0, self._deadline - time.monotonic())
            told = os.read(reading, 64) if select.select([reading], [], [], wait)[0] else b""
            if OVER in told:
                return
            if set(told) & set(STOPPING):
                self._press()
        _end_process(self._why, self.session_dir)

    def _press(self) -> None:
        self.asked, now = True, time.monotonic()
        if now - self._pressed >= APART_SECONDS:
            self._times += 1
        self._pressed = now
        if self._times == AT_ONCE:
            self._why = f"Ctrl-C {AT_ONCE} times"
        self._end_by(now + PATIENCE_SECONDS, f"ending after Ctrl-C took more than {PATIENCE_SECONDS:g} s")


@contextmanager
def stoppable(interruption: Interruption) -> Iterator[None]:
    """SIGINT and SIGTERM raise KeyboardInterrupt: Ctrl-C, `kill`, and a batch system's end all stop a study resumably.

    Also where they were ignored, as a shell does for what it starts in the background.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        if interruption.raises(frame):
            raise KeyboardInterrupt

    with _handling(interrupt):
        yield


@contextmanager
def undisturbed(interruption: Interruption) -> Iterator[None]:
    """A Ctrl-C is noted and cuts nothing short: neither the ending, nor Ray's start, which would leave half a Ray.

    Ray sets a handler of its own for SIGTERM when it starts, which aborts; the one before is set again.
    """

    def note(number: int, frame: FrameType | None) -> None:
        interruption.asked = True

    with _handling(note):
        yield


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """`handler` meets SIGINT and SIGTERM; afterwards it is as before."""
    before = {number: signal.signal(number, handler) for number in STOPPING}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _importing(frame: FrameType | None) -> bool:
    """Whether Python is in the middle of an import."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _end_process(why: str, session_dir: str | None) -> NoReturn:
    """Say so, kill what we started, and end. The study's memory may be cut off between any two of its writes."""
    with suppress(OSError):  # nobody may be there to read it
        os.write(2, CUT_SHORT.format(why=why).encode())
    killing = threading.Thread(target=_end_own, args=(session_dir,), daemon=True)
    killing.start()
    killing.join(KILLING_SECONDS)  # were it to hang too, the next run of the study finds them
    os._exit(INTERRUPTED)


def _end_own(session_dir: str | None) -> None:
    """Kill every process that this one started, and what outlived its parent among them."""
    for process in psutil.Process().children(recursive=True):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue  # it ended by itself
    if session_dir is not None:
        end_leftovers(session_dir)
