"""A contact sheet: a picture, and those that a model finds most similar to it, each with its distance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablate.summary.colours import RIGHT
from ablate.summary.image_figures import frame, show
from ablate.training.portrait import Images

A_ROW = 5
NAME_WIDTH = 30
"""Characters of a file's name that fit in a line below its picture."""
NAME_LINES = 3
"""Of a longer one the end, which tells files apart."""


@dataclass(frozen=True, eq=False)
class Shown:
    """One picture of the sheet."""

    image: Images
    """[H, W, 3]."""
    name: str
    distance: float = 0.0
    """To the query."""
    same: bool = False
    """Whether it is called the same as the query."""


def contact_sheet(query: Shown, found: Sequence[Shown], *, title: str) -> Figure:
    """The query on the left, beside it the others in the order given; what is called the same is framed and marked."""
    rows = max(1, math.ceil(len(found) / A_ROW))
    figure = Figure(figsize=(13, 1.0 + 2.4 * max(rows, 2)), layout="constrained")
    left, right = np.asarray(figure.subfigures(1, 2, width_ratios=[1.6, A_ROW]))
    _panel(left.subplots(), query, "query")
    panels = right.subplots(max(rows, 2), A_ROW, squeeze=False).flatten()
    for axes in panels[len(found) :]:
        axes.axis("off")
    for rank, (axes, each) in enumerate(zip(panels, found, strict=False), 1):
        mark = "  ✓ same" if each.same else ""
        _panel(axes, each, f"{rank}   d {each.distance:.3f}{mark}")
        if each.same:
            frame(axes, RIGHT, 4)
    figure.suptitle(title, fontsize=11)
    return figure


def _panel(axes: Axes, shown: Shown, title: str) -> None:
    show(axes, shown.image)
    axes.set_title(title, fontsize=10, pad=4, color=RIGHT if shown.same else "black")
    most = NAME_WIDTH * NAME_LINES
    name = shown.name if len(shown.name) <= most else f"...{shown.name[-most + 3 :]}"
    lines = [name[start : start + NAME_WIDTH] for start in range(0, len(name), NAME_WIDTH)]
    axes.set_xlabel("\n".join(lines), fontsize=8)
