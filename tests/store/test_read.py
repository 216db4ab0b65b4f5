"""Reading a study: from its folder while it runs, and from MLflow into the same rows."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ablate.errors import StoreError
from ablate.store.read import StudyResults, read_folder, read_mlflow
from ablate.summary.pareto import pareto_front
from tests.store.studies import new, open_memory, run_to_the_end, study, train
from tests.store.test_mirror import close
from tests.summary.ablations import design, one_at_a_time
from tests.summary.ablations import study as ablation

pytestmark = pytest.mark.filterwarnings("ignore::Warning:(mlflow|alembic|sqlalchemy)")


def test_a_folder_gives_the_rows_of_the_memory_also_of_a_trial_that_runs(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    run_to_the_end(memory)
    train(memory, new(memory), 0.5, 0.7)
    assert not read_folder(tmp_path).driven
    with memory.folder.held():
        found = read_folder(tmp_path)
    assert found.driven
    assert found.trials == memory.results()
    assert (found.study, found.objective, found.question) == ("made-up", memory.objective, memory.study.question)
    running = found.trials[-1]
    assert (running.state, running.epochs, running.metrics["val/recall_at_1"]) == ("running", 2, 0.7)


def test_reading_changes_nothing(tmp_path: Path) -> None:
    run_to_the_end(open_memory(tmp_path))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    read_folder(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_what_is_to_be_known_of_the_data_is_kept_and_may_be_missing_from_before_it_was(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    memory.folder.describe(study(), notes=["3 broken files left out"])
    assert read_folder(tmp_path).notes == ("3 broken files left out",)
    memory.folder.description.write_text(memory.folder.description.read_text().replace('"notes"', '"before"'))
    assert read_folder(tmp_path).notes == ()


def test_a_study_that_is_just_being_made_has_no_rows(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    memory.folder.journal.write_bytes(memory.folder.journal.read_bytes()[:-5])
    assert read_folder(tmp_path).trials == []


def test_a_folder_without_a_study_is_refused_with_those_beside_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"holds no study\n  `ablate run STUDY.yaml` makes one"):
        read_folder(tmp_path / "faces")
    open_memory(tmp_path / "digits")
    with pytest.raises(StoreError, match=r"holds no study\n  studies there: digits"):
        read_folder(tmp_path / "faces")


def test_mlflow_gives_the_same_rows_as_the_folder(tmp_path: Path, store: str) -> None:
    """Of a trial that still runs MLflow has no metrics and costs yet: those are logged at its end."""
    memory = open_memory(tmp_path / "study")
    run_to_the_end(memory)
    memory.measured.note(latency={}, tests={"0000": {"test/recall_at_1": 0.4}})
    asked = new(memory)
    train(memory, asked, 0.5)
    close(memory, store)
    folder, mlflow = read_folder(tmp_path / "study"), read_mlflow(store, "made-up")
    folder.trials[-1] = replace(folder.trials[-1], metrics={}, cost={}, epochs=0)
    assert mlflow == replace(folder, folder=None, meaning={}, resolved={})
    for one, other in zip(mlflow.trials, folder.trials, strict=True):
        assert [type(value) for _, value in sorted(one.params.items())] == [
            type(value) for _, value in sorted(other.params.items())
        ]


def test_mlflow_hides_what_a_longer_trial_continues(tmp_path: Path, store: str) -> None:
    run_to_the_end(open_memory(tmp_path / "study"))
    close(open_memory(tmp_path / "study"), store)
    longer = open_memory(tmp_path / "study", "space.epochs=6")
    for asked in longer.unfinished():
        train(longer, asked, 0.8, 0.9, begin=5)
        longer.finish(asked.number, "complete")
    close(longer, store)
    assert _ids(read_mlflow(store, "made-up")) == _ids(read_folder(tmp_path / "study"))


def test_an_experiment_that_is_not_there_or_not_ours_is_refused(tmp_path: Path, store: str) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(store)
    with pytest.raises(StoreError, match="has no such experiment\n  it has: Default"):
        read_mlflow(store, study().name)
    client.create_run("0")
    with pytest.raises(StoreError, match="no study of ablate is mirrored there"):
        read_mlflow(store, "Default")


class _NoMlflow(BaseHTTPRequestHandler):
    """Answers every question with a page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>welcome</html>" * 100)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what another test of this process set would hold."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("server", "kind"),
    [("closed", "connection refused"), ("silent", "no answer in time"), ("wrong", "is no MLflow server")],
)
def test_a_server_that_does_not_answer_as_mlflow_is_refused_in_two_short_lines_and_soon(server: str, kind: str) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _NoMlflow) as wrong, socket.create_server(("127.0.0.1", 0)) as silent:
        threading.Thread(target=wrong.serve_forever, daemon=True).start()
        ports = {"wrong": wrong.server_port, "silent": silent.getsockname()[1], "closed": _free_port()}
        begin = time.monotonic()
        with pytest.raises(StoreError) as refused:
            read_mlflow(f"http://127.0.0.1:{ports[server]}", "made-up")
        assert time.monotonic() - begin < 10
        wrong.shutdown()
    lines = str(refused.value).splitlines()
    assert len(lines) == 2 and max(map(len, lines)) <= 120
    assert kind in lines[0] and "is its server running" in lines[1]


def test_a_file_that_is_no_store_is_refused_in_two_short_lines(tmp_path: Path) -> None:
    (tmp_path / "junk.db").write_text("junk " * 300)
    with pytest.raises(StoreError, match=r"file is not a database\)\n  is it a file of MLflow"):
        read_mlflow(f"sqlite:///{tmp_path / 'junk.db'}", "made-up")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _ids(found: StudyResults) -> list[str]:
    return [row.id for row in found.trials]


def test_the_best_of_an_ablation_is_of_the_arm_that_leads_whatever_its_seeds_draw() -> None:
    """Seed 1 draws an easy validation: its trial of the worse arm is the best of all one by one."""
    made = design("one_at_a_time", {name: one_at_a_time()[name] for name in ("baseline", "sampler=hard")}, seeds=3)
    values = {("baseline", 0): 0.70, ("baseline", 1): 0.99, ("baseline", 2): 0.60}
    values |= {("sampler=hard", 0): 0.80, ("sampler=hard", 1): 0.98, ("sampler=hard", 2): 0.68}
    found = ablation(made, values)
    best = found.best
    assert best is not None and (best.arm, best.seed) == ("sampler=hard", 0)
    tune = replace(found.trials[0], id="0100", phase="tune", metrics={"val/recall_at_1": 1.0})
    assert replace(found, trials=[*found.trials, tune]).best == best
    assert ablation(made, dict.fromkeys(values)).best is None  # all have failed


def test_what_judged_an_arm_or_a_seed_that_is_there_no_longer_is_neither_best_nor_on_the_front() -> None:
    arms = {name: one_at_a_time()[name] for name in ("baseline", "loss=circle", "sampler=hard")}
    values = {(arm, seed): 0.5 + 0.1 * place for place, arm in enumerate(arms) for seed in range(2)}
    whole = ablation(design("one_at_a_time", arms, seeds=2), values)
    assert whole.best is not None and whole.best.arm == "sampler=hard"
    left = {name: arms[name] for name in ("baseline", "loss=circle")}
    fewer = replace(whole, design=design("one_at_a_time", left, seeds=1))
    assert fewer.best is not None and (fewer.best.arm, fewer.best.seed) == ("loss=circle", 0)
    assert [(row.arm, row.seed) for row in pareto_front(fewer).trials] == [("loss=circle", 0)]
    assert [row.arm for row in fewer.judging] == ["baseline", "loss=circle"]
