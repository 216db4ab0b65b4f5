"""The summary of an ablation: which level beats which, by how much and how surely; then arms, interactions, tuning."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ablate.store.read import StudyResults
from ablate.summary.ablation_answer import answer
from ablate.summary.ablation_tables import arms_table, effects_table, heat_maps
from ablate.summary.cells import Cells, cells_of
from ablate.summary.contenders import contenders
from ablate.summary.effects import Effect, effects_of, interactions_of
from ablate.summary.official import official_tables
from ablate.summary.pareto import Front, costs_of
from ablate.summary.pareto_tables import pareto_report
from ablate.summary.search_report import data_notes, failed_table
from ablate.summary.spread import spread_of
from ablate.summary.stability import budgets_of
from ablate.summary.table import Report
from ablate.summary.tuning_tables import budget_table, chosen_table
from ablate.summary.unmeasured import with_unmeasured

INTERACTIONS = "interactions, in points: both together, beyond the sum of each alone"


def ablation_report(study: StudyResults, front: Front, metric: str | None = None) -> Report:
    """What an ablation found, by the final trials; `metric` as in `cells_of`."""
    cells = cells_of(study, metric)
    effects, interactions, budgets = effects_of(cells), interactions_of(cells), budgets_of(study, cells)
    fronts, told = pareto_report(study, front)
    notes = [*cells.design.note.splitlines(), *(f"aliased: {alias}" for alias in cells.design.aliases)]
    if cells.metric.startswith("test/"):
        notes.append("one test split for all seeds: they differ in training and validation, not in what judges them")
    tables = [
        effects_table(effects, f"effects on {cells.metric}, in points", notes=notes),
        with_unmeasured(arms_table(cells, costs_of(front, study)), study),
        *fronts,
        *official_tables(study),
        effects_table(interactions, INTERACTIONS) if interactions else None,
        *heat_maps(cells),
        budget_table(budgets) if budgets else None,
        chosen_table(study, cells),
        failed_table(study),
    ]
    data = {
        "metric": cells.metric,
        "effects": [as_json(effect) for effect in effects],
        "interactions": [as_json(effect) for effect in interactions],
        "contenders": contenders(cells, effects),
        "arms": [_arm_json(cells, arm) for arm in cells.design.arms],
        "stability": [asdict(budget) for budget in budgets],
        "aliases": list(cells.design.aliases),
        **told,
    }
    lines = [*answer(study, cells, effects), *data_notes(study)]
    return Report(lines, [table for table in tables if table is not None], data)


def as_json(effect: Effect) -> dict[str, Any]:
    """One effect for machines; differences are in units of the metric."""
    test = asdict(effect.paired)
    return {
        "factor": effect.factor,
        "level": effect.level,
        "baseline": effect.baseline,
        "difference": test.pop("mean"),
        "low": test.pop("low"),
        "high": test.pop("high"),
        "p": effect.p,
        "n": test.pop("n"),
        "verdict": effect.verdict,
        "p_uncorrected": test.pop("p"),
        **test,
        "detectable": effect.detectable,
        "seeds_needed": effect.seeds_needed,
        "train_time": effect.train_time,
        "train_time_clear": effect.train_time_clear,
    }


def _arm_json(cells: Cells, arm: str) -> dict[str, Any]:
    values = cells.values(arm)
    found = spread_of(list(values.values()), cells.metric) if values else None
    return {
        "arm": arm,
        "levels": dict(cells.design.arms[arm]),
        "mean": found.mean if found else None,
        "low": found.low if found else None,
        "high": found.high if found else None,
        "n": len(values),
        "values": {str(seed): value for seed, value in values.items()},
        "states": dict(cells.ended[arm]),
    }
