"""MLflow's local file: whole or not there, whenever its maker is killed; one that is half-made heals, and nothing is lost."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from ablate.errors import StoreError
from ablate.store.local_store import is_half_made, prepare_local_store
from ablate.store.read import read_mlflow
from ablate.store.tracking import check_tracking_uri
from tests.store.studies import open_memory, run_to_the_end
from tests.store.test_mirror import PATIENCE, close, mirror_of, runs_of

pytestmark = pytest.mark.filterwarnings("ignore::Warning:(mlflow|alembic|sqlalchemy)")

DYING = """
import os, signal, sys
from sqlalchemy import Engine, event
from ablate.store.local_store import prepare_local_store

left = int(sys.argv[2])

@event.listens_for(Engine, "before_cursor_execute")
def count(connection, cursor, statement, *more):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

prepare_local_store(sys.argv[1], print)
"""
"""Makes the store argv[1], killed by its argv[2]-th statement."""

SNAPSHOTS = """
import shutil, sys
from pathlib import Path
from sqlalchemy import Engine, event
from mlflow import MlflowClient

folder, count = Path(sys.argv[1]), 0

@event.listens_for(Engine, "before_cursor_execute")
def keep(connection, cursor, statement, *more):
    global count
    count += 1
    if count % 20 == 0 or "INSERT INTO _alembic_tmp_params" in statement:
        for file in folder.glob("mlflow.db*"):
            shutil.copy(file, folder / file.name.replace("mlflow", f"{count:04d}"))

MlflowClient(f"sqlite:///{folder / 'mlflow.db'}").search_experiments()
"""
"""MLflow makes its store in place; what a kill would leave is copied now and then."""


def rows_in(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def another_process() -> None:
    """As in one: MLflow keeps connections open, to a file that bears the name no longer."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    for engine in SqlAlchemyStore._engine_map.values():
        engine.dispose()


@pytest.mark.slow
def test_whatever_a_kill_leaves_of_a_store_that_was_made_in_place_is_seen_and_heals(tmp_path: Path) -> None:
    """Slow: makes two stores."""
    subprocess.run([sys.executable, "-c", SNAPSHOTS, str(tmp_path)], check=True, capture_output=True)
    left = sorted(tmp_path.glob("????.db"))
    assert len(left) > 10
    assert not is_half_made(tmp_path / "mlflow.db")
    tables = {path: rows_in(path, "SELECT name FROM sqlite_master") for path in left}
    torn = [path for path in left if ("_alembic_tmp_params",) in tables[path]]
    assert torn  # the state in which every later start of MLflow failed
    assert [path for path in left if tables[path] and not is_half_made(path)] == []
    notes: list[str] = []
    prepare_local_store(f"sqlite:///{torn[0]}", notes.append)
    assert (
        len(notes) == 1 and f"half-made by a process that was killed: it is kept as {torn[0].name}.broken-1" in notes[0]
    )
    assert (tmp_path / f"{torn[0].name}.broken-1").exists()
    assert not is_half_made(torn[0]) and rows_in(torn[0], "SELECT name FROM experiments") == [("Default",)]


@pytest.mark.slow
def test_a_killed_maker_leaves_nothing_under_the_name_and_the_next_one_makes_it(tmp_path: Path) -> None:
    """Slow: starts processes."""
    path = tmp_path / "mlflow.db"
    for statement in (3, 150):
        words = [sys.executable, "-c", DYING, f"sqlite:///{path}", str(statement)]
        assert subprocess.run(words, capture_output=True, check=False).returncode == -signal.SIGKILL
        assert not path.exists()
    assert (tmp_path / ".mlflow.db.new").exists()
    words = [sys.executable, "-c", DYING, f"sqlite:///{path}", "-1"]  # nobody kills these
    together = [subprocess.Popen(words, stderr=subprocess.PIPE) for _ in range(2)]
    assert [(maker.communicate()[1][-500:], maker.returncode) for maker in together] == [(b"", 0)] * 2
    assert rows_in(path, "SELECT name FROM experiments") == [("Default",)]
    assert sorted(file.name for file in tmp_path.iterdir()) == [".mlflow.db.lock", "mlflow.db"]


def test_a_whole_store_and_what_is_none_of_mlflow_s_are_left_alone(tmp_path: Path, store: str) -> None:
    for uri in (store, "http://host:1"):
        prepare_local_store(uri, pytest.fail)
    whole, other, text, empty = (tmp_path / name for name in ("mlflow.db", "other.db", "text.db", "empty.db"))
    execute(other, "CREATE TABLE experiments_of_mine (a)", "CREATE TABLE customers (b)")
    text.write_text("no database at all")
    empty.touch()
    assert [is_half_made(path) for path in (whole, other, text, empty, tmp_path / "none.db")] == [False] * 5


def test_a_study_that_was_written_is_written_anew_where_its_store_is_half_made(tmp_path: Path, store: str) -> None:
    memory, notes, path = open_memory(tmp_path / "study"), list[str](), tmp_path / "mlflow.db"
    rows = run_to_the_end(memory)
    close(memory, store)
    execute(path, "CREATE TABLE _alembic_tmp_params (a)")
    for refused in (lambda: check_tracking_uri(store, to_read=True), lambda: read_mlflow(store, "made-up")):
        with pytest.raises(StoreError, match="left half-made by a process that was killed\n  the next `ablate run`"):
            refused()
    ids = [row.id for row in rows]
    another_process()
    mirror_of(memory, notes, store).close(ids, status="FINISHED", patience_seconds=PATIENCE)
    assert len(notes) == 1 and "kept as mlflow.db.broken-1" in notes[0]
    _, parent, runs = runs_of(store)
    assert parent.info.status == "FINISHED" and set(runs) == set(ids)
    assert all(run.data.params for run in runs.values())
    assert len(rows_in(path, "SELECT * FROM runs")) == len(ids) + 1
    close(memory, store)  # and nothing is told again


def test_a_file_that_mlflow_cannot_use_is_told_at_once_with_the_way_out(tmp_path: Path, store: str) -> None:
    memory, notes, path = open_memory(tmp_path / "study"), list[str](), tmp_path / "mlflow.db"
    ids = [row.id for row in run_to_the_end(memory)]
    execute(path, "UPDATE alembic_version SET version_num = '0123456789ab'")
    begin = time.monotonic()
    mirror_of(memory, notes, store).close(ids, status="FINISHED", patience_seconds=PATIENCE)
    assert time.monotonic() - begin < PATIENCE / 2
    assert len(notes) == 1 and f"until you move {path} away" in notes[0] and "nothing is lost" not in notes[0]
    with pytest.raises(StoreError, match=r"\n  is it a file of MLflow's, and of the version that is installed\?"):
        read_mlflow(store, "made-up")
    shutil.move(path, tmp_path / "away.db")
    another_process()
    close(memory, store)
    assert set(runs_of(store)[2]) == set(ids)
