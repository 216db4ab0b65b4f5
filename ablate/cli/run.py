"""`ablate run` and `ablate plan`: a study, and what it would be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ablate.cli.options import (
    DEFAULT_DATA,
    DEFAULT_OUT,
    DataDir,
    OutDir,
    Overrides,
    Seed,
    StudyPath,
    TrackingUri,
    Trials,
)
from ablate.cli.options import overrides as changes
from ablate.types import counted

if TYPE_CHECKING:
    from ablate.training.portrait import Portrait


def run(
    study: StudyPath,
    gpus: Annotated[Optional[float], typer.Option(help="GPUs the study may use in all; default: all found.")] = None,
    cpus: Annotated[Optional[int], typer.Option(help="CPUs the study may use in all; default: all found.")] = None,
    trials: Trials = None,
    seed: Seed = None,
    data: DataDir = DEFAULT_DATA,
    out: OutDir = DEFAULT_OUT,
    address: Annotated[
        Optional[str], typer.Option(help="Ray cluster to join: auto, or HOST:PORT; default: this machine.")
    ] = None,
    tracking_uri: TrackingUri = None,
    set_: Overrides = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew; the earlier study is kept beside it.")] = False,
    reuse: Annotated[bool, typer.Option(help="Take trials that an earlier study in --out has finished.")] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Start an ablation of many trials unasked.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False,
) -> None:
    """Run a study; run again, it continues where it stopped and never repeats a finished trial."""
    from ablate.study.load import load_study

    loaded = load_study(study, changes(set_, trials, seed))
    from ablate.engine.options import Options
    from ablate.engine.run import run_study

    options = Options(data, out, tracking_uri, cpus, gpus, address, fresh, reuse, yes, quiet, _report, _draw)
    outcome = run_study(loaded, options)
    for note in outcome.notes:
        typer.echo(note, err=True)
    again = f"ablate summarize {os.path.relpath(outcome.folder)}"
    if outcome.interrupted:
        typer.echo("interrupted; run the same command again to continue: finished trials are kept", err=True)
        raise typer.Exit(130)
    failed = [row for row in outcome.results if row.state == "failed"]
    for row in failed:
        typer.echo(f"trial {row.id} failed: {row.reason}\n  {outcome.folder / 'trials' / row.id}", err=True)
    forbidden = sum(row.infeasible for row in outcome.results)
    infeasible = f", {forbidden} infeasible" if forbidden else ""
    trials_run = counted(len(outcome.results), "trial")
    typer.echo(f"{loaded.name}: {trials_run}, {len(failed)} failed{infeasible}\nread it    {again}")
    if failed:
        raise typer.Exit(1)


def _report(folder: Path) -> dict[str, str | bytes]:
    """The summary of a study, its figures and the pictures of its best trial, for their runs in MLflow."""
    from ablate.store import pictures
    from ablate.store.read import read_folder
    from ablate.summary.figures import figures_of
    from ablate.summary.pareto import pareto_front
    from ablate.summary.render import render

    found = read_folder(folder)
    front = pareto_front(found)
    files: dict[str, str | bytes] = {f"summary.{form}": render(found, front, form) for form in ("md", "json")}
    files |= {f"figures/{name}": picture for name, picture in figures_of(found).items()}
    if found.best is not None:
        trial = f"trials/{found.best.id}"
        files |= {f"{trial}/{pictures.FOLDER}/{name}": png for name, png in pictures.read(folder / trial).items()}
    return files


def _draw(folder: Path, portrait: Portrait) -> dict[str, bytes]:
    """The pictures of a trial that a worker has looked at."""
    from ablate.store.read import read_folder
    from ablate.summary.trial_figures import trial_figures

    return trial_figures(read_folder(folder), portrait.trial, portrait)


def plan(
    study: StudyPath,
    trials: Trials = None,
    seed: Seed = None,
    set_: Overrides = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Time some steps of each network: how long will it take?")
    ] = False,
    cpus: Annotated[Optional[int], typer.Option(help="With --probe: CPUs the study will use; default: all.")] = None,
    data: DataDir = DEFAULT_DATA,
    out: OutDir = DEFAULT_OUT,
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """What a study would do: its arms or space, its trials, what it can see, what its networks cost. Trains nothing."""
    from ablate.study.load import load_study

    loaded = load_study(study, changes(set_, trials, seed))
    from ablate.store.read import read_folder
    from ablate.summary.plan import as_json, as_text, make_plan
    from ablate.training.architectures import static_costs_of

    earlier = read_folder(out / loaded.name) if (out / loaded.name / "study.json").exists() else None
    duration = None
    if probe:
        from ablate.summary.duration import estimate
        from ablate.training.probe import probe as probed

        slots = max(1, (cpus or len(os.sched_getaffinity(0))) // loaded.resources.cpus)
        duration = estimate(loaded, probed(loaded, data, slots=slots), slots=slots)
    made = make_plan(loaded, static_costs_of(loaded), earlier, duration)
    typer.echo(as_json(made) if json else as_text(made, str(study)))
