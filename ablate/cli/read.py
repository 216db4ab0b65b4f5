"""`ablate summarize` and `ablate compare`: what studies have found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ablate.cli.options import DEFAULT_OUT, OutDir, TrackingUri, store_uri, write_files
from ablate.errors import AblateError

if TYPE_CHECKING:
    from ablate.store.read import StudyResults
    from ablate.summary.pareto import Front


def summarize(
    study: Annotated[
        Optional[Path], typer.Argument(help="Folder of a study or its YAML; default: the newest in runs/.")
    ] = None,
    pareto: Annotated[
        Optional[str],
        typer.Option(
            help="Tell all about the front of two or three metrics or costs: val/auc,cost/latency_ms_p50.",
            metavar="METRIC,COST",
        ),
    ] = None,
    metric: Annotated[
        Optional[str], typer.Option(help="Of an ablation: judge its arms by test/map_at_r, ...", metavar="METRIC")
    ] = None,
    importance: Annotated[
        bool, typer.Option("--importance", help="Of a search: which parameters mattered (fANOVA, PED-ANOVA).")
    ] = False,
    format: Annotated[str, typer.Option(help="table, md, csv, json, latex or html, a page of one file.")] = "table",
    table: Annotated[
        Optional[str],
        typer.Option(
            help="What --format csv writes: trials (the default); of an ablation effects, interactions or arms, too.",
            metavar="TABLE",
        ),
    ] = None,
    output: Annotated[Optional[Path], typer.Option(help="Write to this file.", metavar="FILE")] = None,
    figures: Annotated[
        Optional[Path], typer.Option(help="Write the study's pictures (PNG) into this folder.", metavar="DIR")
    ] = None,
    out: OutDir = DEFAULT_OUT,
    tracking_uri: TrackingUri = None,
    experiment: Annotated[
        Optional[str], typer.Option(help="Read this MLflow experiment instead of a folder.", metavar="NAME")
    ] = None,
) -> None:
    """What a study has found: best trials and Pareto front of a search; of an ablation effects with intervals and verdicts."""
    from ablate.summary.csv_table import TRIALS
    from ablate.summary.pareto import pareto_front
    from ablate.summary.render import render

    _check_form(format, table)
    if (study is not None and experiment is not None) or (tracking_uri is not None and experiment is None):
        raise AblateError("a study is read from its folder, or with --experiment from MLflow\n  give one of the two")
    objectives = _objectives(pareto)
    found = _read(study, out, tracking_uri, experiment)
    if found.design is None:
        _check_search(metric, table or TRIALS)
    if importance or format == "html":
        found = with_importance(found, tell=importance)
    front = pareto_front(found, objectives[0] if objectives else None, objectives[1:])
    if figures is not None:
        _write_figures(found, figures, metric, front)
    text = render(found, front, format, metric, table or TRIALS)
    if output is None:
        typer.echo(text, nl=False)
    else:
        for path in write_files("--output", output.parent, {output.name: text.encode()}, make=False):
            typer.echo(f"written to {path}", err=True)


def _check_form(format: str, table: str | None) -> None:
    """Raise AblateError for a format that is not known, or a table that it cannot have."""
    from ablate.summary.csv_table import TABLES
    from ablate.summary.render import FORMATS

    if table is not None and (table not in TABLES or format != "csv"):
        raise AblateError(
            f"--table {table}: it says which table --format csv writes\n  give both, TABLE one of {', '.join(TABLES)}"
        )
    if format not in FORMATS:
        raise AblateError(f"--format {format} is not known\n  write one of: {', '.join(FORMATS)}")


def _check_search(metric: str | None, table: str) -> None:
    """Raise AblateError for what only an ablation has."""
    from ablate.summary.csv_table import TRIALS

    if metric is not None:
        raise AblateError(
            f"--metric judges the arms of an ablation, and this is a search\n  use --pareto {metric},cost/flops"
        )
    if table != TRIALS:
        raise AblateError(
            f"--table {table} is of an ablation, and this is a search\n  leave it out: its table is the trials"
        )


def _objectives(pareto: str | None) -> list[str]:
    """The names of --pareto; none where it is not given."""
    if pareto is None:
        return []
    names = [name.strip() for name in pareto.split(",")]
    if len(names) < 2 or not all(names):
        raise AblateError(
            f"--pareto '{pareto}' names no front\n  write two or three metrics or costs, as in val/auc,cost/latency_ms_p50"
        )
    return names


def _read(study: Path | None, out: Path, tracking_uri: str | None, experiment: str | None) -> StudyResults:
    """From the folder, or from MLflow."""
    from ablate.store.read import read_folder, read_mlflow

    if experiment is not None:
        return read_mlflow(store_uri(tracking_uri, out), experiment)
    return read_folder(study_folder(study, out))


def with_importance(study: StudyResults, *, tell: bool = False) -> StudyResults:
    """A search with the importance of its parameters; `tell` says why there is none."""
    from ablate.store.importance import LEAST_TRIALS, importances

    found = study
    if study.folder is not None and study.design is None:
        found = replace(study, importance=importances(study.folder))
    if tell and not found.importance:
        typer.echo(
            f"no importance: it takes {LEAST_TRIALS} complete trials of a search, read from its folder", err=True
        )
    return found


def _write_figures(study: StudyResults, folder: Path, metric: str | None, front: Front) -> None:
    from ablate.summary.figures import figures_of

    drawn = figures_of(study, metric, front)
    if not drawn:
        raise AblateError(f"--figures: there is nothing to draw of {study.study} yet\n  leave --figures out")
    for path in write_files("--figures", folder, drawn):
        typer.echo(f"written to {path}", err=True)


def compare(
    first: Annotated[
        str, typer.Argument(help="Folder of a study; of an ablation STUDY:ARM, too.", metavar="STUDY[:ARM]")
    ],
    second: Annotated[str, typer.Argument(help="What it is compared with.", metavar="STUDY[:ARM]")],
    metric: Annotated[
        Optional[str], typer.Option(help="Judged by; default: as in summarize.", metavar="METRIC")
    ] = None,
) -> None:
    """Two studies, or two arms, over the seeds that both have."""
    from ablate.store.read import read_folder
    from ablate.summary.compare import Side
    from ablate.summary.compare import compare as compared
    from ablate.summary.render import as_table

    def side(name: str) -> Side:
        folder, _, arm = name.partition(":")
        return Side(name, read_folder(Path(folder)), arm or None)

    typer.echo(as_table(compared(side(first), side(second), metric)), nl=False)


def study_folder(study: Path | None, out: Path) -> Path:
    """A folder as it is given, that of a study file, or the newest there is."""
    if study is None:
        found = [path.parent for path in out.glob("*/study.json")]
        if not found:
            raise AblateError(f"there is no study in {out}\n  run one: ablate run search_spaces/quickstart.yaml")
        return max(found, key=_last_written)
    if study.suffix in (".yaml", ".yml"):
        from ablate.study.load import load_study

        return out / load_study(study).name
    return study


def _last_written(folder: Path) -> float:
    """When something became of a study; one whose memory is a database has no journal."""
    places = (folder / name for name in ("study.json", "journal.log", "trials"))
    return max(place.stat().st_mtime for place in places if place.exists())
