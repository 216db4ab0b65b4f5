"""An ablation: the arms of a design, the space of each, and the seeds that judge them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from ablate.study.configuration import Configuration
from ablate.study.design import Arm, Factor, Plan
from ablate.study.domain import Domain
from ablate.study.schema import Tune
from ablate.study.space import Space
from ablate.study.tuning import Tuning
from ablate.types import Scalar


@dataclass(frozen=True)
class Ablation:
    """A design with everything in it checked."""

    plan: Plan
    factors: tuple[Factor, ...]
    spaces: Mapping[str, Space]
    """Of each arm by its name: what is left to tune; one configuration where nothing is tuned."""
    seeds: tuple[int, ...]
    tune: Tune | None
    margin: float | None
    """Of equivalence, in units of the objective."""
    deviation: float | None
    """Expected, of a difference between seeds."""
    epochs: int
    """Of the trials that judge the arms."""

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The baseline first."""
        return self.plan.arms

    @cached_property
    def cells(self) -> list[tuple[str, int]]:
        """Every arm with every seed, in the order in which they are trained: each seed goes through all arms."""
        return [(arm.name, seed) for seed in self.seeds for arm in self.arms]

    def asks_for(self, phase: str, arm: str, seed: int) -> bool:
        """Whether a trial is one of its own: an arm or a seed may have been taken out since it was handed out."""
        return arm in self.spaces and (phase == "tune" or seed in self.seeds)

    @property
    def trials(self) -> int:
        """How many trials there are in all, those of the tuning among them."""
        return len(self.cells) + sum(self.tuning_trials(arm.name) for arm in self.arms)

    def configuration(self, arm: str) -> Configuration:
        """The only one of an arm that is not tuned."""
        return self.spaces[arm].resolve(_nothing_to_choose)

    def at_full_length(self, configuration: Configuration) -> Configuration:
        """What judges an arm whose tuning found `configuration`."""
        return replace(configuration, epochs=self.epochs)

    def tuning(self, arm: str, *, seed: int) -> Tuning:
        """The search of one arm."""
        assert self.tune is not None, f"arm {arm} is not tuned"
        asha = self.tune.stopping.asha if self.tune.stopping else None
        space = replace(self.spaces[arm], epochs=self.tuning_epochs)
        return Tuning(space, self.tune.algorithm, self.tune.trials, asha, seed)

    @property
    def tuning_epochs(self) -> int:
        """Of each tuning trial."""
        return (self.tune.epochs if self.tune else None) or self.epochs

    def tuning_trials(self, arm: str) -> int:
        """Configurations that an arm tries: as many as every other, or all that it has."""
        if self.tune is None:
            return 0
        size = self.spaces[arm].size
        return self.tune.trials if size is None else min(self.tune.trials, size)

    def to_dict(self) -> dict[str, Any]:
        """What a reader of the results must know of the design, as plain values."""
        return {
            **asdict(replace(self.plan, arms=(), baseline=None)),
            "arms": [{"name": arm.name, "levels": dict(arm.levels)} for arm in self.arms],
            "baseline": self.plan.baseline.name if self.plan.baseline else None,
            "factors": {factor.name: list(factor.levels) for factor in self.factors},
            "baseline_levels": {factor.name: factor.baseline for factor in self.factors},
            "seeds": list(self.seeds),
            "margin": self.margin,
            "tune": self.tune.model_dump() if self.tune else None,
        }


def _nothing_to_choose(name: str, domain: Domain) -> Scalar:
    raise AssertionError(f"{name} is {domain}, in an arm that is not tuned")
