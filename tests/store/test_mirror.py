"""The mirror against real MLflow stores: what is there, what is there once, and a server that is not there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from ablate.store import mirror as mirror_module
from ablate.store import mlflow_runs
from ablate.store.memory import Memory
from ablate.store.mirror import Mirror
from ablate.store.mlflow_runs import MlflowRuns
from ablate.types import TrialResult
from tests.store.studies import new, open_memory, report, run_to_the_end, train

DIGEST = "0123456789abcdef" * 4
PATIENCE = 120.0

pytestmark = pytest.mark.filterwarnings("ignore::Warning:(mlflow|alembic|sqlalchemy)")


def split_of(seed: int) -> dict[str, object]:
    """What the engine tells of a seed's split."""
    return {"digest": f"split-of-seed-{seed}", "seed": seed, "train": {"classes": [seed, seed + 1]}}


def mirror_of(memory: Memory, notes: list[str], tracking_uri: str) -> Mirror:
    return Mirror(
        memory.folder,
        memory.study,
        tracking_uri=tracking_uri,
        digest=DIGEST,
        split=split_of,
        row=memory.result,
        begun=memory.begun,
        complain=notes.append,
        driver=memory.driver,
    )


def close(memory: Memory, tracking_uri: str, *, status: str = "FINISHED") -> None:
    """A whole run of the mirror that must succeed."""
    notes: list[str] = []
    mirror = mirror_of(memory, notes, tracking_uri)
    mirror.close([row.id for row in memory.results()], status=status, patience_seconds=PATIENCE)
    assert notes == []


def runs_of(tracking_uri: str) -> tuple[MlflowClient, Run, dict[str, Run]]:
    """The client, the only parent run, and its only run for each trial."""
    client = MlflowClient(tracking_uri)
    experiment = client.get_experiment_by_name("made-up")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL, max_results=1000)
    parents = [run for run in found if "ablate.key" in run.data.tags]
    trials = [run.data.tags["ablate.trial"] for run in found if run not in parents]
    assert len(parents) == 1
    assert len(set(trials)) == len(trials) == len(found) - 1
    return client, parents[0], {run.data.tags["ablate.trial"]: run for run in found if run not in parents}


def history(client: MlflowClient, run: Run, metric: str) -> list[tuple[int, float]]:
    return sorted((point.step, point.value) for point in client.get_metric_history(run.info.run_id, metric))


def test_every_trial_is_there_with_parameters_curves_ends_tags_and_data(tmp_path: Path, store: str) -> None:
    memory = open_memory(tmp_path / "study")
    rows = run_to_the_end(memory)
    close(memory, store)
    client, parent, runs = runs_of(store)
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["env.version.mlflow"]
    assert parent.data.tags["mlflow.note.content"] == memory.study.question
    assert {file.path for file in client.list_artifacts(parent.info.run_id)} == {"study.yaml", "study.json", "splits"}
    kept = client.download_artifacts(parent.info.run_id, "splits/seed-0.json", str(tmp_path))
    assert json.loads(Path(kept).read_text()) == split_of(0)
    assert parent.data.tags["ablate.data_digest"] == DIGEST
    assert set(runs) == {row.id for row in rows}
    for row in rows:
        run = runs[row.id]
        assert run.info.status == {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}[row.state]
        assert run.info.start_time == memory.begun(row.id)  # when it was trained, not when it was written
        assert run.info.end_time - run.info.start_time <= 1000 * row.cost.get("cost/seconds", 0.0)
        assert run.data.params == {name: str(value) for name, value in {**row.params, "seed": 0}.items()}
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert (run.data.tags["ablate.state"], run.data.tags["ablate.arm"]) == (row.state, row.arm)
        assert run.data.tags.get("ablate.reason") == row.reason
        assert run.inputs is not None
        data = run.inputs.dataset_inputs[0].dataset
        assert (data.name, data.digest) == ("digits", "split-of-seed-0")
        assert run.data.tags["ablate.data_digest"] == "split-of-seed-0"
        curve = memory.curves().get(int(row.id), {})
        assert history(client, run, "val/recall_at_1") == sorted(curve.items())
        for name, value in row.cost.items():
            assert history(client, run, name) == [(0, value)]
        if row.metrics:
            assert run.data.metrics["best/recall_at_1"] == row.metrics["val/recall_at_1"]
            assert run.data.metrics["model/params"] == 1e3


def test_what_is_written_while_trials_run_is_written_once(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "LEAST_WAIT", 0.01)
    memory, notes = open_memory(tmp_path / "study"), list[str]()
    mirror = mirror_of(memory, notes, store)
    asked = new(memory)
    mirror.started(asked.number)
    for epoch in range(1, 31):
        told = report(epoch, epoch / 100)
        memory.report(asked.number, told)
        mirror.reported(asked.number, told)
        time.sleep(0.2 if epoch < 3 else 0.01)
    mirror.ended(memory.finish(asked.number, "complete"))
    mirror.close([asked.id], status="FINISHED", patience_seconds=PATIENCE)
    assert notes == []
    client, _, runs = runs_of(store)
    assert history(client, runs["0000"], "val/recall_at_1") == [(epoch, epoch / 100) for epoch in range(1, 31)]


def test_a_lost_note_makes_no_run_and_no_point_twice(tmp_path: Path, store: str) -> None:
    memory = open_memory(tmp_path / "study")
    run_to_the_end(memory)
    close(memory, store)
    _, _, before = runs_of(store)
    memory.folder.mirror.unlink()
    close(memory, store)
    client, _, after = runs_of(store)
    assert {id: run.info.run_id for id, run in after.items()} == {id: run.info.run_id for id, run in before.items()}
    for id, curve in memory.curves().items():
        assert history(client, after[f"{id:04d}"], "val/recall_at_1") == sorted(curve.items())


@pytest.mark.parametrize("call", ["create_run", "log_batch", "log_inputs", "set_terminated", "log_text"])
def test_a_call_that_fails_after_the_server_obeyed_is_mended_by_the_next_run(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    memory = open_memory(tmp_path / "study")
    run_to_the_end(memory)
    original, calls = getattr(MlflowClient, call), [0]

    def obeys_and_dies(self: MlflowClient, *args: object, **more: object) -> object:
        done = original(self, *args, **more)
        calls[0] += 1
        if calls[0] % 3 == 1:
            raise ConnectionError("the answer was lost")
        return done

    rows = memory.results()
    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, call, obeys_and_dies)
        for _ in range(3):
            runs = MlflowRuns(
                memory.folder, memory.study, tracking_uri=store, digest=DIGEST, split=split_of, driver=memory.driver
            )
            with suppress(ConnectionError):
                _write(runs, memory, rows)
    assert calls[0] >= 3
    close(memory, store)
    client, parent, found = runs_of(store)
    assert parent.info.status == "FINISHED"
    for row in rows:
        assert found[row.id].data.params == {name: str(value) for name, value in {**row.params, "seed": 0}.items()}
        inputs = found[row.id].inputs
        assert inputs is not None and len(inputs.dataset_inputs) == 1
        curve = memory.curves().get(int(row.id), {})
        assert history(client, found[row.id], "val/recall_at_1") == sorted(curve.items())


def _write(runs: MlflowRuns, memory: Memory, rows: list[TrialResult]) -> None:
    runs.connect()
    for row in rows:
        runs.update(row, begin_ms=memory.begun(row.id))
    runs.end("FINISHED", {row.id for row in rows}, {})


def test_a_study_that_goes_on_writes_only_what_changed(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = open_memory(tmp_path / "study")
    rows = run_to_the_end(memory)
    close(memory, store)
    written: list[str] = []
    update = MlflowRuns.update

    def noted(self: MlflowRuns, row: TrialResult, *, begin_ms: int) -> None:
        written.append(row.id)
        update(self, row, begin_ms=begin_ms)

    monkeypatch.setattr(MlflowRuns, "update", noted)
    close(memory, store)
    assert written == []
    memory.measured.note(latency={}, tests={rows[0].id: {"test/recall_at_1": 0.4}})
    close(memory, store)
    assert written == [rows[0].id]
    _, _, runs = runs_of(store)
    assert runs[rows[0].id].data.metrics["test/recall_at_1"] == 0.4


def test_runs_that_somebody_deleted_are_written_again(tmp_path: Path, store: str, empty_store: Path) -> None:
    memory = open_memory(tmp_path / "study")
    run_to_the_end(memory)
    close(memory, store)
    for file in tmp_path.glob("mlflow.db*"):
        file.unlink()
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    memory.measured.note(latency={}, tests={"0000": {"test/recall_at_1": 0.4}})
    close(memory, store)
    _, _, runs = runs_of(store)
    assert "0000" in runs


def test_a_trial_that_a_longer_one_continues_is_said_to_be(tmp_path: Path, store: str) -> None:
    memory = open_memory(tmp_path / "study")
    rows = run_to_the_end(memory)
    close(memory, store)
    longer = open_memory(tmp_path / "study", "space.epochs=6")
    for asked in longer.unfinished():
        train(longer, asked, 0.8, 0.9, begin=5)
        longer.finish(asked.number, "complete")
    close(longer, store)
    _, _, runs = runs_of(store)
    for row in rows:
        state = mlflow_runs.CONTINUED if row.state == "complete" else row.state
        assert runs[row.id].data.tags["ablate.state"] == state


def test_a_server_that_is_down_costs_patience_and_one_note(tmp_path: Path) -> None:
    memory, notes = open_memory(tmp_path / "study"), list[str]()
    mirror = mirror_of(memory, notes, f"http://127.0.0.1:{_free_port()}")
    asked = new(memory)
    begin = time.monotonic()
    mirror.started(asked.number)
    train(memory, asked, 0.5)
    mirror.reported(asked.number, report(1, 0.5))
    mirror.ended(memory.finish(asked.number, "complete"))
    assert time.monotonic() - begin < 0.5
    mirror.close([asked.id], status="FINISHED", patience_seconds=1)
    assert time.monotonic() - begin < 5
    assert len(notes) == 1
    assert "nothing is lost: the next `ablate run`" in notes[0]


def test_after_an_interruption_the_note_is_that_the_next_run_writes_the_rest(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, connect = threading.Event(), MlflowRuns.connect
    monkeypatch.setattr(MlflowRuns, "connect", lambda runs: (go_on.wait(), connect(runs)))
    memory, notes = open_memory(tmp_path / "study"), list[str]()
    asked = new(memory)
    train(memory, asked, 0.5)
    mirror = mirror_of(memory, notes, store)
    mirror.close([asked.id], status="KILLED", patience_seconds=0.1)
    assert notes == [f"MLflow at {store} lacks the last of it: the next run of this study writes the rest"]
    go_on.set()
    mirror.thread.join(PATIENCE)
    assert not mirror.thread.is_alive()


def test_a_connection_that_fails_is_told_by_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    memory, notes = open_memory(tmp_path / "study"), list[str]()
    asked = new(memory)
    train(memory, asked, 0.5)
    mirror = mirror_of(memory, notes, f"http://127.0.0.1:{_free_port()}")
    mirror.close([asked.id], status="KILLED", patience_seconds=10)
    assert "is not up to date (connection refused); nothing is lost" in notes[0]


@pytest.mark.slow
def test_a_server_that_comes_back_gets_what_it_missed(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slow: starts a real `mlflow server`."""
    monkeypatch.setattr(mirror_module, "MOST_WAIT", 1.0)
    monkeypatch.setattr(mirror_module, "HEAD_START", 0.0)
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    memory, notes = open_memory(tmp_path / "study"), list[str]()
    mirror = mirror_of(memory, notes, address)
    asked = new(memory)
    mirror.started(asked.number)
    train(memory, asked, 0.5, 0.6)
    mirror.ended(memory.finish(asked.number, "complete"))
    end = time.monotonic() + PATIENCE
    while not mirror.fault:  # mlflow is imported, and the server is found to be down
        assert time.monotonic() < end, "a server that is down is found to be"
        time.sleep(0.1)
    words = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--backend-store-uri", store]
    words += ["--artifacts-destination", str(tmp_path / "artifacts"), "--workers", "1"]
    with subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as server:
        try:
            mirror.close([asked.id], status="FINISHED", patience_seconds=PATIENCE)
            assert notes == []
            client, parent, runs = runs_of(address)
            assert (parent.info.status, runs["0000"].info.status) == ("FINISHED", "FINISHED")
            assert history(client, runs["0000"], "val/recall_at_1") == [(1, 0.5), (2, 0.6)]
        finally:
            os.killpg(server.pid, signal.SIGTERM)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def paths(client: MlflowClient, run: Run, folder: str) -> set[str]:
    return {file.path for file in client.list_artifacts(run.info.run_id, folder)}


def test_what_lies_below_a_trial_is_attached_to_its_run_and_the_rest_to_the_study_s(tmp_path: Path, store: str) -> None:
    memory, notes = open_memory(tmp_path / "study"), list[str]()
    ids = [row.id for row in run_to_the_end(memory)]
    files: dict[str, str | bytes] = {
        "trials/0003/pictures/roc.png": b"picture",
        "figures/learning_curves.png": b"curves",
        "summary.md": "text",
    }
    mirror_of(memory, notes, store).close(ids, status="FINISHED", patience_seconds=PATIENCE, files=lambda: files)
    client, parent, runs = runs_of(store)
    assert notes == []
    assert paths(client, runs["0003"], "pictures") == {"pictures/roc.png"}
    assert paths(client, parent, "figures") == {"figures/learning_curves.png"}
    assert paths(client, parent, "") >= {"summary.md", "figures"} and "trials" not in paths(client, parent, "")
    assert paths(client, runs["0000"], "") == set()


def test_files_are_made_again_only_where_something_is_new(tmp_path: Path, store: str) -> None:
    memory, notes, asked = open_memory(tmp_path / "study"), list[str](), 0
    ids = [row.id for row in run_to_the_end(memory)]

    def files() -> dict[str, str | bytes]:
        nonlocal asked
        asked += 1
        return {"summary.md": f"made {asked} times"}

    for anew, times in ((False, 1), (False, 1), (True, 2), (False, 2)):
        mirror = mirror_of(memory, notes, store)
        mirror.close(ids, status="FINISHED", patience_seconds=PATIENCE, files=files, anew=anew)
        assert asked == times
    assert notes == []
    client, parent, _ = runs_of(store)
    path = client.download_artifacts(parent.info.run_id, "summary.md", str(tmp_path))
    assert Path(path).read_text() == "made 2 times"


def test_what_is_measured_anew_and_smaller_is_what_mlflow_shows(tmp_path: Path, store: str) -> None:
    """Of two values with one step and one time it would show the larger."""
    memory = open_memory(tmp_path / "study")
    row = next(row for row in run_to_the_end(memory) if row.state == "complete")
    network = memory.asked(row.id).configuration.architecture
    for milliseconds in (2.0, 1.0):
        memory.measured.note(latency={network: {"cost/latency_ms_p50": milliseconds}}, tests={})
        close(memory, store)
        _, _, runs = runs_of(store)
        assert runs[row.id].data.metrics["cost/latency_ms_p50"] == milliseconds
