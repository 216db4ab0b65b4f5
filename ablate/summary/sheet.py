"""A sheet on which many small images are laid out by hand, in inches.

One axes for all of them: one for each image, with its ticks and the layout around it, costs matplotlib tens of milliseconds,
which made half of the eight seconds that a trial's pictures took.
"""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ablate.training.portrait import Images

POINT = 1 / 72
"""Of an inch."""


class Sheet:
    """A figure of `width` x `height` inches; places are inches from its upper left corner."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height))
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(height, 0))
        self.axes.axis("off")
        self.axes.autoscale(False)

    def image(self, image: Images, left: float, top: float, side: float) -> None:
        """A square image [H, W, C] in bytes; grey where C is 1."""
        grey = image.shape[2] == 1
        self.axes.imshow(
            image[..., 0] if grey else image,
            cmap="gray" if grey else None,
            vmin=0,
            vmax=255,
            extent=(left, left + side, top + side, top),
            aspect="auto",
        )

    def frame(self, left: float, top: float, width: float, height: float, *, colour: str, line: float) -> None:
        """Around what lies there, half of it upon that; `line` in points."""
        edges = Rectangle((left, top), width, height, fill=False, edgecolor=colour, linewidth=line, zorder=2)
        self.axes.add_patch(edges)

    def line(self, x: float, top: float, height: float, *, colour: str, line: float) -> None:
        """Downwards; `line` in points."""
        self.axes.plot([x, x], [top, top + height], color=colour, linewidth=line, solid_capstyle="butt")

    def words(self, text: str, x: float, y: float, *, size: float, **more: Any) -> None:
        """Centred at `x`, and hanging from `y` unless `more` says otherwise; `size` in points, `$` as it is written."""
        self.axes.text(x, y, text, fontsize=size, parse_math=False, **{"ha": "center", "va": "top", **more})
