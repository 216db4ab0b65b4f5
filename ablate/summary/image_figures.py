"""Pictures that show images: pairs with their verdicts, and what queries find."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from ablate.summary.colours import RIGHT, WRONG
from ablate.training.portrait import Images, Neighbours, PairGroup

PAIRS_A_ROW = 4
PAIR_WIDTH, ITEM_WIDTH = 30, 18
"""Characters of a name that fit below a pair, and below one image."""


def pairs_figure(groups: Sequence[PairGroup], *, threshold: float, title: str) -> Figure:
    """Same and different pairs (rows) judged rightly and wrongly (columns), each with cosine and distance."""
    rows = max(1, math.ceil(max(len(group.similarity) for group in groups) / PAIRS_A_ROW))
    figure = Figure(
        figsize=(13.5, 1.0 + 2 * (0.5 + 1.2 * rows)), layout=ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.03)
    )
    parts = np.asarray(figure.subfigures(2, 2, wspace=0.03)).flatten()
    for group, part in zip(groups, parts, strict=True):
        _pair_group(part, group, rows)
    distance = math.sqrt(max(0.0, 2 - 2 * threshold))
    figure.suptitle(
        f"{title}\npairs drawn at random, ordered by s, their cosine similarity; d: distance; "
        f"called the same from s = {threshold:.3f} (d = {distance:.3f}), the threshold from validation",
        fontsize=11,
    )
    return figure


def _pair_group(part: SubFigure, group: PairGroup, rows: int) -> None:
    kind, verdict = ("same" if group.same else "different"), ("same" if group.same == group.right else "different")
    mark, colour = ("✓ right", RIGHT) if group.right else ("✗ wrong", WRONG)
    what = f"{mark}: {kind} class, called {verdict} ({group.count:,} of {group.total:,})"
    part.suptitle(what, fontsize=11, color=colour, fontweight="bold")
    panels = part.subplots(rows, PAIRS_A_ROW, squeeze=False).flatten()
    for axes in panels:
        axes.axis("off")
    assert group.first is not None and group.second is not None, "they are pairs of images"
    names = [
        one if group.same else f"{one} | {other}"
        for one, other in zip(group.first_names, group.second_names, strict=True)
    ]
    for axes, first, second, cosine, name in zip(
        panels, group.first, group.second, group.similarity, names, strict=False
    ):
        axes.axis("on")
        axes.set_xlabel(_fitted(name, PAIR_WIDTH), fontsize=7, labelpad=2, parse_math=False)
        show(axes, np.concatenate([first, second], axis=1))
        axes.axvline(first.shape[1] - 0.5, color="white", linewidth=3)
        frame(axes, colour, 2)
        distance = math.sqrt(max(0.0, 2 - 2 * float(cosine)))  # of two points on the unit sphere
        axes.set_title(f"s {cosine:.2f}  d {distance:.2f}", fontsize=9, pad=3)
    if group.count == 0:
        panels[0].text(0.0, 0.5, "none", fontsize=11, transform=panels[0].transAxes)


def neighbours_figure(neighbours: Neighbours, *, title: str) -> Figure:
    """A row for each query: itself, then what is most similar to it; another class is framed and crossed."""
    queries, most = neighbours.similarity.shape
    assert neighbours.queries is not None and neighbours.found is not None, "they are images"
    figure = Figure(figsize=(1.05 * (most + 1.3), 0.9 + 1.45 * queries), layout="constrained")
    panels = figure.subplots(queries, most + 2, squeeze=False, width_ratios=[1, 0.25, *[1] * most])
    for row in range(queries):
        query, gap, *found = panels[row]
        show(query, neighbours.queries[row])
        query.set_title("query", fontsize=9, pad=3)
        query.set_xlabel(
            _fitted(neighbours.query_names[row], ITEM_WIDTH),
            fontsize=6.5,
            labelpad=2,
            fontweight="bold",
            parse_math=False,
        )
        gap.axis("off")
        for rank, axes in enumerate(found):
            show(axes, neighbours.found[row, rank])
            axes.set_xlabel(
                _fitted(neighbours.found_names[row][rank], ITEM_WIDTH), fontsize=6.5, labelpad=2, parse_math=False
            )
            right = bool(neighbours.right[row, rank])
            cosine = f"{neighbours.similarity[row, rank]:.2f}"
            axes.set_title(cosine if right else f"✗ {cosine}", fontsize=9, pad=3, color="black" if right else WRONG)
            if not right:
                frame(axes, WRONG, 4)
    share = neighbours.right[:, 0].mean()
    figure.suptitle(
        f"{title}\n"
        f"the {most} nearest of {neighbours.num_items:,} others, with cosine similarity; red frame and ✗: another class\n"
        f"{queries} queries drawn by seed {neighbours.seed}; the first hit is right for {share:.0%} of them",
        fontsize=11,
    )
    return figure


def _fitted(name: str, width: int) -> str:
    """A name in at most two lines of `width` characters."""
    return "\n".join(wrap(name, width, max_lines=2, placeholder=" …"))


def show(axes: Axes, image: Images) -> None:
    """An image [H, W, C] in bytes, without ticks and frame."""
    grey = image.shape[2] == 1
    axes.imshow(image[..., 0] if grey else image, cmap="gray" if grey else None, vmin=0, vmax=255)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def frame(axes: Axes, colour: str, width: float) -> None:
    """A frame around what `show` shows; `width` in points."""
    for spine in axes.spines.values():
        spine.set(visible=True, color=colour, linewidth=width)
