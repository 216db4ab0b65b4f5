"""A trial as it is handed out: its number, what it is to train, and what it is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial

from ablate.study.configuration import Configuration


def trial_id(number: int) -> str:
    """0007: as folders, MLflow and the summary call a trial."""
    return f"{number:04d}"


@dataclass(frozen=True)
class Asked:
    """A trial to run."""

    number: int
    configuration: Configuration
    seed: int
    phase: str = "search"
    """search, tune or final (see `types.TrialResult`)."""
    arm: str = ""
    """Of an ablation: the arm's name."""

    @property
    def id(self) -> str:
        return trial_id(self.number)

    @property
    def group(self) -> str | None:
        """Which trials it is searched and stopped together with: the whole search (""), its arm's tuning; None: no others."""
        return None if self.phase == "final" else self.arm

    def to_attribute(self) -> dict[str, Any]:
        """What the storage keeps of it."""
        of_arm = {} if self.phase == "search" else {"phase": self.phase, "arm": self.arm}
        return {"configuration": self.configuration.to_dict(), "seed": self.seed, **of_arm}


def asked_of(trial: FrozenTrial) -> Asked:
    """The inverse of `to_attribute`."""
    kept = trial.user_attrs["trial"]
    configuration = Configuration.from_dict(kept["configuration"])
    return Asked(trial.number, configuration, kept["seed"], kept.get("phase", "search"), kept.get("arm", ""))
