"""The pictures of a study: learning curves over each other, its Pareto front; of an ablation also effects with their intervals,
heat maps of a grid, each arm's best against its tuning.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablate.store.read import StudyResults
from ablate.study.factors import written
from ablate.summary.ablation_tables import POINTS, crossed, means_of
from ablate.summary.cells import Cells, cells_of
from ablate.summary.curve_figures import learning_curves
from ablate.summary.effects import Effect, effects_of
from ablate.summary.pareto import Front, default_front
from ablate.summary.pareto_figure import pareto_figure
from ablate.summary.png import png
from ablate.summary.stability import Budget, budgets_of
from ablate.summary.trade_off import trade_off

COLOURS = {"better": "#1a7f37", "worse": "#cf222e", "equivalent": "#0969da"}
"""Of a verdict; what cannot be told apart is grey."""
GREY = "#6e7781"


def figures_of(study: StudyResults, metric: str | None = None, front: Front | None = None) -> dict[str, bytes]:
    """File name -> PNG; what has no complete trial yet is not drawn, and learning curves only where the study has a folder.

    The objectives of `front` are drawn against each other; of one that nobody has named, what judges the arms of an ablation.
    """
    drawn: dict[str, bytes] = {}
    curves = learning_curves(study) if study.folder is not None else None
    if curves is not None:
        drawn["learning_curves.png"] = png(curves)
    if front is not None:
        traded = trade_off(study, front if front.asked else default_front(study, front, metric))
        if traded.places:
            drawn["pareto.png"] = png(pareto_figure(traded))
    if study.design is None:
        return drawn
    cells = cells_of(study, metric)
    effects = [effect for effect in effects_of(cells) if effect.paired.mean is not None]
    if effects:
        drawn["effects.png"] = png(_effects(cells, effects))
    if cells.design.kind == "grid":
        for one, other in combinations(cells.design.levels, 2):
            if crossed(means_of(cells, one, other)):
                drawn[f"heat_{one}_{other}.png"] = png(_heat_map(cells, one, other))
    budgets = budgets_of(study, cells)
    if budgets:
        drawn["tuning.png"] = png(_tuning(study, budgets))
    return drawn


def _effects(cells: Cells, effects: Sequence[Effect]) -> Figure:
    """A line for each level: its difference to the baseline, in points, with the 95 % interval."""
    figure = Figure(figsize=(7.5, 1.2 + 0.34 * len(effects)), layout="constrained")
    axes = figure.subplots()
    names = []
    for place, effect in enumerate(effects):
        found, colour = effect.paired, COLOURS.get(effect.verdict, GREY)
        assert found.mean is not None, "only effects that were seen are drawn"
        if found.low is not None and found.high is not None:
            axes.plot([found.low * POINTS, found.high * POINTS], [place, place], color=colour, linewidth=2)
        axes.plot(found.mean * POINTS, place, "o", color=colour)
        names.append(f"{effect.factor}: {effect.level} against {effect.baseline}")
    axes.axvline(0, color="black", linewidth=0.8)
    if cells.design.margin:
        axes.axvspan(-cells.design.margin * POINTS, cells.design.margin * POINTS, color="#0969da", alpha=0.1)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    better = "right" if cells.goal == "maximize" else "left"
    figure.supxlabel(f"difference in {cells.metric}, points ({better} is better), with 95 % interval", fontsize=10)
    axes.grid(axis="x", alpha=0.3)
    for verdict in dict.fromkeys(effect.verdict for effect in effects if effect.paired.n > 1):
        axes.plot([], [], "o-", color=COLOURS.get(verdict, GREY), label=verdict)
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside upper right", ncols=4, frameon=False)
    return figure


def _heat_map(cells: Cells, one: str, other: str) -> Figure:
    """The mean of every two levels over all else; better is darker."""
    means = means_of(cells, one, other)
    rows, columns = cells.design.levels[one], cells.design.levels[other]
    values = [[means.get((a, b), float("nan")) for b in columns] for a in rows]
    figure = Figure(figsize=(2.5 + 1.1 * len(columns), 1.4 + 0.5 * len(rows)), layout="constrained")
    axes = figure.subplots()
    colours = matplotlib.colormaps["Blues" if cells.goal == "maximize" else "Blues_r"]
    low, high = min(means.values()), max(means.values())
    if round(low, 3) == round(high, 3):  # as printed: no shade is better than another
        low, high = low - 0.5, high + 0.5
    axes.imshow(values, cmap=colours, aspect="auto", vmin=low, vmax=high)
    for y, a in enumerate(rows):
        for x, b in enumerate(columns):
            if (a, b) in means:
                light = (means[a, b] - low) <= (high - low) / 2
                colour = "black" if light == (cells.goal == "maximize") else "white"
                axes.text(x, y, f"{means[a, b]:.3f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(columns)), [written(b) for b in columns])
    axes.set_yticks(range(len(rows)), [written(a) for a in rows])
    axes.set_xlabel(other)
    axes.set_ylabel(one)
    axes.set_title(f"mean {cells.metric}; darker is better", fontsize=10)
    return figure


def _tuning(study: StudyResults, budgets: Sequence[Budget]) -> Figure:
    """Each arm's best against its tuning trials; below, how far the ranking is that of the final trials."""
    figure = Figure(figsize=(7.5, 5.5), layout="constrained")
    best, stability = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    for arm in budgets[-1].best:
        known = [(budget.trials, budget.best[arm]) for budget in budgets if arm in budget.best]
        best.plot(*zip(*known, strict=True), drawstyle="steps-post", marker=".", label=arm)
    best.set_ylabel(f"best {study.objective.metric}")
    best.legend(frameon=False, fontsize=8)
    known_taus = [(budget.trials, budget.tau) for budget in budgets if budget.tau is not None]
    if known_taus:
        stability.plot(*zip(*known_taus, strict=True), drawstyle="steps-post", marker=".", color="black")
    stability.set_ylim(-1.1, 1.1)
    stability.axhline(0, color=GREY, linewidth=0.8)
    stability.set_ylabel("Kendall's tau\nwith the final ranking", fontsize=8)
    stability.set_xlabel("tuning trials of each arm")
    stability.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (best, stability):
        axes.grid(alpha=0.3)
    return figure
