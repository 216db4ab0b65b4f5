"""The Pareto front: the trials that no other beats in quality without costing more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ablate.catalogue.costs import COSTS
from ablate.errors import StoreError
from ablate.store.read import StudyResults
from ablate.store.rows import front_of
from ablate.study.study import Objective, point_of
from ablate.summary.cells import cells_of, goal_in
from ablate.types import TrialResult

DEFAULT_COSTS = ("cost/flops", "cost/latency_ms_p50")
TRAINING = "cost/train_seconds"
ENERGY = ("cost/gpu_energy_joules", "cost/cpu_energy_joules")
"""Measured unasked wherever that is possible, which it seldom is."""
MOST = 3
"""Objectives of a front: of more, nearly every trial is on it, and nobody can look at it."""


@dataclass(frozen=True)
class Front:
    """Trials that are not dominated, the best first."""

    metric: str
    costs: tuple[str, ...]
    trials: list[TrialResult]
    unmeasured: int
    """Complete trials that lack one of the numbers and so cannot be on it."""
    asked: bool = False
    """Whether a user named the objectives: then the report tells all about the front, else only who is on it."""

    @property
    def names(self) -> tuple[str, ...]:
        """The objectives, two or three."""
        return (self.metric, *self.costs)


def pareto_front(results: StudyResults, metric: str | None = None, costs: Sequence[str] = ()) -> Front:
    """The front of complete trials in `metric` (default: the objective) against `costs` (default: FLOPs and latency).

    Where a search weighs several objectives, those are the default. Of an ablation the trials that judge its arms count.

    Any two or three metrics or costs may be named; which way is better is the catalogue's to say. A trial is on it if no
    other is at least as good in everything and better in something; of trials equal in everything all are. Raises StoreError
    for a name that no complete trial has, or that has no better, and for more than three.
    """
    asked = metric is not None or bool(costs)
    if not asked and results.weighed:
        metric, *costs = (each.metric for each in results.weighed)
    metric = metric or results.objective.metric
    complete = [row for row in results.judging if row.state == "complete"]
    reported = {name for row in complete for name in (*row.metrics, *row.cost)}
    known = sorted(name for name in reported if sign_of(name, results.objective))
    names = (metric, *(costs or [cost for cost in DEFAULT_COSTS if cost in known] or DEFAULT_COSTS[:1]))
    if len(set(names)) < len(names) or len(names) > MOST:
        what = f"--pareto {','.join(names)}: a front is of two or three different metrics or costs"
        raise StoreError(f"{what}\n  as in --pareto {results.objective.metric},cost/flops,cost/latency_ms_p50")
    for name in names:
        if complete and name not in known:
            raise StoreError(f"--pareto: no complete trial has '{name}'\n  they have: {', '.join(known)}")
    objectives = [Objective(name, goal_in(name, results.objective)) for name in names]
    unmeasured = sum(point_of({**row.metrics, **row.cost}, objectives) is None for row in complete)
    return Front(metric, names[1:], front_of(complete, objectives), unmeasured, asked)


def default_front(study: StudyResults, front: Front, metric: str | None) -> Front:
    """What is shown of a front that nobody has named: of an ablation in what judges its arms.

    There against costs that differ: where only losses or samplers were compared, all arms cost the same to use, and what
    they cost to train is left.
    """
    if study.design is None:
        return pareto_front(study, front.metric, front.costs)
    complete = [row for row in study.judging if row.state == "complete"]
    differ = [cost for cost in front.costs if len({row.cost[cost] for row in complete if cost in row.cost}) > 1]
    trained = any(TRAINING in row.cost for row in complete)
    return pareto_front(study, cells_of(study, metric).metric, differ or ([TRAINING] if trained else front.costs))


def costs_of(front: Front, results: StudyResults) -> list[str]:
    """What the other tables tell of costs: those of the front, the seconds of training, energy, and what the study asked for.

    Arms are told with what they cost to use, also where the front is of something else.
    Energy is told where it was measured. What is timed, or priced, only where a study's `cost` or a constraint names it is
    told where trials have it: who has it asked for it.
    """
    there = {name for row in results.trials for name in row.cost}
    asked = [name for name, cost in COSTS.items() if cost.measure or cost.needs == "price" or name in ENERGY]
    usual = [cost for cost in DEFAULT_COSTS if cost in there and results.design is not None]
    compared = [name for name in front.names if name.startswith("cost/")]
    return list(dict.fromkeys([*usual, *compared, TRAINING, *(name for name in asked if name in there)]))


def sign_of(name: str, objective: Objective) -> int:
    """1 where less is better, -1 where more is, 0 where neither is (a threshold)."""
    return {"minimize": 1, "maximize": -1, "": 0}[goal_in(name, objective)]
