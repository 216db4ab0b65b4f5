"""The results of a study as a table for Python: `ablate.results("runs/faces")`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ablate.store.read import StudyResults, read_folder
from ablate.study.load import load_study

if TYPE_CHECKING:
    import pandas as pd

HEAD = ("id", "state", "reason", "seed", "arm", "phase", "reused", "epochs")


def results(study_dir: str | Path) -> pd.DataFrame:
    """One row per trial: id, state, reason, seed, arm, phase, reused, epochs, then parameters, metrics, costs by dotted name.

    `study_dir` may be the study's YAML, whose folder is then looked for in runs/. What a trial does not have is NaN. Raises
    StoreError where the folder holds no study.
    """
    import pandas as pd

    path = Path(study_dir)
    study = read_folder(Path("runs") / load_study(path).name if path.suffix in (".yaml", ".yml") else path)
    return pd.DataFrame(flat_rows(study), columns=columns(study))


def columns(study: StudyResults) -> list[str]:
    """The names of a table's columns: parameters stand together, then metrics, then costs."""
    params = [name for row in study.trials for name in row.params]
    metrics = [name for row in study.trials for name in row.metrics]
    costs = [name for row in study.trials for name in row.cost]
    return list(dict.fromkeys([*HEAD, *params, *metrics, *costs]))


def flat_rows(study: StudyResults) -> list[dict[str, object]]:
    """The rows of a table with one column per number. `epochs` are those trained; the parameter of that name is the plan."""
    return [
        {
            **row.params,
            **row.metrics,
            **row.cost,
            "id": row.id,
            "state": row.state,
            "reason": row.reason,
            "seed": row.seed,
            "arm": row.arm,
            "phase": row.phase,
            "reused": row.reused,
            "epochs": row.epochs,
        }
        for row in study.trials
    ]
