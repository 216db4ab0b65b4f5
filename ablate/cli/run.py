"""`ablate run` and `ablate plan`: a study, and what it would be."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
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
from ablate.errors import AblateError, StoreError
from ablate.types import counted

if TYPE_CHECKING:
    from ablate.engine.options import Outcome
    from ablate.store.read import StudyResults
    from ablate.study.study import Study
    from ablate.summary.scaling import Scaling
    from ablate.training.portrait import Portrait
    from ablate.training.probe import Pace


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
    storage: Annotated[
        Optional[str],
        typer.Option(
            help="Database of the study's memory, for several drivers at once; default: a file in --out.", metavar="URL"
        ),
    ] = None,
    checkpoints: Annotated[
        Optional[str],
        typer.Option(
            help="Object store for checkpoints, where machines share no folder: s3://BUCKET/PREFIX; default: --out.",
            metavar="URL",
        ),
    ] = None,
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

    options = Options(
        data,
        out,
        tracking_uri=tracking_uri,
        cpus=cpus,
        gpus=gpus,
        address=address,
        fresh=fresh,
        reuse=reuse,
        yes=yes,
        quiet=quiet,
        report=_report,
        draw=_draw,
        storage=storage,
        checkpoints=checkpoints,
    )
    outcome = run_study(loaded, options)
    _tell(loaded.name, outcome)


def _tell(study: str, outcome: Outcome) -> None:
    """How a run ended: in words, and in the exit code."""
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
    typer.echo(f"{study}: {trials_run}, {len(failed)} failed{infeasible}\nread it    {again}")
    if failed:
        raise typer.Exit(1)


def _report(folder: Path) -> dict[str, str | bytes]:
    """The summary of a study, its page and figures, and the pictures of its best trial, for their runs in MLflow."""
    from ablate.cli.read import with_importance
    from ablate.store import pictures
    from ablate.store.read import read_folder
    from ablate.summary.figures import figures_of
    from ablate.summary.pareto import pareto_front
    from ablate.summary.render import render

    found = with_importance(read_folder(folder))
    front = pareto_front(found)
    files: dict[str, str | bytes] = {f"summary.{form}": render(found, front, form) for form in ("md", "json", "html")}
    files |= {f"figures/{name}": picture for name, picture in figures_of(found, front=front).items()}
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
    gpus: Annotated[
        Optional[int], typer.Option(help="Hours and efficiency on a cluster of so many GPUs, and of others.", min=1)
    ] = None,
    cpus: Annotated[
        Optional[int], typer.Option(help="CPUs the study will use, of the whole cluster; default: all here.", min=1)
    ] = None,
    gpus_per_node: Annotated[int, typer.Option(help="With --gpus: GPUs of one machine.", min=1)] = 8,
    data: DataDir = DEFAULT_DATA,
    out: OutDir = DEFAULT_OUT,
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """What a study would do: its arms or space, its trials, what it can see, what its networks cost. Trains nothing.

    With --gpus, or with --cpus where trials hold no GPU, also how it scales: simulated from seconds that a probe measured,
    or the trials of the study that have ended.
    """
    from ablate.study.load import load_study

    changed = changes(set_, trials, seed)
    loaded = load_study(study, changed)
    if gpus is not None and not loaded.resources.gpu_share:
        raise AblateError(
            f"--gpus {gpus}: a trial of {loaded.name} holds no GPU (resources.gpus is 0)\n"
            "  give --cpus N for a cluster of CPUs, or set resources.gpus"
        )
    if probe and loaded.resources.workers > 1:
        raise AblateError(
            f"--probe times one worker, but {loaded.resources.workers} train a trial of {loaded.name} (resources.workers)\n"
            "  plan without it: once some trials have ended, the plan rests on them"
        )
    from ablate.summary.plan import as_json, as_text, make_plan
    from ablate.training.architectures import static_costs_of

    earlier = _earlier(loaded, out)
    paces, duration, scales = None, None, None
    slots = _slots_here(loaded, cpus) if probe else 1
    if probe:
        from ablate.summary.duration import estimate
        from ablate.training.probe import probe as time_steps

        paces = time_steps(loaded, data, slots=slots)
        duration = estimate(loaded, paces, slots=slots)
    if gpus is not None or (cpus is not None and not loaded.resources.gpu_share):
        scales = _scaling(loaded, paces, earlier, gpus=gpus or 0, cpus=cpus, gpus_per_node=gpus_per_node)
    made = make_plan(loaded, static_costs_of(loaded), earlier, duration, scales)
    typer.echo(as_json(made) if json else as_text(made, _arguments(study, changed, data, out)))


def _earlier(study: Study, out: Path) -> StudyResults | None:
    """What an earlier run of the study has found; None where there was none, or its trials answer another question."""
    from ablate.store.folder import StudyFolder
    from ablate.store.read import read_folder

    folder = StudyFolder((out / study.name).expanduser().absolute())
    if not folder.description.exists():
        return None
    try:
        folder.check(study)
    except StoreError as error:
        typer.echo(f"as it stands `ablate run` would refuse this:\n{error}\n", err=True)
        return None
    return read_folder(folder.path)


def _arguments(study: Path, changed: Sequence[str], data: Path, out: Path) -> str:
    """What `ablate run` is to be told, so that it runs what was planned."""
    words = [str(study), *(word for change in changed for word in ("--set", change))]
    if data != DEFAULT_DATA and str(data) != os.environ.get("ABLATE_DATA"):
        words += ["--data", str(data)]
    return shlex.join([*words, *(["--out", str(out)] if out != DEFAULT_OUT else [])])


def _slots_here(study: Study, cpus: int | None) -> int:
    """Trials that run at once on this machine, however large the cluster is that is planned for."""
    found = len(os.sched_getaffinity(0))
    slots = max(1, min(cpus or found, found) // study.resources.cpus)
    if not study.resources.gpu_share:
        return slots
    from ablate.engine.resources import Budget, local_gpus

    if not local_gpus():
        raise AblateError(
            f"--probe: a trial of {study.name} trains on a GPU (resources.gpus), and this machine has none\n"
            "  probe it where there is one, or plan without --probe"
        )
    return min(slots, Budget(found, local_gpus()).slots(study.resources))


def _scaling(
    study: Study,
    paces: Mapping[str, Pace] | None,
    earlier: StudyResults | None,
    *,
    gpus: int,
    cpus: int | None,
    gpus_per_node: int,
) -> Scaling:
    """What a cluster makes of a study, by a probe if there was one, else by the trials of an earlier run."""
    from ablate.summary.cluster import Cluster
    from ablate.summary.scaling import scaling
    from ablate.summary.trial_paces import probed, trained

    measured = trained(study, earlier) if paces is None else probed(study, paces)
    return scaling(study, measured, Cluster(gpus, cpus, gpus_per_node))
