"""The Pareto front: the trials that no other beats in quality without costing more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ablate.catalogue.costs import COSTS
from ablate.catalogue.metrics import METRICS, OFFICIAL
from ablate.errors import StoreError
from ablate.store.read import StudyResults
from ablate.study.study import Objective
from ablate.types import TrialResult

DEFAULT_COSTS = ("cost/flops", "cost/latency_ms_p50")


@dataclass(frozen=True)
class Front:
    """Trials that are not dominated, the best first."""

    metric: str
    costs: tuple[str, ...]
    trials: list[TrialResult]
    unmeasured: int
    """Complete trials that lack one of the numbers and so cannot be on it."""


def pareto_front(results: StudyResults, metric: str | None = None, costs: Sequence[str] = ()) -> Front:
    """The front of complete trials in `metric` (default: the objective) against `costs` (default: FLOPs and latency).

    A trial is on it if no other is at least as good in everything and better in something; of trials equal in everything
    all are. Which way is better is the catalogue's to say. Raises StoreError for a name that no complete trial has, or that
    has no better, and for a cost in the metric's place or the other way round.
    """
    metric = metric or results.objective.metric
    misplaced = [cost for cost in costs if "/" in cost and not cost.startswith("cost/")]
    misplaced += [metric] if metric.startswith("cost/") else []
    if misplaced:
        what = f"--pareto: '{misplaced[0]}' stands in the wrong place: first a metric, then costs"
        raise StoreError(f"{what}\n  as in --pareto {results.objective.metric},cost/flops,cost/latency_ms_p50")
    complete = [row for row in results.trials if row.state == "complete"]
    known = sorted({name for row in complete for name in (*row.metrics, *row.cost) if _sign(name, results.objective)})
    names = (metric, *(costs or [cost for cost in DEFAULT_COSTS if cost in known] or DEFAULT_COSTS[:1]))
    for name in names:
        if complete and name not in known:
            raise StoreError(f"--pareto: no complete trial has '{name}'\n  they have: {', '.join(known)}")
    points = [(_point(row, names, results.objective), row) for row in complete]
    measured = sorted(
        ((point, row) for point, row in points if point is not None), key=lambda pair: (pair[0], pair[1].id)
    )
    front: list[tuple[tuple[float, ...], TrialResult]] = []
    for (
        point,
        row,
    ) in measured:  # whatever dominates a point comes before it, and is on the front or dominated from there
        if not any(_dominates(better, point) for better, _ in front):
            front.append((point, row))
    return Front(metric, names[1:], [row for _, row in front], len(complete) - len(measured))


def _sign(name: str, objective: Objective) -> int:
    """1 where less is better, -1 where more is, 0 where neither is (a threshold)."""
    split, _, metric = name.partition("/")
    if name == objective.metric:
        goal = objective.goal
    elif split == "cost":
        goal = COSTS[name].goal if name in COSTS else "minimize"
    else:
        known = METRICS | OFFICIAL
        goal = known[metric].goal if metric in known else ""
    return {"minimize": 1, "maximize": -1, "": 0}[goal]


def _point(row: TrialResult, names: Sequence[str], objective: Objective) -> tuple[float, ...] | None:
    """What is minimised, in order; None where a number is missing or not finite."""
    numbers = {**row.metrics, **row.cost}
    point = tuple(_sign(name, objective) * numbers.get(name, math.nan) for name in names)
    return point if all(map(math.isfinite, point)) else None


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
