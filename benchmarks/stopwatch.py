"""Where the time of a process goes: seconds of named functions, each without those of the others that it calls.

Functions are wrapped from outside; no line of what is measured is changed. A call costs about two microseconds more.
"""

from __future__ import annotations

import functools
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any


class Stopwatch:
    """Seconds and calls of each part, in the thread that made the watch."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        """By the clock on the wall."""
        self.cpu_seconds: defaultdict[str, float] = defaultdict(float)
        """Of this thread alone: what it took from a processor, however busy the machine is."""
        self.calls: Counter[str] = Counter()
        self.thread = threading.get_ident()
        self.inner: list[list[float]] = []
        """Of each call that is open, both seconds of the calls inside it."""

    def watch(self, part: str, owner: Any, *names: str) -> None:
        """Count these functions of a class or a module to `part`, from now on."""
        for name in names:
            setattr(owner, name, self._timed(part, getattr(owner, name)))

    def _timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != self.thread:
                return function(*args, **kwargs)
            self.inner.append([0.0, 0.0])
            begin, begin_cpu = time.perf_counter(), time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                self._note(part, time.perf_counter() - begin, time.thread_time() - begin_cpu)

        return run

    def _note(self, part: str, seconds: float, cpu_seconds: float) -> None:
        inner, inner_cpu = self.inner.pop()
        self.seconds[part] += seconds - inner
        self.cpu_seconds[part] += cpu_seconds - inner_cpu
        self.calls[part] += 1
        if self.inner:
            self.inner[-1][0] += seconds
            self.inner[-1][1] += cpu_seconds
