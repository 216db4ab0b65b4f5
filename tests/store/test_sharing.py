"""Several drivers of one study: two memories on one database, each with its own driver."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ablate.errors import StoreError
from ablate.store.drivers import SharingDriver
from ablate.store.folder import StudyFolder
from ablate.store.memory import Memory
from ablate.store.queue import ArmQueue, queue_of
from ablate.store.read import read_folder
from ablate.store.storage import check_storage, connect
from ablate.study.study import Study
from tests.store import ablations
from tests.store.studies import FINITE, new, report, study, train

Drive = Callable[[Study], Memory]


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Drive]:
    """Begin to drive the study in a folder; what is begun ends with the test."""
    with ExitStack() as ending:

        def begin(asked: Study) -> Memory:
            folder = StudyFolder(tmp_path / "study")
            driver = SharingDriver(folder)
            ending.enter_context(driver.driving())
            with driver.turn():
                folder.describe(asked, storage=f"sqlite:///{tmp_path}/optuna.db")
            return Memory(folder, asked, driver=driver)

        yield begin


def test_two_drivers_hand_out_every_configuration_once(drive: Drive) -> None:
    asked = study("search.trials=12", *FINITE)
    one, other = drive(asked), drive(asked)
    queues = queue_of(one), queue_of(other)
    handed_out = [trial for _ in range(6) for queue in queues if (trial := queue.next()) is not None]
    assert [trial.number for trial in handed_out] == list(range(12))
    assert len({trial.configuration.digest for trial in handed_out}) == 12
    assert all(queue.next() is None for queue in queues)


def test_what_another_driver_trains_is_not_unfinished_and_what_it_left_is(tmp_path: Path, drive: Drive) -> None:
    one = drive(study())
    with _driver_that_dies(tmp_path):
        assert one.others.run() == ["0000"] and one.unfinished() == [] and not one.claim(0)
    assert one.others.run() == [] and [asked.number for asked in one.others.orphans()] == [0]
    third = drive(study())
    assert one.claim(0) and not third.claim(0)
    assert third.others.run() == ["0000"]


def test_a_trial_that_ended_as_its_driver_died_is_not_trained_again(tmp_path: Path, drive: Drive) -> None:
    one = drive(study())
    with _driver_that_dies(
        tmp_path, 'memory._conclude = lambda number: None; memory.finish(0, "failed", "it was made to")'
    ):
        pass
    assert [asked.number for asked in one.others.orphans()] == [0]
    assert not one.claim(0)
    assert [(row.state, row.reason) for row in one.results()] == [("failed", "it was made to")]


@contextmanager
def _driver_that_dies(tmp_path: Path, then: str = "") -> Iterator[None]:
    """A process that drives the study, has handed out a trial and done `then`; it is killed at the end."""
    code = f"""
from pathlib import Path
from ablate.store.drivers import SharingDriver
from ablate.store.folder import StudyFolder
from ablate.store.memory import Memory
from tests.store.studies import study
folder = StudyFolder(Path({str(tmp_path / "study")!r}))
driver = SharingDriver(folder)
with driver.driving():
    memory = Memory(folder, study(), driver=driver)
    number = memory.ask().number
    {then}
    print(number, flush=True)
    input()
"""
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "0\n"
        yield
        process.kill()


def test_an_arm_is_judged_once_by_the_best_that_any_driver_found(drive: Drive) -> None:
    asked = ablations.study(*ablations.TUNED)
    assert asked.ablation is not None
    one, other = drive(asked), drive(asked)
    queues = {one: queue_of(one), other: queue_of(other)}
    judged: list[tuple[str, int]] = []
    value = 0.0
    for _ in range(asked.ablation.trials):
        for memory, queue in queues.items():
            assert isinstance(queue, ArmQueue)
            trial = queue.next()
            if trial is None:
                continue
            value += 0.01
            train(memory, trial, *([value] * trial.configuration.epochs))
            memory.finish(trial.number, "complete")
            judged += [(trial.arm, trial.seed)] if trial.phase == "final" else []
    assert sorted(judged) == sorted(asked.ablation.cells)
    assert len(one.results()) == asked.ablation.trials
    assert all(queue.over for queue in queues.values())
    final = {row.arm: row.params for row in one.results() if row.phase == "final"}
    for arm, params in final.items():
        tuning = [row for row in other.results() if row.phase == "tune" and row.arm == arm]
        best = max(tuning, key=lambda row: row.metrics["val/recall_at_1"])
        assert {**best.params, "epochs": 0} == {**params, "epochs": 0}


def test_curves_of_another_driver_are_news_once(drive: Drive) -> None:
    one, other = drive(study()), drive(study())
    trial = new(other)
    assert one.others.news() == [0] and one.curve(0) == {}
    other.report(trial.number, report(1, 0.5))
    assert one.others.news() == [0] and one.curve(0) == {1: 0.5}
    assert one.others.news() == []
    assert other.others.news() == []


def test_readers_find_the_database_and_the_drivers(tmp_path: Path, drive: Drive) -> None:
    memory = drive(study())
    train(memory, new(memory), 0.4, 0.6)
    memory.finish(0, "complete")
    found = read_folder(tmp_path / "study")
    assert [(row.id, row.metrics["val/recall_at_1"]) for row in found.trials] == [("0000", 0.6)]
    assert found.driven
    assert not (tmp_path / "study" / "journal.log").exists()


def test_one_driver_alone_and_several_exclude_each_other(tmp_path: Path, drive: Drive) -> None:
    drive(study())
    with pytest.raises(StoreError, match="being run by drivers that share it"), StudyFolder(tmp_path / "study").held():
        pass
    alone = StudyFolder(tmp_path / "alone")
    with alone.held(), pytest.raises(StoreError, match="running already"), SharingDriver(alone).driving():
        pass


def test_a_study_of_the_same_name_in_another_folder_is_another(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder = StudyFolder(tmp_path / name)
        with SharingDriver(folder).driving():
            folder.describe(study(), storage=f"sqlite:///{tmp_path}/optuna.db")
            assert new(Memory(folder, study())).number == 0


def test_a_study_keeps_its_storage(tmp_path: Path) -> None:
    folder, url = StudyFolder(tmp_path), f"sqlite:///{tmp_path}/optuna.db"
    assert folder.check_storage(url) == url
    folder.describe(study(), storage=url)
    assert folder.check_storage(None) == folder.check_storage(url) == url
    with pytest.raises(StoreError, match="leave --storage out"):
        folder.check_storage("sqlite:////elsewhere.db")
    folder.describe(study())
    with pytest.raises(StoreError, match="a journal in this folder"):
        folder.check_storage(url)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("sqlite:///relative.db", "write sqlite:////ABSOLUTE/FILE"),
        ("http://host:5000", "'http' is no database"),
        ("postgresql://me:secret@host/db", "must hold no password"),
        ("postgresql+psycopg2://host/db?user=me&password=secret", "must hold no password"),
        ("postgresql+nodriver://me@host/db", "'nodriver' is not installed"),
        ("postgresql://me@host:port/db", "no address"),
        ("", "'' is no database"),
    ],
)
def test_what_is_no_storage_is_refused(url: str, what: str) -> None:
    with pytest.raises(StoreError, match=what) as refused:
        check_storage(url)
    assert "secret" not in str(refused.value)


def test_drivers_may_find_an_empty_database_at_once(tmp_path: Path) -> None:
    code = f"from ablate.store.storage import connect; input(); connect('sqlite:///{tmp_path}/optuna.db')"
    with ExitStack() as ending:
        begun = [
            ending.enter_context(subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, text=True))
            for _ in range(4)
        ]
        for process in begun:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        assert [process.wait(timeout=120) for process in begun] == [0] * 4


def test_a_database_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="the database cannot be used"):
        connect(f"sqlite:///{tmp_path}/nowhere/optuna.db")
