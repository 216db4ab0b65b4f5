"""Pictures that show images: pairs with their verdicts, and what queries find."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablate.summary.colours import RIGHT, WRONG
from ablate.summary.sheet import POINT, Sheet
from ablate.training.portrait import Images, Neighbours, PairGroup

PAIRS_A_ROW = 4
PAIR_WIDTH, ITEM_WIDTH = 30, 18
"""Characters of a name that fit below a pair, and below one image."""
MARGIN, HEAD = 0.15, 0.95
"""Inches: around a sheet and between its groups; its title."""
CELL, SIDE, ABOVE = 1.62, 0.74, 0.2
"""Inches of a pair: from one to the next, of each of its images, of the numbers above it."""
PAIR_ROW, GROUP_HEAD = 1.3, 0.4
ITEM, ITEM_ROW, ITEM_SIDE = 1.05, 1.45, 0.97
"""Inches of a neighbour: from one to the next, to the next row, of its image."""


def pairs_figure(groups: Sequence[PairGroup], *, threshold: float, title: str) -> Figure:
    """Same and different pairs (rows) judged rightly and wrongly (columns), each with cosine and distance."""
    rows = max(1, math.ceil(max(len(group.similarity) for group in groups) / PAIRS_A_ROW))
    wide, high = PAIRS_A_ROW * CELL + MARGIN, GROUP_HEAD + rows * PAIR_ROW
    sheet = Sheet(2 * wide + MARGIN, HEAD + 2 * high)
    distance = math.sqrt(max(0.0, 2 - 2 * threshold))
    head = (
        f"{title}\npairs drawn at random, ordered by s, their cosine similarity; d: distance; "
        f"called the same from s = {threshold:.3f} (d = {distance:.3f}), the threshold from validation"
    )
    sheet.words(head, sheet.width / 2, MARGIN, size=11)
    for place, group in enumerate(groups):
        _pair_group(sheet, group, left=MARGIN + place % 2 * wide, top=HEAD + place // 2 * high)
    return sheet.figure


def _pair_group(sheet: Sheet, group: PairGroup, *, left: float, top: float) -> None:
    kind, verdict = ("same" if group.same else "different"), ("same" if group.same == group.right else "different")
    mark, colour = ("✓ right", RIGHT) if group.right else ("✗ wrong", WRONG)
    what = f"{mark}: {kind} class, called {verdict} ({group.count:,} of {group.total:,})"
    sheet.words(what, left + PAIRS_A_ROW * CELL / 2, top + MARGIN / 2, size=11, color=colour, fontweight="bold")
    top += GROUP_HEAD
    assert group.first is not None and group.second is not None, "they are pairs of images"
    names = [
        one if group.same else f"{one} | {other}"
        for one, other in zip(group.first_names, group.second_names, strict=True)
    ]
    pairs = zip(group.first, group.second, group.similarity, names, strict=True)
    for place, (first, second, cosine, name) in enumerate(pairs):
        x, y = left + place % PAIRS_A_ROW * CELL, top + place // PAIRS_A_ROW * PAIR_ROW
        middle = x + SIDE
        distance = math.sqrt(max(0.0, 2 - 2 * float(cosine)))  # of two points on the unit sphere
        sheet.words(f"s {cosine:.2f}  d {distance:.2f}", middle, y + ABOVE - 3 * POINT, size=9, va="bottom")
        sheet.image(first, x, y + ABOVE, SIDE)
        sheet.image(second, middle, y + ABOVE, SIDE)
        sheet.line(middle, y + ABOVE, SIDE, colour="white", line=3)
        sheet.frame(x, y + ABOVE, 2 * SIDE, SIDE, colour=colour, line=2)
        sheet.words(_fitted(name, PAIR_WIDTH), middle, y + ABOVE + SIDE + 3 * POINT, size=7)
    if group.count == 0:
        sheet.words("none", left, top + PAIR_ROW / 2, size=11, ha="left")


def neighbours_figure(neighbours: Neighbours, *, title: str) -> Figure:
    """A row for each query: itself, then what is most similar to it; another class is framed and crossed."""
    queries, most = neighbours.similarity.shape
    assert neighbours.queries is not None and neighbours.found is not None, "they are images"
    sheet = Sheet(2 * MARGIN + ITEM * (most + 1.25), HEAD + 0.1 + ITEM_ROW * queries)
    share = neighbours.right[:, 0].mean()
    head = (
        f"{title}\n"
        f"the {most} nearest of {neighbours.num_items:,} others, with cosine similarity; red frame and ✗: another class\n"
        f"{queries} queries drawn by seed {neighbours.seed}; the first hit is right for {share:.0%} of them"
    )
    sheet.words(head, sheet.width / 2, MARGIN, size=11)
    for row in range(queries):
        top = HEAD + 0.1 + row * ITEM_ROW
        _item(sheet, neighbours.queries[row], MARGIN, top, "query", neighbours.query_names[row], fontweight="bold")
        for rank in range(most):
            left = MARGIN + ITEM * (rank + 1.25)
            cosine, name = f"{neighbours.similarity[row, rank]:.2f}", neighbours.found_names[row][rank]
            if neighbours.right[row, rank]:
                _item(sheet, neighbours.found[row, rank], left, top, cosine, name)
            else:
                _item(sheet, neighbours.found[row, rank], left, top, f"✗ {cosine}", name, colour=WRONG)
                sheet.frame(left, top + ABOVE, ITEM_SIDE, ITEM_SIDE, colour=WRONG, line=4)
    return sheet.figure


def _item(
    sheet: Sheet,
    image: Images,
    left: float,
    top: float,
    above: str,
    name: str,
    *,
    colour: str = "black",
    fontweight: str = "normal",
) -> None:
    """An image with words above it, and its name below."""
    middle = left + ITEM_SIDE / 2
    sheet.words(above, middle, top + ABOVE - 3 * POINT, size=9, va="bottom", color=colour)
    sheet.image(image, left, top + ABOVE, ITEM_SIDE)
    below = top + ABOVE + ITEM_SIDE + 3 * POINT
    sheet.words(_fitted(name, ITEM_WIDTH), middle, below, size=6.5, fontweight=fontweight)


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
