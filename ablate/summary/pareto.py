"""The Pareto front: the trials that no other beats in quality without costing more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ablate.errors import StoreError
from ablate.store.read import StudyResults
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
    all are. Costs are minimised; so are metrics whose name says that they are errors or costs. Raises StoreError where
    no trial has such a number.
    """
    metric = metric or results.objective.metric
    complete = [row for row in results.trials if row.state == "complete"]
    known = sorted({name for row in complete for name in (*row.metrics, *row.cost)})
    if not costs:
        costs = [cost for cost in DEFAULT_COSTS if cost in known] or DEFAULT_COSTS[:1]
    for name in (metric, *costs):
        if complete and name not in known:
            raise StoreError(f"--pareto: no complete trial has '{name}'\n  they have: {', '.join(known)}")
    points = [(row, point) for row in complete if (point := _point(row, metric, costs, results.objective.goal))]
    front = [row for row, point in points if not any(_dominates(other, point) for _, other in points)]
    front.sort(key=lambda row: _point(row, metric, costs, results.objective.goal) or ())
    return Front(metric, tuple(costs), front, len(complete) - len(points))


def _point(row: TrialResult, metric: str, costs: Sequence[str], goal: str) -> tuple[float, ...] | None:
    """What is minimised, in order; None where a number is missing."""
    numbers = {**row.metrics, **row.cost}
    if any(name not in numbers for name in (metric, *costs)):
        return None
    smaller_is_better = metric.startswith("cost/") or metric.endswith("/eer")
    if metric not in row.cost and not metric.endswith("/eer"):
        smaller_is_better = goal == "minimize" and metric.startswith("val/")
    sign = 1 if smaller_is_better else -1
    return (sign * numbers[metric], *(numbers[cost] for cost in costs))


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
