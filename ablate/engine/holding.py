"""What Tune holds for each trial: its share, or a whole GPU or machine where it has run out of memory beside others."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ablate.engine.resources import Budget
from ablate.store.asked import Asked
from ablate.study.spending import Resources

MOST_ON_A_GPU = 8
"""More contexts take turns on it, and each wants CPUs of its own."""
SPARE = 1.1
"""Of what was measured by some steps: allocators fragment, and later batches may find more tuples."""

Held = dict[str, float]
"""Ray's names: {"cpu": 2, "gpu": 0.25}."""


class Holding:
    """Decides for each trial; knows which have had to be tried again alone."""

    def __init__(self, trial: Resources, allowed: Budget) -> None:
        self.trial, self.allowed = trial, allowed
        self.shares: Mapping[str, float] = {}
        """Of a GPU, by architecture, where that was measured (`gpus: auto`)."""
        self.alone: dict[int, Held] = {}
        """Trials that have run out of memory, by number: what they hold to have no neighbours, once more."""

    @property
    def slots(self) -> int:
        """Trials at once, at most: of the architecture with the smallest share.

        On a cluster of which the study may use a part, of that with the largest: there nothing but this number keeps it from
        the other GPUs.
        """
        if self.trial.gpus != "auto":
            return self.allowed.slots(self.trial)
        of_part = self.allowed.gpus < sum(machine.gpus for machine in self.allowed.machines)
        share = (max if of_part else min)(self.shares.values(), default=_part(MOST_ON_A_GPU))
        return self.allowed.slots(self.trial.with_share(share))

    def held_for(self, asked: Asked) -> Held:
        """What a trial of one worker holds."""
        return self.alone.get(asked.number) or self._usual(asked)

    def try_alone(self, asked: Asked, *, on_gpu: bool) -> bool:
        """Whether a trial that has run out of memory, of its GPU or of its machine, had neighbours there; then it is tried once
        more without."""
        if self.trial.workers > 1 or asked.number in self.alone or self.slots == 1:
            return False
        held, most = self._usual(asked), self.allowed.most_of_a_machine(self.trial)
        alone = {**held, "gpu": min(1.0, self.allowed.gpus)} if on_gpu else {**held, "cpu": most.cpus}
        if alone == held:
            return False
        self.alone[asked.number] = alone
        return True

    def price(self, held: Held, usd_per_hour: float | None) -> float | None:
        """Of an hour of what is held, where what the study file says has `usd_per_hour`."""
        if usd_per_hour is None or self.trial.workers > 1:
            return usd_per_hour
        share = self.trial.gpu_share
        return usd_per_hour * (held["gpu"] / share if share else held["cpu"] / self.trial.cpus)

    def _usual(self, asked: Asked) -> Held:
        share = self.shares.get(asked.configuration.architecture, self.trial.gpu_share)
        return {"cpu": self.trial.cpus, "gpu": share}


def shares_of(taken: Mapping[str, float], total: float) -> dict[str, float]:
    """Of a GPU of `total` MiB for each architecture, of which a trial takes `taken`: one of so many equal parts.

    All of it where nothing could be measured (0), and where it does not fit.
    """
    fitting = {name: int(total / (SPARE * need)) if need else 1 for name, need in taken.items()}
    return {name: _part(max(1, min(MOST_ON_A_GPU, trials))) for name, trials in fitting.items()}


def _part(trials: int) -> float:
    """One of so many equal parts of a GPU: Ray counts in ten-thousandths, and six rounded sixths would not fit."""
    return math.floor(10_000 / trials) / 10_000


def placed(config: Mapping[str, Held]) -> Held:
    """Tune's question what to hold for a trial, answered by its config."""
    return config["held"]
