"""What the mirror remembers between two runs of a study: how far each run in MLflow is written, in `mlflow.json`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from ablate.store.folder import StudyFolder, write_whole
from ablate.types import TrialResult


@dataclass
class RunState:
    """How far one trial's run is written."""

    run_id: str
    start_ms: int
    noted: bool = False
    """Whether parameters and data set are there."""
    offset: int = 0
    """Bytes of `metrics.jsonl` that are logged."""
    ended: str = ""
    """Digest of the row that was logged as its end; empty while it runs."""


@dataclass
class MirrorState:
    """What `mlflow.json` holds."""

    tracking_uri: str
    key: str
    """Of the study."""
    parent: str = ""
    status: str = ""
    """Of the parent run, as it was last ended; empty while a driver writes."""
    runs: dict[str, RunState] = field(default_factory=dict)


def row_digest(row: TrialResult) -> str:
    """Of what is logged at a trial's end; empty while it runs."""
    content = json.dumps([row.state, row.reason, dict(row.metrics), dict(row.cost)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12] if row.state != "running" else ""


def write_state(folder: StudyFolder, state: MirrorState) -> None:
    """For the next run, or for this one after a kill."""
    runs = {id: vars(run) for id, run in state.runs.items()}  # asdict takes 0.1 s for 10,000, at each pass
    write_whole(folder.mirror, json.dumps({**vars(state), "runs": runs}))


def read_state(folder: StudyFolder, tracking_uri: str) -> MirrorState:
    """What an earlier run noted, if it wrote to the same place."""
    fresh = MirrorState(tracking_uri, folder.key)
    try:
        raw = json.loads(folder.mirror.read_text())
        state = MirrorState(**{**raw, "runs": {id: RunState(**run) for id, run in raw["runs"].items()}})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return fresh  # not there, or of another version: the server knows the runs
    return state if (state.tracking_uri, state.key) == (tracking_uri, folder.key) else fresh
