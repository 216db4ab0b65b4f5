"""From Optuna's trials to rows: which of them a study shows, and what each says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from ablate.metrics.front import front
from ablate.store import curves
from ablate.store.asked import asked_of, trial_id
from ablate.store.folder import StudyFolder
from ablate.study.configuration import SLOTS, Configuration
from ablate.study.study import Objective, point_of
from ablate.types import TrialResult

STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
"""Our word for each end of a trial, and Optuna's."""


def known_trials(trials: list[FrozenTrial]) -> list[FrozenTrial]:
    """Those that were handed out, without those that a longer one continues."""
    handed_out = [t for t in trials if "trial" in t.user_attrs]
    continued = {t.user_attrs["trial"].get("continues") for t in handed_out}
    return [t for t in handed_out if t.number not in continued]


def end_of(reports: list[curves.Report], objective: Objective) -> dict[str, Any]:
    """What is written down of a trial's curves: epochs, metrics of the best one and of the test, costs up to the last."""
    best = curves.best(reports, metric=objective.metric, goal=objective.goal)
    last = reports[-1] if reports else {}
    return {
        "epochs": int(last.get("epoch", 0)),
        "metrics": {
            **{name: value for name, value in best.items() if name.startswith("val/")},
            **{name: value for name, value in last.items() if name.startswith("test/")},
        },
        "cost": {name: value for name, value in last.items() if name.startswith("cost/")},
    }


Curve = dict[int, float] | dict[int, tuple[float, ...]]
"""Epoch -> the objective; where there are several, what is to be small (`point_of`)."""


def curve_of(
    trial: FrozenTrial, folder: StudyFolder, objectives: Sequence[Objective], latency: Mapping[str, Mapping[str, float]]
) -> Curve:
    """What of a trial is compared at the rungs; epochs at which an objective is not known are left out."""
    if len(objectives) == 1:
        return dict(trial.intermediate_values)
    known = latency.get(asked_of(trial).configuration.architecture, {})
    reports = curves.read(folder.trial(trial_id(trial.number)))
    points = {int(report["epoch"]): point_of({**known, **report}, objectives) for report in reports}
    return {epoch: point for epoch, point in points.items() if point is not None}


def reached(
    end: Mapping[str, Any], configuration: Configuration, latency: Mapping[str, Mapping[str, float]]
) -> dict[str, float]:
    """Metrics of the best epoch and costs of a trial, by what `end_of` wrote down of it."""
    return {**latency.get(configuration.architecture, {}), **end["cost"], **end["metrics"]}


def best_of(rows: Sequence[TrialResult], objectives: Sequence[Objective]) -> TrialResult | None:
    """The complete trial that a study hands on: of a search the first of its front, of an ablation one that judges an arm.

    `rows` are those that answer its question: of an ablation not its tuning, nor what judged an arm or seed it has no longer.
    Each seed of an ablation draws its own validation split, and an easy one makes every arm look good. So trials are compared
    by their lead, what they are ahead of the mean of all arms with that seed: the arm with the best mean lead is taken, and
    of its trials the one with the largest; of equal ones the cheapest.
    """
    lead, finals = objectives[0], [row for row in rows if row.phase == "final" and row.state == "complete"]
    values = {row.id: lead.sign * row.metrics.get(lead.metric, math.nan) for row in finals}
    finals = [row for row in finals if math.isfinite(values[row.id])]
    if not finals:
        return next(iter(front_of(rows, objectives)), None)
    of_seed = {
        seed: fmean(values[row.id] for row in finals if row.seed == seed) for seed in {row.seed for row in finals}
    }
    leads = {row.id: values[row.id] - of_seed[row.seed] for row in finals}
    of_arm = {arm: fmean(leads[row.id] for row in finals if row.arm == arm) for arm in {row.arm for row in finals}}
    return min(finals, key=lambda row: (-of_arm[row.arm], flops_of(row), -leads[row.id]))


def front_of(rows: Sequence[TrialResult], objectives: Sequence[Objective]) -> list[TrialResult]:
    """Complete trials that no other beats, the best in the first objective first; of one objective the best trial alone.

    Of trials that are equal in all objectives all are among them, of one objective the one of fewest FLOPs, then the first.
    """
    points = {row.id: point_of({**row.cost, **row.metrics}, objectives) for row in rows if row.state == "complete"}
    known = [(point, row) for row in rows if (point := points.get(row.id)) is not None]
    known.sort(key=lambda pair: (pair[0], flops_of(pair[1])))  # in the order of the rows where these are equal
    if len(objectives) == 1 or not known:
        return [row for _, row in known[:1]]
    kept = front(np.array([point for point, _ in known]))
    return [row for (_, row), unbeaten in zip(known, kept, strict=True) if unbeaten]


def flops_of(row: TrialResult) -> float:
    """What decides between trials that are equally good; infinite where it is not known."""
    return row.cost.get("cost/flops", math.inf)


def result_of(
    trial: FrozenTrial,
    folder: StudyFolder,
    objective: Objective,
    latency: Mapping[str, Mapping[str, float]],
    tests: Mapping[str, Mapping[str, float]],
) -> TrialResult:
    """The row of one trial; of one that runs, as far as it has come."""
    id, asked = trial_id(trial.number), asked_of(trial)
    configuration = asked.configuration
    end = trial.user_attrs.get("end")
    if end is None:
        end = {"reason": None, **end_of(curves.read(folder.trial(id)), objective)}
    return TrialResult(
        id=id,
        state={state: name for name, state in STATES.items()}.get(trial.state, "running"),
        reason=end["reason"],
        seed=asked.seed,
        arm=asked.arm or _arm(configuration),
        params=configuration.params,
        metrics={**end["metrics"], **tests.get(id, {})},
        cost={**end["cost"], **latency.get(configuration.architecture, {})},
        epochs=end["epochs"],
        phase=asked.phase,
        reused=end.get("reused"),
    )


def _arm(configuration: Configuration) -> str:
    """The chosen components; that nothing was chosen (augmentation none) need not be said."""
    names = (getattr(configuration, slot).name for slot in SLOTS)
    return " ".join(name for name in names if name != "none")
