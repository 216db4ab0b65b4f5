"""A simulated run: discrete events of a study on so many slots, to know how long it takes and how much of that is training.

A slot holds one trial after another. One driver serves all of them: it hands out trials and hears their reports one at a time,
and a trial that reports waits until it was heard, as in Ray Tune. Trials that ASHA stops are of random quality (`halving`).
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from ablate.study.schema import Asha
from ablate.summary.halving import is_behind, rungs_of
from ablate.training.probe import Pace

MOST_MEASURED = 10_000
"""Trials of the largest study whose driver was measured: `Overheads.report` did not grow up to there."""


@dataclass(frozen=True)
class Overheads:
    """Seconds that a run takes beside its trials; where they come from: docs/scaling.md, docs/benchmarks.md."""

    start: float = 3.8
    """From the command to the first trial that is handed out: Ray's start."""
    first_of_slot: float = 5.2
    """Before the first trial of a slot: a process, torch."""
    trial: float = 0.018
    """Of the driver, for each trial: a proposal, its begin and its end written down."""
    report: float = 0.0032
    """Of the driver, for each report, if it has a core of its own."""
    closing: float = 18.0
    """After the last trial, which is alone: latency, MLflow, Ray's end."""


@dataclass(frozen=True)
class Planned:
    """A trial to come."""

    pace: Pace
    epochs: int
    """That it trains if nothing stops it."""
    group: str | None = None
    """Trials that are stopped together; None: nothing stops it."""
    after: str | None = None
    """The group that must have ended before it begins."""
    tested: bool = False
    """Whether it reads the test split after its last epoch."""


@dataclass(frozen=True)
class SimulatedRun:
    """How it went."""

    seconds: float
    """From the command to its end."""
    busy_seconds: float
    """Trials' own, summed over them."""
    reports: int


def simulate(
    trials: Sequence[Planned],
    *,
    slots: int,
    asha: Asha | None = None,
    overheads: Overheads | None = None,
    seed: int = 0,
) -> SimulatedRun:
    """Run `trials`, handed out in their order, as far as what they wait for has ended; equal for equal seeds."""
    return _Run(trials, slots, asha, overheads or Overheads(), seed).to_the_end()


class _Run:
    def __init__(
        self, trials: Sequence[Planned], slots: int, asha: Asha | None, overheads: Overheads, seed: int
    ) -> None:
        draw = random.Random(seed)
        self.trials, self.free, self.asha, self.overheads = trials, slots, asha, overheads
        self.qualities = [draw.random() for _ in trials]
        self.rungs = {epochs: set(rungs_of(asha, epochs)) for epochs in {t.epochs for t in trials}} if asha else {}
        self.seen: dict[tuple[str, int], list[float]] = defaultdict(list)
        """Group and rung -> the qualities that came there, sorted."""
        self.open = Counter(trial.group for trial in trials)
        """Trials of each group that have not ended."""
        self.blocked: dict[str, list[int]] = defaultdict(list)
        self.ready: list[int] = []
        for place, trial in enumerate(trials):
            waits = trial.after is not None and self.open[trial.after]
            (self.blocked[str(trial.after)] if waits else self.ready).append(place)
        heapify(self.ready)
        self.warm = 0
        """Processes without a trial."""
        self.driver = overheads.start
        """When the driver has done all it was given."""
        self.events: list[tuple[float, int, int]] = []
        """When which trial ends which epoch."""
        self.busy, self.reports = 0.0, 0

    def to_the_end(self) -> SimulatedRun:
        self._hand_out()
        while self.events:
            now, place, epoch = heappop(self.events)
            self.driver = max(self.driver, now) + self.overheads.report
            self.reports += 1
            self._go_on(place, epoch)
        return SimulatedRun(self.driver + self.overheads.closing, self.busy, self.reports)

    def _hand_out(self) -> None:
        """Give every free slot a trial, as far as there are any."""
        while self.free and self.ready:
            place = heappop(self.ready)
            self.free -= 1
            self.driver += self.overheads.trial
            begin = self.driver if self.warm else self.driver + self.overheads.first_of_slot
            self.warm = max(0, self.warm - 1)
            self.busy += self.trials[place].pace.setup
            self._train(place, 1, begin + self.trials[place].pace.setup)

    def _train(self, place: int, epoch: int, begin: float) -> None:
        """One epoch, from `begin` on."""
        trial = self.trials[place]
        seconds = trial.pace.epoch + (trial.pace.test if trial.tested and epoch == trial.epochs else 0.0)
        self.busy += seconds
        heappush(self.events, (begin + seconds, place, epoch))

    def _go_on(self, place: int, epoch: int) -> None:
        """After a report: another epoch, or the end of the trial and what may begin then."""
        trial = self.trials[place]
        if epoch < trial.epochs and not self._stops(place, epoch):
            self._train(place, epoch + 1, self.driver)
            return
        self.free, self.warm = self.free + 1, self.warm + 1
        self.open[trial.group] -= 1
        if trial.group is not None and not self.open[trial.group]:
            for waiting in self.blocked.pop(trial.group, []):
                heappush(self.ready, waiting)
        self._hand_out()

    def _stops(self, place: int, epoch: int) -> bool:
        trial = self.trials[place]
        if self.asha is None or trial.group is None or epoch not in self.rungs[trial.epochs]:
            return False
        share = 1 - 1 / self.asha.reduction_factor
        return is_behind(self.qualities[place], self.seen[trial.group, epoch], share)
