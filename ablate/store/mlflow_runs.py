"""A study's runs in MLflow: a parent run, and a child run per trial. Every call may be repeated after it failed halfway.

`mlflow.json` remembers how far each run is written. Where that is not to be trusted (a driver was killed, a call failed), the
server is asked which runs there are, so none is created twice; points carry times that depend on the trial alone, and MLflow
keeps one of equal points.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from ablate.store import curves
from ablate.store.drivers import Driver
from ablate.store.environment import describe_environment
from ablate.store.folder import StudyFolder
from ablate.store.local_store import is_whole, prepare_local_store
from ablate.store.mlflow_client import attach, children, use_wal
from ablate.store.mlflow_points import end_of, final_of, time_of
from ablate.store.mlflow_state import MirrorState, RunState, read_state, row_digest, write_state
from ablate.study.study import Study
from ablate.types import TrialResult

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, Run, RunTag

STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
CONTINUED = "continued"
"""State, in MLflow only, of a trial that a longer one continues."""
DESIGN = "ablation.json"
"""Artifact of an ablation's parent run: its design."""
LOGGED = ("train/", "val/", "time/")
"""What of a report is logged for each epoch; costs are logged once."""


class MlflowRuns:
    """All of it blocks; MLflow is imported by the first `connect`.

    `digest` is of the study's data as it is meant; `split` tells what the trials of a seed see of it, `digest` among it.
    """

    def __init__(
        self,
        folder: StudyFolder,
        study: Study,
        *,
        tracking_uri: str,
        digest: str,
        split: Callable[[int], Mapping[str, object]],
        tell: Callable[[str], None] = print,
        driver: Driver,
    ) -> None:
        self.tell, self.driver = tell, driver
        self.folder, self.study, self.digest = folder, study, digest
        self.split = lru_cache(maxsize=None)(split)
        self.splits_told: set[int] = set()
        """Seeds whose split the parent run has."""
        self.tracking_uri = tracking_uri
        whole = is_whole(tracking_uri)
        remembers = whole and not driver.shares  # what several have written only the server knows
        self.state = read_state(folder, tracking_uri) if remembers else MirrorState(tracking_uri, folder.key)
        self.client: MlflowClient | None = None
        self.experiment = ""

    @property
    def status(self) -> str:
        """Of the parent run, as it was last ended."""
        return self.state.status

    def is_current(self, row: TrialResult) -> bool:
        """Whether all of a row has been written."""
        run = self.state.runs.get(row.id)
        return run is not None and run.ended == row_digest(row)

    def connect(self) -> None:
        """Find the study's runs, or create its parent run; nothing where that is done."""
        if self.client is not None:
            return
        import mlflow

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # we try again ourselves
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
        prepare_local_store(self.tracking_uri, self.tell)
        client = mlflow.MlflowClient(self.tracking_uri)
        use_wal(self.tracking_uri)
        with self.driver.turn("mlflow"):  # or there would be two parent runs
            self.experiment = self._experiment(client)
            self._open_parent(client)
        self.client = client

    def disconnect(self) -> None:
        """After a call failed: what the server has done of it is not known."""
        self.client = None
        self.state.status = ""

    def update(self, row: TrialResult, *, begin_ms: int) -> None:
        """Bring the run of one trial up to date: its epochs, and its end if it has ended; it began at `begin_ms`."""
        from mlflow.entities import Metric, RunTag

        client = self._connected()
        run = self.state.runs.get(row.id) or self._create(client, row, begin_ms)
        reports, offset = curves.read_from(self.folder.trial(row.id), run.offset)
        metrics = [
            Metric(name, value, time_of(run, report), int(report["epoch"]))
            for report in reports
            for name, value in report.items()
            if name.startswith(LOGGED)
        ]
        ends = row.state in STATUS and run.ended != row_digest(row)
        tags = {"ablate.state": row.state, "ablate.epochs": str(row.epochs)} if ends else {}
        if ends:
            every, now = curves.read(self.folder.trial(row.id)), int(1000 * time.time())
            # Now, not at its end: of two values with one time MLflow shows the larger, also where it was measured anew.
            metrics += [Metric(name, value, now, 0) for name, value in final_of(row, every).items()]
            tags |= {"ablate.reason": row.reason[:5000]} if row.reason else {}
            tags |= {"ablate.reused": row.reused} if row.reused else {}
        self._log(client, run, row, metrics, [RunTag(name, text) for name, text in tags.items()])
        if ends:
            client.set_terminated(run.run_id, STATUS[row.state], end_time=end_of(run, row))
            run.ended = row_digest(row)
        run.offset = offset

    def end(self, status: str, ids: set[str], files: Mapping[str, str | bytes]) -> None:
        """End the parent run and attach `files`; trials that are not among `ids` are shown no longer.

        trials/0007/x goes to the run of that trial, as x.
        """
        client = self._connected()
        for run_id, own in self._by_run(files).items():
            attach(client, run_id, own)
        for id, run in self.state.runs.items():
            if id not in ids:
                client.set_tag(run.run_id, "ablate.state", CONTINUED)
        if status == "RUNNING":  # other drivers still write to it
            client.update_run(self.state.parent, status=status)
        else:
            client.set_terminated(self.state.parent, status)
        self.state.status = status
        self.save()

    def _by_run(self, files: Mapping[str, str | bytes]) -> dict[str, dict[str, str | bytes]]:
        found: dict[str, dict[str, str | bytes]] = {}
        for name, content in files.items():
            folder, _, rest = name.partition("/")
            id, _, inner = rest.partition("/")
            of_trial = folder == "trials" and id in self.state.runs
            run_id, path = (self.state.runs[id].run_id, inner) if of_trial else (self.state.parent, name)
            found.setdefault(run_id, {})[path] = content
        return found

    def save(self) -> None:
        """Remember how far everything is written."""
        if not self.driver.shares:
            write_state(self.folder, self.state)

    def _connected(self) -> MlflowClient:
        assert self.client is not None, "connect() comes first"
        return self.client

    def _experiment(self, client: MlflowClient) -> str:
        found = client.get_experiment_by_name(self.study.name)
        if found is not None:
            return str(found.experiment_id)
        local = self.tracking_uri.startswith("sqlite:")
        artifacts = (self.folder.path.parent / "mlflow-artifacts").as_uri() if local else None
        return str(client.create_experiment(self.study.name, artifact_location=artifacts))

    def _open_parent(self, client: MlflowClient) -> None:
        """Find or create the parent run, and write down what its study now is and where it runs."""
        tags = {
            "mlflow.runName": self.study.name,
            "mlflow.note.content": self.study.question,
            "ablate.study": self.study.name,
            "ablate.key": self.state.key,
            "ablate.objective": f"{self.study.objective.metric} {self.study.objective.goal}",
            **self._objectives(),
            "ablate.folder": str(self.folder.path),
            "ablate.data_digest": self.digest,
            **{f"env.{name}": value for name, value in describe_environment().items()},
        }
        found = self._first(client, f"tags.`ablate.key` = '{self.state.key}'")
        parent = str(found.info.run_id if found else client.create_run(self.experiment, tags=tags).info.run_id)
        if self.state.parent != parent:
            self.state.runs = {}  # those of another server, or of one that was emptied
            self.splits_told.clear()
        self.state.parent = parent
        if found is not None and not self.state.status:
            self._find_children(client)
        self.state.status = ""
        self.save()
        client.update_run(parent, status="RUNNING")
        for name, text in tags.items():
            client.set_tag(parent, name, text)
        client.log_text(parent, self.study.text, "study.yaml")
        client.log_dict(parent, dict(self.study.resolved), "study.json")
        if self.study.ablation is not None:
            client.log_dict(parent, self.study.ablation.to_dict(), DESIGN)
        self._log_data(client, parent, self.digest)

    def _objectives(self) -> dict[str, str]:
        """All of them, where there are several."""
        named = ", ".join(f"{each.metric} {each.goal}" for each in self.study.objectives)
        return {"ablate.objectives": named} if len(self.study.objectives) > 1 else {}

    def _first(self, client: MlflowClient, query: str) -> Run | None:
        return next(iter(client.search_runs([self.experiment], query, max_results=1, order_by=["start_time"])), None)

    def _find_children(self, client: MlflowClient) -> None:
        """The runs that the server has count, not those that were remembered."""
        remembered, self.state.runs = self.state.runs, {}
        for run in children(client, self.experiment, self.state.parent):
            id = run.data.tags["ablate.trial"]
            known = remembered.get(id)
            same = known is not None and known.run_id == run.info.run_id
            self.state.runs[id] = known if known and same else RunState(run.info.run_id, run.info.start_time)

    def _create(self, client: MlflowClient, row: TrialResult, begin_ms: int) -> RunState:
        if self.driver.shares:
            own = f"tags.`ablate.trial` = '{row.id}' and tags.`mlflow.parentRunId` = '{self.state.parent}'"
            found = self._first(client, own)  # another driver may have begun it
            if found is not None:
                known = self.state.runs[row.id] = RunState(found.info.run_id, found.info.start_time)
                return known
        tags = {
            "mlflow.runName": f"{row.id} {row.arm}",
            "mlflow.parentRunId": self.state.parent,
            "ablate.study": self.study.name,
            "ablate.trial": row.id,
            "ablate.arm": row.arm,
            "ablate.seed": str(row.seed),
            "ablate.state": row.state,
            "ablate.phase": row.phase,
            "ablate.data_digest": str(self.split(row.seed)["digest"]),
            **self._levels(row.arm),
        }
        info = client.create_run(self.experiment, start_time=begin_ms, tags=tags).info
        run = self.state.runs[row.id] = RunState(info.run_id, info.start_time)
        return run

    def _levels(self, arm: str) -> dict[str, str]:
        """The level of each factor, as tags of their own: the UI groups and filters by them."""
        arms = self.study.ablation.arms if self.study.ablation is not None else ()
        return {
            f"factor.{name}": str(level) for each in arms if each.name == arm for name, level in each.levels.items()
        }

    def _log(
        self, client: MlflowClient, run: RunState, row: TrialResult, metrics: list[Metric], tags: list[RunTag]
    ) -> None:
        """In as few calls as MLflow's limits allow: 1,000 metrics, 100 parameters."""
        from mlflow.entities import Param

        params: list[Param] = []
        if not run.noted:
            params = [Param(name, str(value)) for name, value in {**row.params, "seed": row.seed}.items()]
            self._log_data(client, run.run_id, str(self.split(row.seed)["digest"]))
            self._tell_split(client, row.seed)
        for start in range(
            0, max(len(metrics), 1), 850
        ):  # 850: metrics, parameters and tags are 1,000 at most together
            last = start + 850 >= len(metrics)
            if metrics or params or tags:
                client.log_batch(run.run_id, metrics[start : start + 850], params, tags if last else [])
            params = []
        run.noted = True

    def _tell_split(self, client: MlflowClient, seed: int) -> None:
        """Once for each seed, which classes its trials train on, choose by and are judged by: splits/seed-0.json."""
        if seed not in self.splits_told:
            attach(client, self.state.parent, {f"splits/seed-{seed}.json": json.dumps(self.split(seed), indent=1)})
            self.splits_told.add(seed)

    def _log_data(self, client: MlflowClient, run_id: str, digest: str) -> None:
        """The data set's name and digest, so that runs on the same data and split can be told in the UI."""
        from mlflow.entities import Dataset, DatasetInput

        source = json.dumps(self.study.data.model_dump())
        dataset = Dataset(self.study.data.name, digest[:36], source_type="ablate", source=source)
        client.log_inputs(run_id, datasets=[DatasetInput(dataset)])
