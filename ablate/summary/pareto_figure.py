"""The picture of a front: everything compared, the front through it, its knee, and the intervals of means."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablate.catalogue.costs import COSTS
from ablate.catalogue.entries import bounds_of
from ablate.summary.colours import GREY, PALETTE
from ablate.summary.dominators import Points
from ablate.summary.spread import Spread
from ablate.summary.trade_off import Place, TradeOff
from ablate.summary.words import cut, head

MOST_NAMED = 12
NAME_WIDTH = 28
MARKS = {
    "dominated": (".", GREY, "dominated"),
    "possible": ("D", PALETTE[7], "possibly on the front"),
    "front": ("o", PALETTE[0], "front"),
}
"""Standing -> mark, colour, words."""


SIZES = (20.0, 160.0)
"""Of marks, in square points: from the worst third objective to the best."""
DECADES = 30
"""A cost that spans more than this ratio is drawn on a logarithmic axis."""


def pareto_figure(found: TradeOff) -> Figure:
    """The first objective upwards, the second to the right; a third by the size of the marks, the best largest."""
    figure = Figure(figsize=(8.5, 5.5), layout="constrained")
    axes = figure.subplots()
    sizes = _sizes(found)
    for standing, (mark, colour, words) in MARKS.items():
        own = [place for place in found.places if place.standing == standing]
        if own:
            x, y = ([_shown(found, place, k) for place in own] for k in (1, 0))
            wide, high = (_errors([place.spreads[k] for place in own]) * _scale(found, k) for k in (1, 0))
            axes.errorbar(x, y, xerr=wide, yerr=high, fmt="none", ecolor=colour, alpha=0.5, linewidth=1)
            size = [sizes[p.name] for p in own]
            axes.scatter(x, y, s=size, marker=mark, color=colour, label=words, zorder=3, clip_on=False)
    _draw_front(axes, found)
    costs = [place.spreads[1].mean for place in found.places]
    if min(costs) > 0 and max(costs) / min(costs) > DECADES:
        axes.set_xscale("log")
    axes.margins(x=0.25)  # room for names
    axes.set_xlim(_possible(axes.get_xlim(), found, 1))
    axes.set_ylim(_possible(axes.get_ylim(), found, 0))
    axes.set_xlabel(_title(found, 1))
    axes.set_ylabel(_title(found, 0))
    axes.grid(alpha=0.3)
    third = f"larger: better {found.names[2]}" if len(found.names) > 2 else None
    figure.legend(loc="outside upper right", ncols=4, frameon=False, title=third)
    return figure


def _draw_front(axes: Axes, found: TradeOff) -> None:
    """Its line, where it is one, its names, and a ring around the knee."""
    line = [(_shown(found, place, 1), _shown(found, place, 0)) for place in found.front]
    if len(found.names) == 2:
        where: Literal["pre", "post"] = "pre" if found.signs[1] > 0 else "post"
        axes.step(*zip(*line, strict=True), where=where, color=PALETTE[0], linewidth=1, alpha=0.6)
    for place, at in zip(found.front, line, strict=True):
        if place.name == found.knee:
            axes.plot(*at, "o", markersize=16, fillstyle="none", color=PALETTE[2], label="knee", clip_on=False)
    for place, at in list(zip(found.front, line, strict=True))[:MOST_NAMED]:  # in lines: what differs stands at the end
        name = fill(cut(place.name, 3 * NAME_WIDTH), NAME_WIDTH)
        axes.annotate(name, at, xytext=(6, -6), textcoords="offset points", fontsize=8, va="top")


def _sizes(found: TradeOff) -> dict[str, float]:
    """Name -> size of its mark."""
    if len(found.names) < 3:
        return {place.name: 45.0 for place in found.places}
    values = {place.name: -found.signs[2] * place.spreads[2].mean for place in found.places}
    low, high = min(values.values()), max(values.values())
    least, most = SIZES
    return {name: least + (most - least) * (value - low) / ((high - low) or 1.0) for name, value in values.items()}


def _errors(spreads: Sequence[Spread]) -> Points:
    """Lengths of the bars below and above each mean; 0 without an interval."""
    ends = [(s.mean if s.low is None else s.low, s.mean if s.high is None else s.high) for s in spreads]
    means = [spread.mean for spread in spreads]
    lengths: Points = np.abs(np.array(ends).T - np.array(means))
    return lengths


def _possible(limits: tuple[float, float], found: TradeOff, objective: int) -> tuple[float, float]:
    """The ends of an axis without what its metric or cost cannot be: no recall is above 1. Marks at an end stand out whole."""
    least, most = bounds_of(found.names[objective])
    scale = _scale(found, objective)
    return max(limits[0], least * scale), min(limits[1], most * scale)


def _shown(found: TradeOff, place: Place, objective: int) -> float:
    """A mean in the unit of the tables."""
    return place.spreads[objective].mean * _scale(found, objective)


def _scale(found: TradeOff, objective: int) -> float:
    name = found.names[objective]
    return COSTS[name].scale if name in COSTS else 1.0


def _title(found: TradeOff, objective: int) -> str:
    return f"{head(found.names[objective])} ({'less' if found.signs[objective] > 0 else 'more'} is better)"
