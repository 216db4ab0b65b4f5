"""Colours and marks of the pictures, told apart by colour-blind people too; what matters is never told by colour alone."""

from __future__ import annotations

PALETTE = (
    "#332288",
    "#44aa99",
    "#cc6677",
    "#999933",
    "#88ccee",
    "#882255",
    "#117733",
    "#ddaa33",
    "#aa4499",
    "#000000",
)
"""Tol's muted scheme (Technical Note SRON/EPS/TN/09-002, 2021) with a darker yellow, and black."""
MARKERS = "os^DvP*X<>"
LINES = ("-", "--", ":")
GREY = "#6e7781"
WRONG = "#cf222e"
RIGHT = "#0969da"
