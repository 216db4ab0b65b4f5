"""Read a study without touching it: also while it runs, and by a process that is not its driver."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.errors import StoreError
from ablate.store.design import Design, design_of
from ablate.store.folder import StudyFolder
from ablate.store.tracking import cause, check_tracking_uri, why_not_read
from ablate.study.study import Objective
from ablate.types import TrialResult

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from ablate.store.asked import Asked
    from ablate.store.importance import Importance


@dataclass(frozen=True)
class StudyResults:
    """A study's rows."""

    study: str
    question: str
    objective: Objective
    trials: list[TrialResult]
    design: Design | None = None
    """Of an ablation; None for a search."""
    folder: Path | None = None
    """Where it was read from; None for an MLflow experiment."""
    importance: Sequence[Importance] = ()
    """Of a search's parameters, where it was asked for."""
    meaning: Mapping[str, str] = field(default_factory=dict)
    """What its numbers mean: data, split, resources, epochs; empty where it was read from MLflow."""
    weighed: tuple[Objective, ...] = ()
    """The objectives, where a search weighs several; `objective` is the first of them."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Versions, machine and commit of the last run (`describe_environment`); empty for a study from before it was kept."""
    resolved: Mapping[str, Any] = field(default_factory=dict)
    """The study file with `--set` applied; empty where it was read from MLflow."""
    notes: tuple[str, ...] = ()
    """What is to be known of its data, a sentence each; none of a study from before they were kept, or from MLflow."""
    driven: bool = True
    """Whether a driver runs it now; where none does, trials whose state is "running" were left unfinished."""

    @property
    def judging(self) -> list[TrialResult]:
        """The trials that answer its question: of a search all, of an ablation those of an arm and a seed that it still has."""
        if (design := self.design) is None:
            return self.trials
        finals = (row for row in self.trials if row.phase == "final")
        return [row for row in finals if row.arm in design.arms and row.seed in design.seeds]

    @property
    def best(self) -> TrialResult | None:
        """What `show` and `export` take for the study's best (`rows.best_of`); None without a complete trial."""
        from ablate.store.rows import best_of

        return best_of(self.judging, self.weighed or (self.objective,))


def read_folder(path: Path) -> StudyResults:
    """The study in a folder. Raises StoreError where there is none."""
    folder = StudyFolder(path.expanduser().absolute())
    if not folder.description.exists():
        near = sorted(p.parent.name for p in folder.path.parent.glob("*/study.json"))
        known = f"studies there: {', '.join(near)}" if near else "`ablate run STUDY.yaml` makes one"
        raise StoreError(f"{path} holds no study\n  {known}")
    import optuna

    from ablate.store.rows import known_trials, result_of
    from ablate.store.storage import name_in_storage, open_to_read

    description = json.loads(folder.description.read_text())
    objective, design = Objective(**description["objective"]), design_of(description.get("ablation"))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        name = name_in_storage(folder, description["study"])
        study = optuna.load_study(study_name=name, storage=open_to_read(folder))
    except KeyError:
        return StudyResults(
            description["study"], description["question"], objective, [], design
        )  # it is just being made
    several = description.get("objectives", [])  # a study from before there could be several names none
    weighed = tuple(Objective(**each) for each in several) if len(several) > 1 else ()
    latency, tests = study.user_attrs.get("latency", {}), study.user_attrs.get("test", {})
    trials = known_trials(study.get_trials(deepcopy=False))
    rows = [result_of(trial, folder, objective, latency, tests) for trial in trials]
    question = description["question"]
    return StudyResults(
        description["study"],
        question,
        objective,
        rows,
        design,
        folder.path,
        meaning=description.get("meaning", {}),
        weighed=weighed,
        environment=description.get("environment", {}),
        resolved=description.get("resolved", {}),
        notes=tuple(description.get("notes", ())),
        driven=folder.driven,
    )


def read_asked(path: Path, id: str) -> Asked:
    """What a trial of the study in a folder was to train; the trial is among the study's."""
    import optuna

    from ablate.store.asked import asked_of
    from ablate.store.storage import name_in_storage, open_to_read

    folder = StudyFolder(path.expanduser().absolute())
    name = name_in_storage(folder, json.loads(folder.description.read_text())["study"])
    study = optuna.load_study(study_name=name, storage=open_to_read(folder))
    return asked_of(next(trial for trial in study.get_trials(deepcopy=False) if trial.number == int(id)))


def read_mlflow(tracking_uri: str, experiment: str) -> StudyResults:
    """The same rows from an MLflow experiment that a study was mirrored to.

    Raises StoreError where it is not there, and within seconds where MLflow does not answer.
    """
    check_tracking_uri(tracking_uri, to_read=True)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "4")  # seconds, of each try; somebody waits
    try:
        return _read_mlflow(tracking_uri, experiment)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001  MLflow's, SQLAlchemy's, a driver's: whatever answers there
        raise StoreError(
            f"--tracking-uri {tracking_uri}: MLflow cannot be read ({cause(error)})\n  {why_not_read(tracking_uri)}"
        ) from None


def _read_mlflow(tracking_uri: str, experiment: str) -> StudyResults:
    import mlflow

    from ablate.store.mlflow_client import children
    from ablate.store.mlflow_runs import CONTINUED

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)  # what they warn of is told once, in our words
    client = mlflow.MlflowClient(tracking_uri)
    found = client.get_experiment_by_name(experiment)
    if found is None:
        names = ", ".join(e.name for e in client.search_experiments())
        raise StoreError(f"--experiment {experiment}: {tracking_uri} has no such experiment\n  it has: {names}")
    parents = client.search_runs(
        [found.experiment_id], "tags.`ablate.objective` != ''", max_results=1, order_by=["start_time DESC"]
    )
    if not parents:
        raise StoreError(
            f"--experiment {experiment}: no study of ablate is mirrored there\n  name the study's experiment"
        )
    parent = parents[0]
    metric, goal = parent.data.tags["ablate.objective"].split()
    runs = children(client, found.experiment_id, parent.info.run_id)
    rows = [
        _row_of(run.data.tags, run.data.params, run.data.metrics)
        for run in runs
        if run.data.tags["ablate.state"] != CONTINUED
    ]
    question = parent.data.tags.get("mlflow.note.content", "")
    rows.sort(key=lambda row: int(row.id))
    design, driven = _design_in(client, parent.info.run_id), parent.info.status == "RUNNING"
    tags = parent.data.tags
    several = [Objective(*words.split()) for words in tags.get("ablate.objectives", "").split(", ") if words]
    return StudyResults(
        experiment,
        question,
        Objective(metric, goal),
        rows,
        design,
        weighed=tuple(several),
        environment={name.removeprefix("env."): text for name, text in tags.items() if name.startswith("env.")},
        driven=driven,
    )


def _design_in(client: MlflowClient, parent: str) -> Design | None:
    """The design of an ablation, from an artifact of its parent run."""
    from ablate.store.mlflow_runs import DESIGN

    if all(file.path != DESIGN for file in client.list_artifacts(parent)):
        return None
    return design_of(json.loads(Path(client.download_artifacts(parent, DESIGN)).read_text()))


def _row_of(tags: dict[str, str], params: dict[str, str], metrics: dict[str, float]) -> TrialResult:
    """A child run as a row; MLflow keeps parameters as text, numbers are read back."""
    best = {
        f"val/{n.removeprefix('best/')}": v for n, v in metrics.items() if n.startswith("best/") and n != "best/epoch"
    }
    return TrialResult(
        id=tags["ablate.trial"],
        state=tags["ablate.state"],
        reason=tags.get("ablate.reason"),
        seed=int(tags["ablate.seed"]),
        arm=tags["ablate.arm"],
        params={name: _scalar(text) for name, text in params.items() if name != "seed"},
        metrics=best | {name: value for name, value in metrics.items() if name.startswith("test/")},
        cost={name: value for name, value in metrics.items() if name.startswith("cost/")},
        epochs=int(tags.get("ablate.epochs", 0)),
        phase=tags.get("ablate.phase", "search"),
        reused=tags.get("ablate.reused"),
    )


def _scalar(text: str) -> bool | int | float | str:
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
