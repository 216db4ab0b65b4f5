"""A study: the question with everything in it checked, as every other floor reads it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from ablate.catalogue.backbones.weights import weights_digest
from ablate.catalogue.costs import COSTS, MEASURES
from ablate.study.ablation import Ablation
from ablate.study.configuration import OFF, SLOTS
from ablate.study.domain import Domain, Fixed, written
from ablate.study.prices import Price
from ablate.study.schema import MOST_SEED, Asha, Data, Search
from ablate.study.space import Space, values
from ablate.study.spending import Cost, Limit, Resources
from ablate.study.tuning import Tuning
from ablate.types import counted


@dataclass(frozen=True)
class Objective:
    """What the search improves."""

    metric: str
    """With its split: val/recall_at_1."""
    goal: str
    """maximize or minimize."""

    @property
    def mode(self) -> str:
        """The goal in Ray's word: max or min."""
        return self.goal.removesuffix("imize")

    @property
    def sign(self) -> int:
        """1 where larger is better, -1 where smaller is: `sign * value` is always to be large."""
        return 1 if self.goal == "maximize" else -1

    def better(self, value: float, than: float) -> bool:
        """Whether `value` improves on `than`."""
        return value > than if self.goal == "maximize" else value < than


def point_of(numbers: Mapping[str, float], objectives: Sequence[Objective]) -> tuple[float, ...] | None:
    """What is to be small, one number of each objective; None where one of them is missing or not finite."""
    point = tuple(-each.sign * numbers.get(each.metric, math.nan) for each in objectives)
    return point if all(map(math.isfinite, point)) else None


ARM = "arm "
"""Begins the keys of a study's meaning that belong to one arm."""
WEIGHTS = "weights "
"""Begins those that hold the digest of a file of weights: what is in one study only, an arm's or a level's, is not compared."""


@dataclass(frozen=True)
class Study:
    """One study file, typed and frozen."""

    name: str
    question: str
    data: Data
    objectives: tuple[Objective, ...]
    """One, or two or three that a search weighs against each other."""
    space: Space
    search: Search
    ablation: Ablation | None
    """In place of the search, where there is one."""
    resources: Resources
    constraints: Mapping[str, Limit]
    cost: Cost
    price: Price | None
    """Of the machine that it trains on, where the file names one."""
    seed: int
    text: str
    """The file as it was read; where `--set` changed it, what gives the same study without that."""
    resolved: Mapping[str, Any]
    """The file with `--set` applied, as plain values."""

    @property
    def objective(self) -> Objective:
        """The first: it says which epoch of a trial is its best."""
        return self.objectives[0]

    @property
    def tuning_seed(self) -> int:
        """Of the trials that tune an arm: one that judges none."""
        return MOST_SEED + self.seed

    @property
    def seeds(self) -> tuple[int, ...]:
        """All that a trial may have."""
        if self.ablation is None:
            return (self.seed,)
        return (*self.ablation.seeds, *((self.tuning_seed,) if self.ablation.tune else ()))

    @property
    def measured_first(self) -> bool:
        """Whether what is timed decides on trials: then every architecture is timed before the first."""
        return any(COSTS[name].known == "timed" for name in self._deciding_costs)

    def tuning_of(self, arm: str) -> Tuning:
        """The search, or that of an arm."""
        if self.ablation is not None:
            return self.ablation.tuning(arm, seed=self.seed)
        asha = self.search.stopping.asha if self.search.stopping else None
        return Tuning(self.space, self.search.algorithm, self.search.trials, asha, self.seed)

    @property
    def _deciding_costs(self) -> list[str]:
        """Those that are constrained, or an objective."""
        return [*self.constraints, *(each.metric for each in self.objectives if each.metric in COSTS)]

    @property
    def measures(self) -> tuple[str, ...]:
        """What is timed of each architecture beyond the default: what is asked for, and what decides on trials."""
        named = [COSTS[name].measure for name in self._deciding_costs]
        return tuple(measure for measure in MEASURES if measure in (*self.cost.measure, *named))

    @property
    def usd_per_hour(self) -> float | None:
        """Of one trial; None where nothing says."""
        return None if self.price is None else self.price.usd_per_hour(self.resources)

    @property
    def asha(self) -> Asha | None:
        """How trials that are searched are stopped."""
        stopping = self.search.stopping
        if self.ablation is not None:
            stopping = self.ablation.tune.stopping if self.ablation.tune else None
        return stopping.asha if stopping else None

    @property
    def tuning_epochs(self) -> int:
        """Epochs of a trial that is searched."""
        return self.space.epochs if self.ablation is None else self.ablation.tuning_epochs

    @property
    def image_sizes(self) -> list[int]:
        """All that trials may see; of an ablation the baseline's first."""
        return list(dict.fromkeys(size for space in self.spaces for size in space.image_sizes))

    @property
    def spaces(self) -> list[Space]:
        """All that trials are drawn from: one space, or one of each arm."""
        return [self.space] if self.ablation is None else list(self.ablation.spaces.values())

    @property
    def meaning(self) -> dict[str, str]:
        """What the trials of this study have in common, by the key that sets it: if one differs, they cannot be compared.

        How many trials there are, and how they are proposed or stopped, are not among it. The resources of a trial are: costs
        compare only on equal ones. So is `epochs`, but it may grow (see `store.folder`). An ablation may gain arms and
        seeds: what is not in both studies (`ARM`) is not compared.
        """
        data = self.data.model_dump(exclude={"image_size"})  # it is among the domains, wherever the file names it
        if self.data.protocol != "one_shot":  # which alone reads these
            del data["ways"], data["shots"]
        return {
            "data": json.dumps(data, sort_keys=True),
            "constraints": json.dumps({name: limit.describe() for name, limit in sorted(self.constraints.items())}),
            "objective.metric": self.objective.metric,
            "objective.goal": self.objective.goal,
            **self._meaning_of_objectives(),
            "seed": str(self.seed),
            "resources": self._meaning_of_resources(),
            "space.epochs": str(self.space.epochs),
            **(
                {}
                if self.usd_per_hour is None
                else {"cost.machine": f"{self.usd_per_hour:g} USD for an hour of a trial"}
            ),
            **(_domains(self.space) if self.ablation is None else self._meaning_of_arms(self.ablation)),
            **_weights(self.spaces),
        }

    def _meaning_of_resources(self) -> str:
        """One worker goes without saying: a study from before there could be several may go on."""
        cpus, gpus, workers = self.resources.cpus, self.resources.gpus, self.resources.workers
        of_gpus = "a share of a GPU" if gpus == "auto" else f"{gpus:g} GPUs"
        return f"{counted(cpus, 'CPU')}, {of_gpus}" + (f" for each of {workers} workers" if workers > 1 else "")

    def _meaning_of_objectives(self) -> dict[str, str]:
        """Nothing where there is one: a study from before there could be several may go on."""
        named = ", ".join(f"{each.goal} {each.metric}" for each in self.objectives)
        return {"objectives": named} if len(self.objectives) > 1 else {}

    def _meaning_of_arms(self, ablation: Ablation) -> dict[str, str]:
        arms = {
            f"{ARM}{arm}: {name}": value
            for arm, space in ablation.spaces.items()
            for name, value in _domains(space).items()
        }
        tune = ablation.tune.model_dump_json() if ablation.tune else "none"
        return {"ablation.design": ablation.plan.design, "ablation.tune": tune, **arms}


def _domains(space: Space) -> dict[str, str]:
    return {f"space.{name}": written(domain) for name, domain in space.domains.items() if not _is_off(name, domain)}


def _is_off(name: str, domain: Domain) -> bool:
    """Whether a knob does nothing, so that a study from before it came may go on."""
    slot, parameter = name.partition(".")[0], name.rpartition(".")[2]
    knob = f"{slot}.{parameter}" if slot in SLOTS else name
    return knob in OFF and domain == Fixed(OFF[knob])


def _weights(spaces: list[Space]) -> dict[str, str]:
    """Digests of the files that backbones begin with: one that is changed under its name makes other trials."""
    found: dict[str, str] = {}
    for name, params in ((name, params) for space in spaces for name, params in space.slots["backbone"].items()):
        told = [key for key in ("pretrained", "batch_norm") if key in params]  # what names a file
        for chosen in product(*(values(params[key]) for key in told)):
            digest = weights_digest(name, dict(zip(told, chosen, strict=True)))
            if digest is not None:
                found[" ".join([WEIGHTS + name, *map("{}={}".format, told, chosen)])] = digest
    return found
