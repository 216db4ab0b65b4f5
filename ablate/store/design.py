"""The design of an ablation as its results remember it: what `study.json` keeps of it, for readers who have no study file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ablate.types import Scalar


@dataclass(frozen=True)
class Design:
    """Arms, and with what they are compared."""

    kind: str
    """one_at_a_time, leave_one_out, grid or fractional."""
    arms: Mapping[str, Mapping[str, Scalar]]
    """Name -> factor -> level; the baseline first, where it is among them."""
    baseline: str | None
    """Name of the arm that the others are compared with; None where a fractional plan leaves it out."""
    levels: Mapping[str, tuple[Scalar, ...]]
    """Factor -> its levels."""
    baseline_levels: Mapping[str, Scalar]
    """Factor -> the level that the others are compared with."""
    seeds: tuple[int, ...]
    margin: float | None
    """Differences up to this count as none."""
    tuned: int
    """Trials of each arm's own search; 0 without one."""
    aliases: tuple[str, ...]
    """Effects that a fractional plan cannot tell apart."""
    note: str
    """What the plan guarantees, in words."""


def design_of(kept: Mapping[str, Any] | None) -> Design | None:
    """From what `study.ablation.Ablation.to_dict` gave, perhaps through JSON; None for a search."""
    if kept is None:
        return None
    return Design(
        kind=kept["design"],
        arms={arm["name"]: arm["levels"] for arm in kept["arms"]},
        baseline=kept["baseline"],
        levels={name: tuple(levels) for name, levels in kept["factors"].items()},
        baseline_levels=kept["baseline_levels"],
        seeds=tuple(kept["seeds"]),
        margin=kept["margin"],
        tuned=kept["tune"]["trials"] if kept["tune"] else 0,
        aliases=tuple(kept["aliases"]),
        note=kept["note"],
    )
