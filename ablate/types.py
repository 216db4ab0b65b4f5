"""Words that every floor shares: scalars, and what one finished trial looks like from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Scalar = bool | int | float | str
"""What one parameter of a configuration can be."""


INFEASIBLE = "infeasible: "
"""Begins the reason of a trial that a constraint of the study forbids."""


def counted(number: int, word: str) -> str:
    """1 trial, 2 trials."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


@dataclass(frozen=True)
class TrialResult:
    """One trial as `ablate summarize` shows it; the fields are the stable names of its JSON."""

    id: str
    """Its number in the study, four digits: "0007"."""
    state: str
    """complete, pruned, failed or running."""
    reason: str | None
    """Why it was pruned or failed; None for the others."""
    seed: int
    """Seed of initialisation and batches."""
    arm: str
    """The levels of the ablation's factors; of a search, the chosen components."""
    params: Mapping[str, Scalar]
    """Resolved configuration under dotted names: {"loss": "triplet", "loss.margin": 0.2}."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """`val/...` of the best validation epoch; `test/...` where the test split was read."""
    cost: Mapping[str, float] = field(default_factory=dict)
    """`cost/...`: parameters, FLOPs, latency, seconds, memory; units end the names."""
    epochs: int = 0
    """Epochs trained."""
    phase: str = "search"
    """search; of an ablation tune (an arm looks for its configuration) or final (the arm is judged)."""
    reused: str | None = None
    """The trial that was trained once and stands here too, as "study/0007"; None for one that was trained here."""

    @property
    def infeasible(self) -> bool:
        """Whether a constraint forbids it."""
        return (self.reason or "").startswith(INFEASIBLE)
