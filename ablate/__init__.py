"""ablate: which choices give the best Siamese network on your data, and what they cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["results"]


def results(study_dir: str | Path) -> pd.DataFrame:
    """The trials of a study folder, one row each; see `ablate.summary.results.results`."""
    from ablate.summary.results import results as read  # pandas takes a quarter of a second

    return read(study_dir)
