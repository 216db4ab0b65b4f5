"""What was reached in an official task, beside what the study asked: a table that says which task it is."""

from __future__ import annotations

import math

from ablate.catalogue.metrics import OFFICIAL, Metric
from ablate.store.read import StudyResults
from ablate.summary.spread import spread_of
from ablate.summary.table import Table


def official_tables(study: StudyResults) -> list[Table]:
    """One for each official metric that a complete trial has read with its test split."""
    return [table for metric in OFFICIAL.values() if (table := _table(study, metric)) is not None]


def _table(study: StudyResults, metric: Metric) -> Table | None:
    """By arm, of a search by trial, the best mean first; as shares of right answers, and of wrong ones."""
    name, found = f"test/{metric.name}", dict[str, list[float]]()
    for row in study.judging:
        value = row.metrics.get(name, math.nan)
        if row.state == "complete" and math.isfinite(value):
            found.setdefault(row.id if study.design is None else row.arm, []).append(value)
    rows = []
    for arm, values in sorted(found.items(), key=lambda item: -sum(item[1]) / len(item[1])):
        told = spread_of(values, name)
        spread = "-" if told.low is None else f"[{told.low:.4f}, {told.high:.4f}]"
        rows.append([arm, f"{told.mean:.4f}", spread, str(told.n), f"{(1 - told.mean) * 100:.1f} %"])
    head = "trial" if study.design is None else "arm"
    heads = [head, name, "95 % interval", "n", "error"]
    return Table(f"official: {metric.summary}", heads, rows, metric.source, words=(head,)) if rows else None
