"""What the page's charts draw, as plain values for JSON: points, curves, intervals, and the trials with their parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ablate.catalogue.entries import bounds_of
from ablate.store.read import StudyResults
from ablate.summary.pareto import Front, sign_of
from ablate.summary.spread import spread_of
from ablate.summary.table import Report
from ablate.summary.trade_off import labels_of, rows_of
from ablate.summary.words import varied
from ablate.types import Scalar, TrialResult

MOST_EPOCHS = 100
"""Of a curve: more points than pixels only make the file large."""
MOST_AXES = 14
"""Of the parallel coordinates."""
DIGITS = 6


def page_data(study: StudyResults, front: Front, report: Report) -> dict[str, Any]:
    """One entry for each chart, empty where there is nothing to draw."""
    return {
        "objective": asdict(study.objective),
        "pareto": _pareto(study, front, report),
        "effects": [
            {"name": f"{e['factor']}: {e['level']} against {e['baseline']}", **_interval(e)}
            for e in report.data.get("effects", [])
            if e["difference"] is not None
        ],
        "curves": _curves(study),
        "parallel": _parallel(study, front),
        "importance": [
            {"name": found.name, **dict(zip(("mid", "low", "high"), spread, strict=True))}
            for found in study.importance
            if (spread := found.fanova or found.ped_anova) is not None
        ],
    }


def number_names(study: StudyResults) -> list[str]:
    """Metrics and costs of the trials in which one way is better, the objective first."""
    names = dict.fromkeys([study.objective.metric])
    for row in study.trials:
        names |= dict.fromkeys([*row.metrics, *row.cost])
    return sorted(
        (name for name in names if sign_of(name, study.objective)),
        key=lambda name: (name != study.objective.metric, name.startswith("cost/")),
    )


def _pareto(study: StudyResults, front: Front, report: Report) -> dict[str, Any]:
    told = report.data.get("front", {"places": [], "knee": None})
    standings = {place["name"]: place["standing"] for place in told["places"]}
    labels, points, known = labels_of(study), [], set[str]()
    names = number_names(study)  # once: it looks at every trial
    for name, rows in rows_of(study).items():
        values = {number: spread for number in names if (spread := _spread(rows, number))}
        known |= values.keys()
        points.append(
            {"name": name, "label": labels[name], "n": len(rows), "standing": standings.get(name), "values": values}
        )
    axes = [
        {"name": name, "sign": sign_of(name, study.objective), "bounds": [_short(end) for end in bounds_of(name)]}
        for name in names
        if name in known
    ]
    return {"points": points, "axes": axes, "y": front.names[0], "x": front.names[1], "knee": told["knee"]}


def _spread(rows: Sequence[TrialResult], name: str) -> list[float | None]:
    """Mean, low, high; empty where a seed lacks the number."""
    values = [{**row.metrics, **row.cost}.get(name, math.nan) for row in rows]
    if not all(map(math.isfinite, values)):
        return []
    if len(values) == 1:
        return [_short(values[0])]
    found = spread_of(values, name)
    return [_short(end) for end in (found.mean, found.low, found.high) if end is not None]


def _interval(effect: dict[str, Any]) -> dict[str, Any]:
    told = {"mid": effect["difference"], "low": effect["low"], "high": effect["high"]}
    return {**told, "verdict": effect["verdict"], "p": effect["p"], "n": effect["n"]}


def _curves(study: StudyResults) -> list[dict[str, Any]]:
    if study.folder is None:
        return []
    from ablate.summary.curve_figures import curves_of  # it imports matplotlib

    found = []
    for curve in curves_of(study):
        kept = np.unique(np.linspace(0, len(curve.epochs) - 1, min(MOST_EPOCHS, len(curve.epochs))).round().astype(int))
        parts = {"mean": curve.mean, "low": curve.low, "high": curve.high}
        if curve.num_seeds == 1:
            parts = {"mean": curve.mean}
        lines = {name: [_short(values[at]) for at in kept] for name, values in parts.items()}
        found.append({"name": curve.name, "epochs": [curve.epochs[at] for at in kept], **lines})
    return found


def _parallel(study: StudyResults, front: Front) -> dict[str, Any]:
    """Axes, and of each complete trial its id and a value on each axis; empty with fewer than two trials."""
    trials = [row for row in study.trials if row.state == "complete"]
    outcome = dict.fromkeys([*front.names[1:], front.names[0], study.objective.metric])
    names = [*varied(trials)[: MOST_AXES - len(outcome)], *outcome]
    if len(trials) < 2:
        return {}
    rows = [[row.id, *(_value(row, name) for name in names)] for row in trials]
    return {"axes": names, "rows": rows, "colour": study.objective.metric, "sign": study.objective.sign}


def _value(row: TrialResult, name: str) -> Scalar | None:
    value = {**row.params, **row.metrics, **row.cost}.get(name)
    if isinstance(value, float):
        return _short(value) if math.isfinite(value) else None
    return str(value) if isinstance(value, bool) else value


def _short(value: float) -> float | None:
    """With DIGITS digits; None for what JSON has no word for."""
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
