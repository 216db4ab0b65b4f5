"""The results of a study as a table for Python: `ablate.results("runs/faces")`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ablate.store.read import StudyResults, read_folder

if TYPE_CHECKING:
    import pandas as pd


def results(study_dir: str | Path) -> pd.DataFrame:
    """One row per trial: id, state, reason, seed, arm, epochs, then parameters, metrics and costs under their dotted names.

    What a trial does not have is NaN. Raises StoreError where the folder holds no study.
    """
    import pandas as pd

    return pd.DataFrame(flat_rows(read_folder(Path(study_dir))))


def flat_rows(study: StudyResults) -> list[dict[str, object]]:
    """The rows of a table with one column per number."""
    return [
        {
            "id": row.id,
            "state": row.state,
            "reason": row.reason,
            "seed": row.seed,
            "arm": row.arm,
            "epochs": row.epochs,
            **row.params,
            **row.metrics,
            **row.cost,
        }
        for row in study.trials
    ]
