"""Pictures of items that are no images, by their titles: pairs of books with their verdicts, and what books find."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablate.summary.colours import RIGHT, WRONG
from ablate.summary.words import cut
from ablate.training.portrait import Neighbours, PairGroup

LINE = 0.19
"""Inches."""
TITLE_WIDTH = 80
"""Characters of a title in half the picture."""


def title_pairs_figure(groups: Sequence[PairGroup], *, threshold: float, title: str) -> Figure:
    """Pairs that one reader liked and others, judged rightly and wrongly, each with its cosine."""
    rows = max(1, max(len(group.similarity) for group in groups))
    figure = Figure(figsize=(13.5, 1.1 + 4 * LINE * (rows + 2.5)), layout="constrained")
    for group, axes in zip(groups, figure.subplots(4, 1), strict=True):
        kind = "liked by one reader" if group.same else "one liked, the other not"
        verdict = "the same" if group.same == group.right else "different"
        mark, colour = ("✓ right", RIGHT) if group.right else ("✗ wrong", WRONG)
        head = f"{mark}: {kind}, called {verdict} ({group.count:,} of {group.total:,})"
        pairs = zip(group.similarity, group.first_names, group.second_names, strict=True)
        cells = [(f"{s:.3f}", one, other) for s, one, other in pairs] or [("none", "", "")]
        lines = [(each, "black") for each in cells]
        _write(axes, head, lines, rows=rows, colour=colour, columns=(0.0, 0.04, 0.52))
    figure.suptitle(
        f"{title}\npairs drawn at random, ordered by cosine similarity; called the same from {threshold:.3f}, "
        f"the threshold from validation (distance {math.sqrt(max(0.0, 2 - 2 * threshold)):.3f})",
        fontsize=11,
    )
    return figure


def title_neighbours_figure(neighbours: Neighbours, *, title: str) -> Figure:
    """A list for each query; what no reader of it liked is crossed."""
    queries, most = neighbours.similarity.shape
    rows = math.ceil(queries / 2)
    figure = Figure(figsize=(13.5, 1.2 + rows * LINE * (most + 2.5)), layout="constrained")
    panels = figure.subplots(rows, 2, squeeze=False).flatten()
    for axes in panels[queries:]:
        axes.axis("off")
    for row, axes in enumerate(panels[:queries]):
        found = zip(neighbours.similarity[row], neighbours.found_names[row], neighbours.right[row], strict=True)
        lines = [((f"{s:.3f}", "" if right else "✗", name), "black" if right else WRONG) for s, name, right in found]
        head = cut(neighbours.query_names[row], TITLE_WIDTH)
        _write(axes, head, lines, rows=most, colour="black", columns=(0.0, 0.07, 0.1))
    first = f"the first hit is liked, too, for {neighbours.right[:, 0].mean():.0%}"
    figure.suptitle(
        f"{title}\nthe {most} nearest of {neighbours.num_items:,} other books, with cosine similarity; "
        "✗: no reader of this split liked both\n"
        f"{queries} queries drawn by seed {neighbours.seed}; {first}",
        fontsize=11,
    )
    return figure


def _write(
    axes: Axes,
    head: str,
    lines: Sequence[tuple[tuple[str, ...], str]],
    *,
    rows: int,
    colour: str,
    columns: tuple[float, ...],
) -> None:
    """A heading and lines of cells, each line in a colour, in room for `rows` of them; `columns` are shares of the width."""
    axes.axis("off")
    axes.set_ylim(rows, 0)
    axes.set_title(head, fontsize=9.5, loc="left", color=colour, fontweight="bold", parse_math=False)
    for place, (cells, own) in enumerate(lines):
        # each cell alone: a title that is read from the right turns its line
        for x, cell in zip(columns, cells, strict=False):
            text = cut(cell, TITLE_WIDTH)
            axes.text(x, place + 0.5, text, fontsize=7.5, color=own, va="center", parse_math=False)
