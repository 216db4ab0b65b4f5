"""The exchange between a slot's trial actor and its workers: trials go out, reports come back, and each report gets an answer.

Ray Train's own reports wait until its controller polls, one at a time; these wait for nobody but Tune's decision. Every worker
asks for the answer to a report, so that all of them stop at the same epoch, and none waits for another in a process group that
would time out while the slot is idle.
"""

from __future__ import annotations

import asyncio
from typing import Any, Literal, NamedTuple


class Message(NamedTuple):
    """What the workers have to say."""

    kind: Literal["report", "ended", "failed"]
    """Of an epoch; of a trial that is over on all workers; of a worker that will not go on, nor the others without it."""
    told: dict[str, Any]
    """A report; of an end or a failure why, where it was not the last epoch."""


class Exchange:
    """An actor without CPUs; its methods wait for each other. Trials are numbered from 1."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.number = 0
        self.trial: dict[str, Any] = {}
        self.closed = self.stopping = False
        self.asked = 0
        """How often the trial actor has asked for a message of this trial: all reports before the last are answered."""
        self.over: set[int] = set()
        """Workers that have left the trial."""
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.changed = asyncio.Condition()
        self.trainer: bytes | None = None
        """Pickled, so that this process need not import Ray Train: the controller of the workers, once it is there."""

    # called by the trial actor

    async def start(self, trial: dict[str, Any]) -> None:
        """Hand out a trial; the one before is over."""
        self.trial, self.messages, self.over = trial, asyncio.Queue(), set()
        self.asked, self.stopping = 0, False
        self.number += 1
        await self._notify()

    async def next(self) -> Message:
        """The next message; a report that was taken before is thereby answered with: go on."""
        self.asked += 1
        await self._notify()
        return await self.messages.get()

    async def stop(self) -> None:
        """Answer the report that was taken last, or comes next, with: stop; return when all workers have left the trial."""
        self.stopping = True
        await self._notify()
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.over) == self.workers)

    async def close(self) -> None:
        """Let the workers end."""
        self.closed = self.stopping = True
        await self._notify()

    async def controller(self) -> bytes | None:
        """What `introduce` was told."""
        return self.trainer

    # called by Ray Train's controller

    async def introduce(self, controller: bytes) -> None:
        """Whom to ask to end the workers."""
        self.trainer = controller

    # called by the workers

    async def next_trial(self, last: int) -> tuple[int, dict[str, Any]] | None:
        """The first trial after number `last`, once there is one; None when there will be none."""
        async with self.changed:
            await self.changed.wait_for(lambda: self.closed or self.number > last)
        return None if self.closed else (self.number, self.trial)

    async def report(self, place: int, report: dict[str, Any] | None) -> bool:
        """Whether to go on after the report at `place`, from 1, which one worker brings; once that is decided."""
        if report is not None:
            self.messages.put_nowait(Message("report", report))
        async with self.changed:
            await self.changed.wait_for(lambda: self.asked > place or self.stopping)
        return self.asked > place

    async def end(self, rank: int, why: dict[str, Any]) -> None:
        """A worker leaves the trial; all workers give the same reason."""
        self.over.add(rank)
        if len(self.over) == self.workers:
            self.messages.put_nowait(Message("ended", why))
            await self._notify()

    async def fail(self, why: dict[str, Any]) -> None:
        """A worker ends, and with it the group."""
        self.messages.put_nowait(Message("failed", why))

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()
