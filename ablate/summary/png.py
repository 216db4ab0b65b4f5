"""Figures as PNG files: one resolution for all of them."""

from __future__ import annotations

import io

from matplotlib.figure import Figure

DPI = 144


def png(figure: Figure) -> bytes:
    """A figure as the bytes of a file."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    return file.getvalue()
