"""A team's services: PostgreSQL holds the studies' memory and MLflow's runs, and several drivers use both at once."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Any

import optuna
import pytest

from ablate.store.folder import StudyFolder
from ablate.store.storage import name_in_storage, open_to_read
from tests.e2e.nodes import free_port
from tests.e2e.services import mlflow_server, postgresql
from tests.e2e.study import background, command, rows, run, wait_until, write_study

pytestmark = [pytest.mark.slow, pytest.mark.ray, pytest.mark.timeout(600)]

TRIALS, EPOCHS = 10, 60
OUTAGE_SECONDS = 20


def test_two_drivers_share_a_study_and_one_goes_on_where_the_other_is_killed(tmp_path: Path) -> None:
    study, out = write_study(tmp_path, trials=TRIALS, epochs=EPOCHS, stopping="none"), tmp_path / "runs"
    with ExitStack() as processes:
        database = processes.enter_context(postgresql())
        tracking = processes.enter_context(mlflow_server(tmp_path, f"{database}mlflow", free_port()))
        words = command("run", study, "--out", out, "--cpus", "1", "--tracking-uri", tracking)
        words += ["--storage", f"{database}optuna"]
        drivers = [processes.enter_context(background(words)) for _ in range(2)]
        wait_until(lambda: len(_drivers_of_ended(out / "small")) == 2, seconds=250, what="both have ended a trial")
        drivers[0].kill()
        drivers[0].communicate()
        _, told = drivers[1].communicate(timeout=300)
        assert drivers[1].returncode == 0, told
        found = rows(out / "small")
        assert [(row["state"], row["epochs"]) for row in found] == [("complete", EPOCHS)] * TRIALS, told
        assert len({json.dumps(row["params"], sort_keys=True) for row in found}) == TRIALS
        repeated = [row["id"] for row in found if _epochs(out / "small", row["id"]) != list(range(1, EPOCHS + 1))]
        # the killed driver's goes on from its last checkpoint; no other is trained twice
        assert len(repeated) <= 1, repeated
        again = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False)
        assert again.returncode == 0 and "nothing was left to do" in again.stderr, again.stderr
        assert _in_mlflow(tracking) == _numbers(rows(out / "small"))


def test_two_studies_at_once_survive_an_outage_of_the_server(tmp_path: Path) -> None:
    names, out, port = ("one", "other"), tmp_path / "runs", free_port()
    studies = [write_study(tmp_path, name=name, trials=14, epochs=40, stopping="none") for name in names]

    def ended() -> list[int]:
        return [_ended(out / name) for name in names]

    with ExitStack() as processes:
        database = f"{processes.enter_context(postgresql())}mlflow"
        with mlflow_server(tmp_path, database, port) as tracking:
            common = ("--out", out, "--cpus", "1", "--tracking-uri", tracking)
            drivers = [processes.enter_context(background(command("run", study, *common))) for study in studies]
            wait_until(lambda: min(ended()) >= 2, seconds=300, what="both have ended two trials")
        before, late = ended(), 0
        time.sleep(OUTAGE_SECONDS)
        assert all(now > then for now, then in zip(ended(), before, strict=True)), "training waited for MLflow"
        with mlflow_server(tmp_path, database, port) as tracking:
            for driver in drivers:
                _, told = driver.communicate(timeout=300)
                assert driver.returncode == 0, told
                late += "not up to date" in told
            for study in studies if late else ():  # the studies were over before the server was back
                assert run("run", study, *common).returncode == 0
            for name in names:
                assert _in_mlflow(tracking, name) == _numbers(rows(out / name))


def _ended(study: Path) -> int:
    """Trials that have left a checkpoint, as all do at their end, of a study that may not be there yet."""
    return sum(bool(list(trial.glob("checkpoint-*"))) for trial in study.glob("trials/*"))


def _drivers_of_ended(study: Path) -> set[str]:
    """Who has ended the trials that are over, of a study that may not be there yet."""
    folder = StudyFolder(study)
    if not folder.description.exists():
        return set()
    try:
        found = optuna.load_study(study_name=name_in_storage(folder, "small"), storage=_storage_of(folder))
    except KeyError:
        return set()  # it is just being made
    ended = [trial for trial in found.get_trials(deepcopy=False) if trial.state.is_finished()]
    return {trial.user_attrs["trial"]["driver"] for trial in ended}


@lru_cache
def _storage_of(folder: StudyFolder) -> optuna.storages.BaseStorage:
    """Connected once."""
    return open_to_read(folder)


def _epochs(study: Path, id: str) -> list[int]:
    lines = (study / "trials" / id / "metrics.jsonl").read_text().splitlines()
    return [int(json.loads(line)["epoch"]) for line in lines]


def _in_mlflow(tracking: str, name: str = "small") -> list[dict[str, Any]]:
    done = run("summarize", "--tracking-uri", tracking, "--experiment", name, "--format", "json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["trials"]
    return _numbers(found)


def _numbers(trials: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What must be equal wherever a trial is read."""
    kept = ("id", "state", "reason", "seed", "arm", "epochs", "params", "metrics", "cost")
    assert max(Counter(row["id"] for row in trials).values()) == 1
    return sorted(({key: row[key] for key in kept} for row in trials), key=lambda row: row["id"])
