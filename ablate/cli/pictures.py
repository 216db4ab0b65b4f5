"""`ablate show`: the pictures of a trial."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ablate.cli.options import DEFAULT_DATA, DEFAULT_OUT, DataDir, OutDir, write_files
from ablate.cli.read import study_folder
from ablate.errors import AblateError
from ablate.types import counted

if TYPE_CHECKING:
    from ablate.store.read import StudyResults
    from ablate.training.portrait import Portrait
    from ablate.types import TrialResult

BEST = "best"
SPLITS = ("val", "test")


def show_(
    trial: Annotated[str, typer.Argument(help="Its id, as in 0007, or `best`.")] = BEST,
    study: Annotated[
        Optional[Path], typer.Argument(help="Folder of a study or its YAML; default: the newest in runs/.")
    ] = None,
    split: Annotated[str, typer.Option(help="What is looked at: val, or test of a trial that has read it.")] = "val",
    output: Annotated[
        Optional[Path],
        typer.Option(help="Write into this folder; default: pictures/ in the trial's own.", metavar="DIR"),
    ] = None,
    data: DataDir = DEFAULT_DATA,
    out: OutDir = DEFAULT_OUT,
) -> None:
    """Draw a trial: its curves, ROC, pairs, embeddings and nearest neighbours, as PNG files."""
    if split not in SPLITS:
        raise AblateError(f"--split {split} is not known\n  write one of: {', '.join(SPLITS)}")
    if study is None and trial != BEST and (Path(trial).is_dir() or trial.endswith((".yaml", ".yml"))):
        raise AblateError(f"'{trial}' is no trial\n  did you mean `ablate show {BEST} {trial}`?")
    from ablate.store import pictures
    from ablate.store.read import read_folder

    found = read_folder(study_folder(study, out))
    assert found.folder is not None, "it was read from a folder"
    row = _row(found, trial)
    if split == "test" and not any(name.startswith("test/") for name in row.metrics):
        raise AblateError(
            f"trial {row.id} of {found.study} has not read the test split, which is sealed\n"
            "  leave --split out, or show a trial that has: the best of a search, or one that judges an arm"
        )
    portrait = _portrait(found, row, split, data)
    from ablate.summary.trial_figures import trial_figures

    drawn = trial_figures(found, row.id, portrait)
    if not drawn:
        raise AblateError(
            f"trial {row.id} has neither weights nor curves: there is nothing to draw\n  show another trial"
        )
    own = found.folder / "trials" / row.id / pictures.FOLDER
    target = output or (own if split == "val" else own / split)
    for path in write_files("--output", target, drawn):
        typer.echo(path)


def _row(study: StudyResults, trial: str) -> TrialResult:
    """The trial that is meant. Raises AblateError that says which there are."""
    if trial == BEST:
        if study.best is None:
            known = ", ".join(row.id for row in study.trials[:10]) or "none yet"
            raise AblateError(f"no trial of {study.study} is complete yet\n  show one of those it has: {known}")
        return study.best
    found = {row.id: row for row in study.trials}
    id = trial.zfill(4) if trial.isdecimal() else trial
    if id not in found:
        meant = f"did you mean '{BEST}'? " if difflib.get_close_matches(trial, [BEST]) else ""
        ids = sorted(found)
        known = f"it has {counted(len(ids), 'trial')}, {ids[0]} to {ids[-1]}" if ids else "it has none yet"
        raise AblateError(f"{study.study} has no trial '{trial}'\n  {meant}{known}")
    return found[id]


def _portrait(study: StudyResults, row: TrialResult, split: str, data: Path) -> Portrait | None:
    """What the trial's weights see; None where its weights are not kept, which is told."""
    import json
    import os
    from dataclasses import replace

    assert study.folder is not None, "it was read from a folder"
    if not any((study.folder / "trials" / row.id).glob("checkpoint-*")):
        why = f"it was {row.state}" if row.state in ("pruned", "failed") else "its checkpoint is not there"
        typer.echo(f"trial {row.id} has no weights ({why}): only its curves are drawn", err=True)
        return None
    from ablate.engine.specify import specify
    from ablate.store.folder import StudyFolder
    from ablate.store.read import read_asked
    from ablate.study.load import parse_study
    from ablate.training.portray import portray
    from ablate.training.prepare import prepare_data

    folder = StudyFolder(study.folder)
    description = json.loads(folder.description.read_text())
    asked_for = parse_study(json.dumps(description["resolved"], indent=1), str(folder.description))
    data_spec, digest = prepare_data(asked_for, data)
    if description["meaning"].get("data_digest", digest) != digest:
        raise AblateError(
            f"{data}: these are not the data that {study.study} was run on\n"
            "  name the folder it was run with, by --data DIR or ABLATE_DATA"
        )
    spec = specify(read_asked(study.folder, row.id), asked_for, data_spec, folder, {})
    portrait = portray(replace(spec, cpus=len(os.sched_getaffinity(0))), split)
    for note in portrait.notes:
        typer.echo(note, err=True)
    return portrait
