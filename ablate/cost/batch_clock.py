"""A clock for a part of every step: how long making the batch takes."""

from __future__ import annotations

import time

import torch


class BatchClock:
    """Adds up the stretches between `begin` and `end`; on a GPU on its own time line, without waiting for it."""

    def __init__(self, device: torch.device) -> None:
        self._on_gpu = device.type == "cuda"
        self._seconds = 0.0
        self._begin = 0.0
        self._events: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []

    def begin(self) -> None:
        if self._on_gpu:
            self._events.append((_event(), _event()))
            self._events[-1][0].record()
        else:
            self._begin = time.perf_counter()

    def end(self) -> None:
        if self._on_gpu:
            self._events[-1][1].record()
        else:
            self._seconds += time.perf_counter() - self._begin

    def seconds(self) -> float:
        """So far; the GPU must have come to the end of what was given to it."""
        self._seconds += sum(begin.elapsed_time(end) for begin, end in self._events) / 1000
        self._events.clear()
        return self._seconds


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
