"""What Tune holds for each trial: its share, or nearly all of a machine where it has run out of memory beside others."""

from __future__ import annotations

from collections.abc import Mapping

from ablate.engine.resources import Budget
from ablate.store.asked import Asked
from ablate.study.spending import Resources

Held = dict[str, float]
"""Ray's names: {"cpu": 2, "gpu": 0.25}."""


class Holding:
    """Decides for each trial; knows which have had to be tried again alone."""

    def __init__(self, trial: Resources, allowed: Budget) -> None:
        self.trial, self.allowed = trial, allowed
        self.alone: set[int] = set()
        """Numbers of trials that have run out of memory, and train once more with nothing beside them."""

    def of(self, asked: Asked) -> Held:
        """Of a trial of one worker."""
        if asked.number in self.alone:
            return self._all()
        return {"cpu": self.trial.cpus, "gpu": self.trial.gpus}

    def try_alone(self, asked: Asked) -> bool:
        """Whether a trial that has run out of memory had neighbours, and is to be tried without; once."""
        if self.trial.workers > 1 or self.of(asked) == self._all():
            return False
        self.alone.add(asked.number)
        return True

    def _all(self) -> Held:
        """Of a GPU, which nobody then shares; without GPUs of the CPUs of a machine, for trials share its memory."""
        if self.trial.gpus:
            return {"cpu": self.trial.cpus, "gpu": min(1.0, self.allowed.gpus)}
        return {"cpu": self.allowed.cpus_of_a_machine(self.trial), "gpu": 0.0}


def placed(config: Mapping[str, Held]) -> Held:
    """Tune's question what to hold for a trial, answered by its config."""
    return config["held"]
