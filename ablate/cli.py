"""The command line: arguments, printing, exit codes. What is slow to import is imported by the command that needs it.

Exit codes: 0 done; 1 the study ended but some trials failed; 2 refused before anything started; 130 interrupted, resumable.
"""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Optional

import typer

from ablate.errors import AblateError
from ablate.types import counted

app = typer.Typer(
    help="Which loss, backbone, sampler and optimizer give the best Siamese network on your data, and what it costs.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

StudyPath = Annotated[Path, typer.Argument(help="Study file, YAML.", metavar="STUDY.yaml")]
Overrides = Annotated[
    Optional[list[str]],
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the study file: --set search.trials=40."),
]
Trials = Annotated[Optional[int], typer.Option(help="Same as --set search.trials=N.")]
Seed = Annotated[Optional[int], typer.Option(help="Same as --set seed=N.")]
DataDir = Annotated[
    Path, typer.Option(envvar="ABLATE_DATA", help="Folder of the data sets, in torchvision's layout.", metavar="DIR")
]
OutDir = Annotated[Path, typer.Option(help="Folder of the studies; one folder in it per study.", metavar="DIR")]
TrackingUri = Annotated[
    Optional[str], typer.Option(help="MLflow's tracking URI; by default a sqlite file in --out.", metavar="URI")
]
DEFAULT_DATA = Path("~/.cache/ablate")
DEFAULT_OUT = Path("runs")


def _overrides(given: list[str] | None, trials: int | None, seed: int | None) -> list[str]:
    extra = [f"search.trials={trials}"] if trials is not None else []
    return [*(given or []), *extra, *([f"seed={seed}"] if seed is not None else [])]


@app.command(epilog="Example: ablate run search_spaces/quickstart.yaml --cpus 2")
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

    loaded = load_study(study, _overrides(set_, trials, seed))
    from ablate.engine.options import Options
    from ablate.engine.run import run_study

    options = Options(data, out, tracking_uri, cpus, gpus, address, fresh, reuse, yes, quiet, _report)
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


def _report(folder: Path) -> dict[str, str]:
    """The summary of a study, for its run in MLflow."""
    from ablate.store.read import read_folder
    from ablate.summary.pareto import pareto_front
    from ablate.summary.render import render

    found = read_folder(folder)
    front = pareto_front(found)
    return {"summary.md": render(found, front, "md"), "summary.json": render(found, front, "json")}


@app.command(epilog="Example: ablate plan search_spaces/quickstart.yaml")
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

    loaded = load_study(study, _overrides(set_, trials, seed))
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


@app.command(epilog="Example: ablate summarize runs/quickstart --format md --output quickstart.md")
def summarize(
    study: Annotated[
        Optional[Path], typer.Argument(help="Folder of a study or its YAML; default: the newest in runs/.")
    ] = None,
    pareto: Annotated[
        Optional[str], typer.Option(help="Metric and costs: val/recall_at_1,cost/flops.", metavar="METRIC,COST")
    ] = None,
    importance: Annotated[
        bool, typer.Option("--importance", help="Of a search: which parameters mattered (fANOVA, PED-ANOVA).")
    ] = False,
    format: Annotated[str, typer.Option(help="table, md, csv, json or latex.")] = "table",
    output: Annotated[Optional[Path], typer.Option(help="Write to this file.", metavar="FILE")] = None,
    out: OutDir = DEFAULT_OUT,
    tracking_uri: TrackingUri = None,
    experiment: Annotated[
        Optional[str], typer.Option(help="Read this MLflow experiment instead of a folder.", metavar="NAME")
    ] = None,
) -> None:
    """Best trials and the Pareto front of accuracy against cost."""
    from ablate.store.read import read_folder, read_mlflow
    from ablate.summary.pareto import pareto_front
    from ablate.summary.render import FORMATS, render

    if format not in FORMATS:
        raise AblateError(f"--format {format} is not known\n  write one of: {', '.join(FORMATS)}")
    if (study is not None and experiment is not None) or (tracking_uri is not None and experiment is None):
        raise AblateError("a study is read from its folder, or with --experiment from MLflow\n  give one of the two")
    if experiment is not None:
        found = read_mlflow(_store_uri(tracking_uri, out), experiment)
    else:
        found = read_folder(_study_folder(study, out))
    if importance:
        from ablate.store.importance import LEAST_TRIALS, importances

        found = replace(found, importance=importances(found.folder)) if found.folder is not None else found
        if not found.importance:
            typer.echo(
                f"no importance: it takes {LEAST_TRIALS} complete trials of a search, read from its folder", err=True
            )
    metric, *costs = pareto.split(",") if pareto else [None]
    text = render(found, pareto_front(found, metric, [cost for cost in costs if cost]), format)
    if output is None:
        typer.echo(text, nl=False)
    else:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise AblateError(
                f"--output {output} cannot be written ({why})\n  name a file in a folder that is there"
            ) from None
        typer.echo(f"written to {output}", err=True)


@app.command(epilog="Example: ablate compare runs/faces runs/faces-wide")
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


def _store_uri(tracking_uri: str | None, out: Path) -> str:
    """MLflow's store to read: the one that is named, or the sqlite file that runs in `out` write."""
    from ablate.store.tracking import check_tracking_uri

    database = (out / "mlflow.db").absolute()
    if tracking_uri is None and not database.exists():
        raise AblateError(f"{database} is not there\n  `ablate run` writes it; --out names another folder")
    uri = tracking_uri or f"sqlite:///{database}"
    check_tracking_uri(uri, to_read=True)
    return uri


def _study_folder(study: Path | None, out: Path) -> Path:
    """A folder as it is given, that of a study file, or the newest there is."""
    if study is None:
        found = sorted(out.glob("*/journal.log"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise AblateError(f"there is no study in {out}\n  run one: ablate run search_spaces/quickstart.yaml")
        return found[-1].parent
    if study.suffix in (".yaml", ".yml"):
        from ablate.study.load import load_study

        return out / load_study(study).name
    return study


@app.command("list", epilog="Example: ablate list losses")
def list_(
    kind: Annotated[
        Optional[str],
        typer.Argument(
            help="losses, samplers, backbones, optimizers, schedules, augmentations, datasets, metrics or costs."
        ),
    ] = None,
) -> None:
    """What can be named in a study file: parameters, default search spaces, sources."""
    from ablate.study.keys import near
    from ablate.summary.catalogue import KINDS, as_text

    if kind is not None and kind not in KINDS:
        raise AblateError(f"there is no list of '{kind}'\n  {near(kind, list(KINDS))}")
    typer.echo("\n\n".join(as_text(name) for name in ([kind] if kind else KINDS)))


@app.command(epilog="Example: ablate schema > search_spaces/study.schema.json")
def schema() -> None:
    """The JSON schema of study files, for editors."""
    import json

    from ablate.study.json_schema import study_json_schema

    typer.echo(json.dumps(study_json_schema(), indent=1))


@app.command(epilog="Example: ablate ui --port 5001")
def ui(
    out: OutDir = DEFAULT_OUT,
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 5000,
    tracking_uri: TrackingUri = None,
) -> None:
    """Open the MLflow UI on the studies' store; Ctrl-C ends it."""
    uri = _store_uri(tracking_uri, out)
    if uri.startswith(("http:", "https:")):
        raise AblateError(f"--tracking-uri {uri} is a server with a UI of its own\n  open that address in a browser")
    _check_free(port)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")  # eight processes that studies have no use for
    typer.echo(f"MLflow UI on http://127.0.0.1:{port}, comes up in some seconds (Ctrl-C ends it)", err=True)
    words = ["ui", "--backend-store-uri", uri, "--port", str(port), "--workers", "1"]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", *words])


def _check_free(port: int) -> None:
    """Raise AblateError where nothing can listen on `port`: MLflow would say so late, and at length."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise AblateError(
            f"--port {port} cannot be had ({os.strerror(error.errno or 0).lower()})\n  name another, as in --port {port + 1}"
        ) from None


def main() -> None:
    """Entry point: a user's mistake becomes one message and exit code 2."""
    try:
        app()
    except AblateError as error:
        typer.echo(str(error), err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
