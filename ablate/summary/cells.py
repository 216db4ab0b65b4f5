"""Cells: what each arm of an ablation reached with each seed; the ground that every statistic of an ablation stands on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ablate.catalogue.metrics import METRICS
from ablate.errors import StoreError
from ablate.store.design import Design
from ablate.store.read import StudyResults
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

    def values(self, arm: str, number: Callable[[TrialResult], float] | None = None) -> dict[int, float]:
        """Of one arm: seed -> its metric, or another number of its trials."""
        number = number or (lambda row: row.metrics[self.metric])
        return {seed: number(row) for seed, row in self.rows[arm].items()}


def cells_of(study: StudyResults, metric: str | None = None) -> Cells:
    """The cells of an ablation in `metric`; by default in the objective of the test split, which chose nothing.

    Where no trial has read the test split, in the objective itself. Raises StoreError for a metric that no trial has.
    """
    design = study.design
    assert design is not None, "cells are of an ablation"
    finals = [
        row for row in study.trials if row.phase == "final" and row.arm in design.arms and row.seed in design.seeds
    ]
    complete = [row for row in finals if row.state == "complete"]
    known = {name for row in complete for name in row.metrics}
    if metric is None:
        tested = study.objective.metric.replace("val/", "test/", 1)
        metric = tested if tested in known else study.objective.metric
    if complete and metric not in known:
        raise StoreError(f"no complete trial has '{metric}'\n  they have: {', '.join(sorted(known))}")
    rows: dict[str, dict[int, TrialResult]] = {arm: {} for arm in design.arms}
    ended: dict[str, Counter[str]] = {arm: Counter() for arm in design.arms}
    for row in finals:
        ended[row.arm][row.state] += 1
        if row.state == "complete" and math.isfinite(row.metrics.get(metric, math.nan)):
            rows[row.arm][row.seed] = row
    name = metric.partition("/")[2]
    goal = METRICS[name].goal if name in METRICS else study.objective.goal
    return Cells(design, metric, goal, rows, ended)
