"""Curves over epochs: every metric of one trial, and the objective of arms or trials over each other."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablate.store import curves
from ablate.store.folder import StudyFolder
from ablate.store.read import StudyResults
from ablate.summary.colours import GREY, LINES, PALETTE
from ablate.summary.search_report import ranked
from ablate.summary.words import configuration, cut, varied
from ablate.types import counted

COLUMNS = 4
MOST_NAMED = 10
"""Curves with a colour and a name; the others are grey."""
NAME_WIDTH = 120


@dataclass(frozen=True)
class Curve:
    """The objective over epochs, of one trial or over the seeds of an arm."""

    name: str
    epochs: Sequence[int]
    mean: Sequence[float]
    low: Sequence[float]
    """The least of the seeds; of one trial the value itself."""
    high: Sequence[float]
    num_seeds: int


def trial_curves(reports: Sequence[curves.Report], *, metric: str, title: str) -> Figure:
    """A panel for the loss, for each validation metric and for the learning rate; the best epoch is marked in each."""
    names = [name for name in reports[-1] if name.startswith(("train/", "val/")) and name != "train/lr"]
    names.sort(key=lambda name: (not name.startswith("train/"), name != metric))
    names += ["train/lr"] if "train/lr" in reports[-1] else []
    rows = math.ceil(len(names) / COLUMNS)
    figure = Figure(figsize=(3 * COLUMNS, 0.8 + 2.1 * rows), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, sharex=True, squeeze=False).flatten()
    best = reports[-1].get("best/epoch")
    for name, axes in zip(names, panels, strict=False):
        points = [(report["epoch"], report[name]) for report in reports if math.isfinite(report.get(name, math.nan))]
        axes.plot(*np.array(points).reshape(-1, 2).T, color=PALETTE[0], marker="." if len(points) < 40 else "")
        there = [(epoch, value) for epoch, value in points if epoch == best]
        axes.plot(*np.array(there).reshape(-1, 2).T, "o", color=PALETTE[2], markersize=7, fillstyle="none", mew=2)
        _as_curve(axes, name + (" (objective)" if name == metric else ""))
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    for axes in panels[max(0, len(names) - COLUMNS) : len(names)]:
        axes.xaxis.set_tick_params(labelbottom=True)
        axes.set_xlabel("epoch")
    figure.suptitle(title + ("" if best is None else f"; circle: best epoch, {best:.0f}"), fontsize=11)
    return figure


def learning_curves(study: StudyResults) -> Figure | None:
    """The objective of all arms (of a search: of all trials) over each other; None where nothing has reported.

    The best by the last value that they reached are named.
    """
    found = curves_of(study)
    if not found:
        return None
    named = found[:MOST_NAMED]
    figure = Figure(figsize=(9, 4.6 + 0.2 * len(named)), layout="constrained")
    axes = figure.subplots()
    for curve in found[MOST_NAMED:]:
        axes.plot(curve.epochs, curve.mean, color=GREY, linewidth=0.7, alpha=0.6)
        axes.plot(curve.epochs[-1], curve.mean[-1], ".", color=GREY, alpha=0.6)
    for place, curve in enumerate(named):
        colour, line = PALETTE[place % len(PALETTE)], LINES[place % len(LINES)]
        axes.plot(
            curve.epochs, curve.mean, line, color=colour, label=curve.name, marker="." if len(curve.epochs) < 40 else ""
        )
        if curve.num_seeds > 1:
            axes.fill_between(curve.epochs, curve.low, curve.high, color=colour, alpha=0.15, linewidth=0)
    _as_curve(axes, _title(study, found))
    axes.set_xlabel("epoch")
    axes.set_ylabel(study.objective.metric)
    rest = len(found) - len(named)
    figure.legend(
        loc="outside lower left",
        frameon=False,
        fontsize=9,
        title=f"the best {len(named)}; grey: {rest} more" if rest else None,
        alignment="left",
    )
    return figure


def curves_of(study: StudyResults) -> list[Curve]:
    """Of the arms of an ablation, or of the trials of a search; the best first."""
    return arm_curves(study) if study.design is not None else _trial_curves(study)


def arm_curves(study: StudyResults) -> list[Curve]:
    """One for each arm, over its final trials that are complete; the best first."""
    assert study.folder is not None, "curves lie in the study's folder"
    folder, metric = StudyFolder(study.folder), study.objective.metric
    seeds: dict[str, list[dict[int, float]]] = defaultdict(list)
    for row in study.judging:
        if row.state == "complete":
            seeds[row.arm].append({int(r["epoch"]): r[metric] for r in curves.read(folder.trial(row.id))})
    found = []
    for arm, values in seeds.items():
        epochs = sorted(set.intersection(*map(set, values)))
        if epochs:
            of_epoch = np.array([[seed[epoch] for epoch in epochs] for seed in values])
            mean, low, high = of_epoch.mean(axis=0), of_epoch.min(axis=0), of_epoch.max(axis=0)
            name = cut(arm, NAME_WIDTH)
            found.append(Curve(name, epochs, mean.tolist(), low.tolist(), high.tolist(), len(values)))
    return sorted(found, key=lambda curve: -study.objective.sign * curve.mean[-1])


def _trial_curves(study: StudyResults) -> list[Curve]:
    """One for each trial of a search, in the order of its table; what it failed before reporting has none."""
    assert study.folder is not None, "curves lie in the study's folder"
    folder, metric, names = StudyFolder(study.folder), study.objective.metric, varied(study.trials)
    found = []
    for row in ranked(study):
        reports = curves.read(folder.trial(row.id))
        epochs, values = [int(report["epoch"]) for report in reports], [report[metric] for report in reports]
        if epochs:
            found.append(
                Curve(cut(f"{row.id} {configuration(row, names)}", NAME_WIDTH), epochs, values, values, values, 1)
            )
    return found


def _title(study: StudyResults, found: Sequence[Curve]) -> str:
    if study.design is None:
        return f"{study.study}: {counted(len(found), 'trial')}"
    most = max(curve.num_seeds for curve in found)
    band = "; lines: mean over seeds, bands: from the least seed to the greatest" if most > 1 else ""
    return f"{study.study}: {counted(len(found), 'arm')}, {counted(most, 'seed')} each{band}"


def _as_curve(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
