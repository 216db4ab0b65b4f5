"""A study: the question with everything in it checked, as every other floor reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ablate.study.domain import written
from ablate.study.schema import Data, Limit, Resources, Search
from ablate.study.space import Space
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


@dataclass(frozen=True)
class Study:
    """One study file, typed and frozen."""

    name: str
    question: str
    data: Data
    image_size: int
    """Pixels: the file's, or the data set's default."""
    objective: Objective
    space: Space
    search: Search
    resources: Resources
    constraints: Mapping[str, Limit]
    seed: int
    text: str
    """The file as it was read."""
    resolved: Mapping[str, Any]
    """The file with `--set` applied, as plain values."""

    @property
    def meaning(self) -> dict[str, str]:
        """What the trials of this study have in common, by the key that sets it: if one differs, they cannot be compared.

        How many trials there are, and how they are proposed or stopped, are not among it. The resources of a trial are: costs
        compare only on equal ones. So is `epochs`, but it may grow (see `store.folder`).
        """
        domains = {f"space.{name}": written(domain) for name, domain in self.space.domains.items()}
        data = self.data.model_dump() | {"image_size": self.image_size}
        return {
            "data": json.dumps(data, sort_keys=True),
            "constraints": json.dumps({name: limit.describe() for name, limit in sorted(self.constraints.items())}),
            "objective.metric": self.objective.metric,
            "objective.goal": self.objective.goal,
            "seed": str(self.seed),
            "resources": f"{counted(self.resources.cpus, 'CPU')}, {self.resources.gpus:g} GPUs",
            "space.epochs": str(self.space.epochs),
            **domains,
        }
