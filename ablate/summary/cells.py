"""Cells: what each arm of an ablation reached with each seed; the ground that every statistic of an ablation stands on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean

from ablate.catalogue.entries import goal_of
from ablate.errors import StoreError
from ablate.store.design import Design
from ablate.store.read import StudyResults
from ablate.study.study import Objective
from ablate.types import TrialResult


@dataclass(frozen=True)
class Cells:
    """The final trials of an ablation, by arm and seed."""

    design: Design
    metric: str
    """What the arms are judged by: test/recall_at_1."""
    goal: str
    rows: Mapping[str, Mapping[int, TrialResult]]
    """Arm -> seed -> its complete trial that has the metric."""
    ended: Mapping[str, Counter[str]]
    """Arm -> how its final trials stand: {"complete": 4, "failed": 1}."""
    tuned: Mapping[str, Counter[str]]
    """Arm -> how its tuning trials stand; no counts where nothing is tuned."""

    def values(self, arm: str, number: Callable[[TrialResult], float] | None = None) -> dict[int, float]:
        """Of one arm: seed -> its metric, or another number of its trials."""
        number = number or (lambda row: row.metrics[self.metric])
        return {seed: number(row) for seed, row in self.rows[arm].items()}

    def best_first(self) -> list[str]:
        """The arms that have a complete trial, by their means over seeds."""
        sign = -1 if self.goal == "maximize" else 1
        means = {arm: sign * fmean(values.values()) for arm in self.design.arms if (values := self.values(arm))}
        return sorted(means, key=means.__getitem__)

    def is_open(self, arm: str) -> bool:
        """Whether the same `ablate run` has final trials of an arm to train still; one that failed is not trained again."""
        if self.ended[arm]["running"]:
            return True
        return self.ended[arm].total() < len(self.design.seeds) and not self.is_unchosen(arm)

    def is_unchosen(self, arm: str) -> bool:
        """Whether its tuning is over without a complete trial, so that nothing was found to judge it by."""
        tried = self.tuned[arm]
        over = self.design.tuned > 0 and tried.total() >= self.design.tuned and not tried["running"]
        return over and not tried["complete"]


def cells_of(study: StudyResults, metric: str | None = None) -> Cells:
    """The cells of an ablation in `metric`; by default in the objective of the test split, which chose nothing.

    Where no trial has read the test split, in the objective itself. Raises StoreError for a metric that no trial has, and for
    one that arms cannot be judged by: neither more nor less of it is better.
    """
    design = study.design
    assert design is not None, "cells are of an ablation"
    finals = study.judging
    complete = [row for row in finals if row.state == "complete"]
    known = {name for row in complete for name in row.metrics}
    if metric is None:
        tested = study.objective.metric.replace("val/", "test/", 1)
        metric = tested if tested in known else study.objective.metric
    if complete and metric not in known:
        raise StoreError(f"no complete trial has '{metric}'\n  they have: {', '.join(sorted(known))}")
    rows: dict[str, dict[int, TrialResult]] = {arm: {} for arm in design.arms}
    ended: dict[str, Counter[str]] = {arm: Counter() for arm in design.arms}
    tuned: dict[str, Counter[str]] = {arm: Counter() for arm in design.arms}
    for row in study.trials:
        if row.phase == "tune" and row.arm in tuned:
            tuned[row.arm][row.state] += 1
    for row in finals:
        ended[row.arm][row.state] += 1
        if row.state == "complete" and math.isfinite(row.metrics.get(metric, math.nan)):
            rows[row.arm][row.seed] = row
    return Cells(design, metric, goal_to_judge(metric, study.objective), rows, ended, tuned)


def goal_to_judge(metric: str, objective: Objective) -> str:
    """Which way `metric` is better. Raises StoreError where neither is, as of a threshold."""
    goal = goal_in(metric, objective)
    if not goal:
        raise StoreError(f"neither more nor less of '{metric}' is better\n  judge by another, as {objective.metric}")
    return goal


def goal_in(metric: str, objective: Objective) -> str:
    """maximize or minimize: as the study says of its objective, on any split, else the catalogue; empty where neither does."""
    own = metric.partition("/")[2] == objective.metric.partition("/")[2]
    return objective.goal if own else goal_of(metric)
