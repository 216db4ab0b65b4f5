"""Rank stability: had each arm been tuned less, would the ranking of the arms have been the same?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ablate.store.read import StudyResults
from ablate.summary.cells import Cells
from ablate.summary.statistics import kendall_tau


@dataclass(frozen=True)
class Budget:
    """The arms after some of their tuning trials."""

    trials: int
    """Of each arm."""
    best: dict[str, float]
    """Arm -> the best validation objective so far of its complete trials, which alone may judge it; of arms that have one."""
    tau: float | None
    """Kendall's tau between this ranking and that of the final trials; None where there is none."""


def budgets_of(study: StudyResults, cells: Cells) -> list[Budget]:
    """One entry for each number of tuning trials, up to what the arms had; empty where nothing was tuned."""
    design, objective = cells.design, study.objective
    tried: dict[str, list[float]] = {arm: [] for arm in design.arms}
    for row in sorted(study.trials, key=lambda row: int(row.id)):
        if row.phase == "tune" and row.arm in tried:
            value = row.metrics.get(objective.metric, math.nan) if row.state == "complete" else math.nan
            tried[row.arm].append(objective.sign * value)
    sign = 1 if cells.goal == "maximize" else -1
    final = {arm: sign * _mean(list(cells.values(arm).values())) for arm in design.arms if cells.rows[arm]}
    found = []
    for trials in range(1, max(map(len, tried.values()), default=0) + 1):
        so_far = {arm: _best(values[:trials]) for arm, values in tried.items()}
        known = {arm: value for arm, value in so_far.items() if math.isfinite(value)}
        both = [arm for arm in known if arm in final]
        tau = kendall_tau([known[arm] for arm in both], [final[arm] for arm in both])
        found.append(Budget(trials, {arm: objective.sign * value for arm, value in known.items()}, tau))
    return found


def _best(values: list[float]) -> float:
    return max((value for value in values if math.isfinite(value)), default=math.nan)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
