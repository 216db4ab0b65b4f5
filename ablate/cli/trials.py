"""Which trial a command is about, and what a worker was told of it: shared by `ablate show` and `ablate export`."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.errors import AblateError
from ablate.types import counted

if TYPE_CHECKING:
    from ablate.store.read import StudyResults
    from ablate.training.spec import TrialSpec
    from ablate.types import TrialResult

BEST = "best"


def named_trial(study: StudyResults, trial: str) -> TrialResult:
    """The trial that is meant. Raises AblateError that says which there are."""
    if trial == BEST:
        if study.best is None:
            known = ", ".join(row.id for row in study.trials[:10]) or "none yet"
            raise AblateError(f"no trial of {study.study} is complete yet\n  name one of those it has: {known}")
        return study.best
    found = {row.id: row for row in study.trials}
    id = trial.zfill(4) if trial.isdecimal() else trial
    if id not in found:
        meant = f"did you mean '{BEST}'? " if difflib.get_close_matches(trial, [BEST]) else ""
        ids = sorted(found)
        known = f"it has {counted(len(ids), 'trial')}, {ids[0]} to {ids[-1]}" if ids else "it has none yet"
        raise AblateError(f"{study.study} has no trial '{trial}'\n  {meant}{known}")
    return found[id]


def why_no_weights(study: StudyResults, row: TrialResult) -> str | None:
    """Why a trial's weights are not kept; None where they are."""
    assert study.folder is not None, "it was read from a folder"
    if any((study.folder / "trials" / row.id).glob("checkpoint-*")):
        return None
    return f"it was {row.state}" if row.state in ("pruned", "failed") else "its checkpoint is not there"


def spec_of(study: StudyResults, row: TrialResult, data: Path) -> TrialSpec:
    """What a worker was told of a trial. Raises AblateError where `data` are not those that the study was run on."""
    import json

    from ablate.engine.specify import specify
    from ablate.store.folder import StudyFolder
    from ablate.store.read import read_asked
    from ablate.study.load import parse_study
    from ablate.training.prepare import prepare_data

    assert study.folder is not None, "it was read from a folder"
    folder = StudyFolder(study.folder)
    description = json.loads(folder.description.read_text())
    asked_for = parse_study(json.dumps(description["resolved"], indent=1), str(folder.description))
    data_spec, digest = prepare_data(asked_for, data)
    if description["meaning"].get("data_digest", digest) != digest:
        raise AblateError(
            f"{data}: these are not the data that {study.study} was run on\n"
            "  name the folder it was run with, by --data DIR or ABLATE_DATA"
        )
    return specify(read_asked(study.folder, row.id), asked_for, data_spec, folder, {})
