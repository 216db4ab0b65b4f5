"""`ablate show`: the pictures of a trial."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ablate.cli.options import DEFAULT_DATA, DEFAULT_OUT, DataDir, OutDir, write_files
from ablate.cli.read import study_folder
from ablate.cli.trials import BEST, named_trial, spec_of, why_no_weights
from ablate.errors import AblateError

if TYPE_CHECKING:
    from ablate.store.read import StudyResults
    from ablate.training.portrait import Portrait
    from ablate.types import TrialResult

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
    row = named_trial(found, trial)
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


def _portrait(study: StudyResults, row: TrialResult, split: str, data: Path) -> Portrait | None:
    """What the trial's weights see; None where its weights are not kept, which is told."""
    import os
    from dataclasses import replace

    why = why_no_weights(study, row)
    if why is not None:
        typer.echo(f"trial {row.id} has no weights ({why}): only its curves are drawn", err=True)
        return None
    from ablate.training.portray import portray

    spec = spec_of(study, row, data)
    portrait = portray(replace(spec, cpus=len(os.sched_getaffinity(0))), split)
    for note in portrait.notes:
        typer.echo(note, err=True)
    return portrait
