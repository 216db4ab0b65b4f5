"""What the catalogue knows of a name as it is logged: of `val/...` and `test/...` a metric, of `cost/...` a cost."""

from __future__ import annotations

from math import inf

from ablate.catalogue.costs import COSTS, Cost
from ablate.catalogue.metrics import METRICS, OFFICIAL, Metric


def entry_of(name: str) -> Metric | Cost | None:
    """None for what is neither, as `val/threshold`."""
    return COSTS.get(name) or (METRICS | OFFICIAL).get(name.partition("/")[2])


def goal_of(name: str) -> str:
    """maximize or minimize; empty where the catalogue does not say."""
    entry = entry_of(name)
    return entry.goal if entry is not None else ""


def summary_of(name: str) -> str:
    """What it is; empty where the catalogue does not say."""
    entry = entry_of(name)
    return entry.summary if entry is not None else ""


def bounds_of(name: str) -> tuple[float, float]:
    """Least and greatest value it can take; infinite where the catalogue does not say."""
    entry = entry_of(name)
    return entry.bounds if entry is not None else (-inf, inf)
