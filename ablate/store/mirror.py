"""The mirror in MLflow: a parent run per study, a child run per trial, written by one background thread of the driver.

A trial that changed is marked; the thread brings its run up to date from what the memory holds. MLflow being slow or down
delays the mirror and nothing else: marks stay until they are worked off, at the latest by the next run of the study.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.store import curves
from ablate.store.environment import describe_environment
from ablate.store.folder import StudyFolder
from ablate.study.study import Study
from ablate.types import TrialResult

if TYPE_CHECKING:
    from mlflow import MlflowClient

STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED", "running": "RUNNING"}
LEAST_WAIT, MOST_WAIT = 0.5, 30.0
"""Seconds between two passes: the first while all goes well, doubled up to the second while MLflow does not answer."""


@dataclass
class _Run:
    """How far one trial's run has come."""

    run_id: str
    epochs: int = 0
    """Epochs that are logged."""
    ended: str = ""
    """Digest of the row that was logged as its end; empty while it runs."""


@dataclass
class _State:
    """What the mirror knows, kept in `mlflow.json`."""

    tracking_uri: str
    experiment_id: str = ""
    parent: str = ""
    status: str = ""
    """Of the parent run, as it was last ended."""
    runs: dict[str, _Run] = field(default_factory=dict)


class Mirror:
    """A watcher (see `engine.recorder.Watcher`); `rows` gives the current rows of the study."""

    def __init__(
        self,
        folder: StudyFolder,
        study: Study,
        *,
        tracking_uri: str,
        digest: str,
        row: Callable[[str], TrialResult],
        complain: Callable[[str], None],
    ) -> None:
        self.folder, self.study, self.digest = folder, study, digest
        self.row, self.complain = row, complain
        self.state = _read_state(folder, tracking_uri)
        self.marked: set[str] = set()
        self.lock = threading.Lock()
        self.working = threading.Lock()
        self.wake = threading.Event()
        self.closing = False
        self.fault = ""
        self.client: MlflowClient | None = None
        self.thread = threading.Thread(target=self._work, name="mlflow-mirror", daemon=True)

    def started(self, number: int) -> None:
        self.mark(f"{number:04d}")
        if not self.thread.is_alive() and not self.closing:
            self.thread.start()  # not before: importing mlflow takes seconds that the first trial should have

    def reported(self, number: int, report: dict[str, float]) -> None:
        self.mark(f"{number:04d}")

    def ended(self, result: TrialResult) -> None:
        self.mark(result.id)

    def mark(self, *ids: str) -> None:
        """These trials changed."""
        with self.lock:
            self.marked.update(ids)

    def close(self, ids: list[str], *, status: str, patience_seconds: float) -> None:
        """Bring all of `ids` up to date, end the parent run with `status`, and stop; gives up after some patience."""
        self.mark(*(id for id in ids if self._end_of(self.row(id)) != self.state.runs.get(id, _Run("")).ended))
        if not self.marked and not self.thread.is_alive() and self.state.status == status:
            return  # nothing has changed since the last run of the study
        self.final_status = status
        self.closing = True
        if not self.thread.is_alive():
            self.thread.start()
        self.wake.set()
        self.thread.join(patience_seconds)
        if self.thread.is_alive() or self.marked:
            why = self.fault or "it is slow"
            self.complain(
                f"MLflow at {self.state.tracking_uri} is not up to date ({why}); nothing is lost: the next `ablate run` of"
                " this study writes what is missing"
            )

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is written meanwhile."""
        with self.working:
            yield

    def _work(self) -> None:
        """The background thread: passes until closed and done."""
        wait = LEAST_WAIT
        while True:
            closing = self.closing
            try:
                with self.working:
                    self._pass()
                if closing:
                    self._end_parent()
                    return
                wait, self.fault = LEAST_WAIT, ""
            except Exception as error:  # noqa: BLE001  whatever a server does must not end the study; it is told at the end
                self.fault = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
                wait = min(MOST_WAIT, wait * 2)
            self.wake.wait(wait)
            if self.closing:
                self.wake.clear()

    def _pass(self) -> None:
        """Bring every marked trial up to date."""
        client = self._connect()
        with self.lock:
            batch, self.marked = sorted(self.marked), set()
        for position, id in enumerate(batch):
            try:
                self._update(client, id)
            except Exception:
                self.mark(*batch[position:])
                raise
        if batch:
            self._save()

    def _connect(self) -> MlflowClient:
        """The client, with experiment and parent run there."""
        if self.client is None:
            import mlflow

            logging.getLogger("mlflow").setLevel(logging.WARNING)
            logging.getLogger("alembic").setLevel(logging.WARNING)
            os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # we try again ourselves
            client = mlflow.MlflowClient(self.state.tracking_uri)
            _use_wal(self.state.tracking_uri)
            self._open_parent(client)
            self.client = client
        return self.client

    def _open_parent(self, client: MlflowClient) -> None:
        found = client.get_experiment_by_name(self.study.name)
        if found is None:
            local = self.state.tracking_uri.startswith("sqlite:")
            artifacts = (self.folder.path.parent / "mlflow-artifacts").as_uri() if local else None
            self.state.experiment_id = client.create_experiment(self.study.name, artifact_location=artifacts)
        else:
            self.state.experiment_id = found.experiment_id
        if not self.state.parent:
            tags = {
                "mlflow.runName": self.study.name,
                "mlflow.note.content": self.study.question,
                "ablate.study": self.study.name,
                "ablate.objective": f"{self.study.objective.metric} {self.study.objective.goal}",
                "ablate.folder": str(self.folder.path),
                "ablate.data_digest": self.digest,
                **{f"env.{name}": value for name, value in describe_environment().items()},
            }
            self.state.parent = client.create_run(self.state.experiment_id, tags=tags).info.run_id
            client.log_text(self.state.parent, self.study.text, "study.yaml")
            client.log_dict(self.state.parent, dict(self.study.resolved), "study.json")
            self._save()
        client.update_run(self.state.parent, status="RUNNING")
        self._log_data(client, self.state.parent)

    def _log_data(self, client: MlflowClient, run_id: str) -> None:
        """The data set's name and digest, so that runs on the same data can be told in the UI."""
        from mlflow.entities import Dataset, DatasetInput

        source = json.dumps(self.study.data.model_dump())
        dataset = Dataset(self.study.data.name, self.digest[:36], source_type="ablate", source=source)
        client.log_inputs(run_id, datasets=[DatasetInput(dataset)])

    def _update(self, client: MlflowClient, id: str) -> None:
        """Bring one trial's run up to date: its epochs, and its end if it has ended."""
        from mlflow.entities import Metric

        row = self.row(id)
        run = self.state.runs.get(id) or self._open_run(client, row)
        now = int(time.time() * 1000)
        reports = curves.read(self.folder.trial(id))
        fresh = [
            Metric(name, value, now, int(report["epoch"]))
            for report in reports[run.epochs :]
            for name, value in report.items()
            if name.startswith(("train/", "val/", "time/"))
        ]
        for start in range(0, len(fresh), 1000):  # 1,000: MLflow's limit for a batch
            client.log_batch(run.run_id, metrics=fresh[start : start + 1000])
        run.epochs = len(reports)
        end = self._end_of(row)
        if row.state != "running" and run.ended != end:
            final = [Metric(name, value, now, 0) for name, value in _final(row, reports).items()]
            client.log_batch(run.run_id, metrics=final)
            client.set_tag(run.run_id, "ablate.state", row.state)
            client.set_tag(run.run_id, "ablate.epochs", str(row.epochs))
            if row.reason:
                client.set_tag(run.run_id, "ablate.reason", row.reason[:5000])
            client.set_terminated(run.run_id, STATUS[row.state])
            run.ended = end

    def _open_run(self, client: MlflowClient, row: TrialResult) -> _Run:
        """The child run of a trial: the one that a killed driver created and did not note, or a new one."""
        query = f"tags.`mlflow.parentRunId` = '{self.state.parent}' and tags.`ablate.trial` = '{row.id}'"
        found = client.search_runs([self.state.experiment_id], query, max_results=1)
        if found:
            run = _Run(found[0].info.run_id)
        else:
            tags = {
                "mlflow.runName": f"{row.id} {row.arm}",
                "mlflow.parentRunId": self.state.parent,
                "ablate.study": self.study.name,
                "ablate.trial": row.id,
                "ablate.arm": row.arm,
                "ablate.seed": str(row.seed),
                "ablate.state": row.state,
                "ablate.data_digest": self.digest,
            }
            run = _Run(client.create_run(self.state.experiment_id, tags=tags).info.run_id)
            from mlflow.entities import Param

            params = [Param(name, str(value)) for name, value in {**row.params, "seed": row.seed}.items()]
            client.log_batch(run.run_id, params=params)
            self._log_data(client, run.run_id)
        self.state.runs[row.id] = run
        return run

    @staticmethod
    def _end_of(row: TrialResult) -> str:
        """What of a row is logged once it has ended; empty while it runs."""
        content = json.dumps([row.state, row.reason, dict(row.metrics), dict(row.cost)], sort_keys=True)
        return "" if row.state == "running" else hashlib.sha256(content.encode()).hexdigest()[:12]

    def _end_parent(self) -> None:
        client = self._connect()
        client.set_terminated(self.state.parent, self.final_status)
        self.state.status = self.final_status
        self._save()

    def _save(self) -> None:
        temporary = self.folder.mirror.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(self.state)))
        temporary.rename(self.folder.mirror)


def _final(row: TrialResult, reports: list[curves.Report]) -> dict[str, float]:
    """What is logged once: `best/...` of the best epoch, `model/...`, `cost/...`, `test/...`."""
    final = {f"best/{name.removeprefix('val/')}": v for name, v in row.metrics.items() if name.startswith("val/")}
    final |= {name: value for name, value in row.metrics.items() if name.startswith("test/")}
    final |= dict(row.cost)
    if reports:
        final["best/epoch"] = reports[-1]["best/epoch"]
    final |= {f"model/{n}": row.cost[f"cost/{n}"] for n in ("params", "flops") if f"cost/{n}" in row.cost}
    return final


def _read_state(folder: StudyFolder, tracking_uri: str) -> _State:
    """What an earlier run noted, if it wrote to the same place."""
    try:
        raw: Mapping[str, Any] = json.loads(folder.mirror.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return _State(tracking_uri)
    if raw["tracking_uri"] != tracking_uri:
        return _State(tracking_uri)
    runs = {id: _Run(**run) for id, run in raw["runs"].items()}
    return _State(tracking_uri, raw["experiment_id"], raw["parent"], raw["status"], runs)


def _use_wal(tracking_uri: str) -> None:
    """Readers of a local sqlite file (the UI) and our writer then do not wait for each other. The setting stays in the file."""
    if tracking_uri.startswith("sqlite:///"):
        path = Path(tracking_uri.removeprefix("sqlite:///"))
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
