"""`ablate export`: a trial's network as a model that needs no study."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ablate.cli.options import DEFAULT_DATA, DEFAULT_OUT, DataDir, OutDir
from ablate.cli.read import study_folder
from ablate.cli.trials import BEST, named_trial, spec_of, why_no_weights
from ablate.errors import AblateError

if TYPE_CHECKING:
    from ablate.serve.card import Source
    from ablate.store.read import StudyResults
    from ablate.training.spec import TrialSpec
    from ablate.types import TrialResult

KINDS = ("safetensors", "onnx", "torchscript")


def export(
    output: Annotated[Path, typer.Option(help="The model's folder, which is made.", metavar="FOLDER")],
    trial: Annotated[
        str,
        typer.Argument(help="A trial's id, as in 0007, or its folder; or a study's folder or YAML: its best trial."),
    ] = BEST,
    study: Annotated[
        Optional[Path], typer.Argument(help="Of an id: folder of the study or its YAML; default: the newest in runs/.")
    ] = None,
    format: Annotated[str, typer.Option(help="safetensors, onnx or torchscript.")] = "safetensors",
    data: DataDir = DEFAULT_DATA,
    out: OutDir = DEFAULT_OUT,
) -> None:
    """Export a trial's network with its preprocessing, threshold and card, checked on validation images."""
    if format not in KINDS:
        raise AblateError(f"--format {format} is not known\n  write one of: {', '.join(KINDS)}")
    trial, study = _meant(trial, study)
    from ablate.store.read import read_folder

    found = read_folder(study_folder(study, out))
    row = named_trial(found, trial)
    why = why_no_weights(found, row)
    if why is not None:
        raise AblateError(f"trial {row.id} of {found.study} has no weights ({why})\n  name a complete trial")
    from dataclasses import replace

    from ablate.serve.export import export as exported

    spec = spec_of(found, row, data)
    spec = replace(spec, cpus=len(os.sched_getaffinity(0)))
    done = exported(spec, _source(found, row, spec), kind=format, folder=output)
    typer.echo(
        f"trial {row.id} of {found.study}: {done.num_images} validation images embedded as by the network, up to "
        f"{done.difference:.1g}\n{output}\nuse it    ablate verify {output} FIRST SECOND"
    )


def _meant(trial: str, study: Path | None) -> tuple[str, Path | None]:
    """The trial and the study, where the first word names a folder or a file in place of an id."""
    path = Path(trial)
    if not ("/" in trial or path.is_dir() or path.suffix in (".yaml", ".yml")):
        return trial, study
    if study is not None:
        raise AblateError(f"'{trial}' is no trial of {study}\n  write an id and the study, or one folder")
    folder = path.absolute()
    return (folder.name, folder.parent.parent) if folder.parent.name == "trials" else (BEST, path)


def _source(study: StudyResults, row: TrialResult, spec: TrialSpec) -> Source:
    from ablate.serve.card import Source

    return Source(
        study=study.study,
        question=study.question,
        data_params=dict(spec.data.params),
        params=row.params,
        seed=row.seed,
        metrics=row.metrics,
        cost=row.cost,
        measured=f"in the study, where a trial had {study.meaning.get('resources', 'CPUs that it did not note')}",
    )
