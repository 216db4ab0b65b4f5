"""MLflow's store in a local sqlite file: made whole or not at all, and one that was left half-made is moved aside.

MLflow makes its tables by tens of migrations, which takes seconds. Killed among them it leaves a file that no later migration
gets over. So they are made in a file beside it, which gets the name when it is complete.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

SQLITE = "sqlite:///"
COMPANIONS = ("", "-journal", "-wal", "-shm")
"""What a sqlite database consists of: the file, and what sqlite keeps beside it while it is open."""
UNFINISHED = "_alembic_tmp_"
"""Begins the name of a table that a migration fills, and then renames."""
FIRST_TABLES = {"experiments", "runs", "tags", "metrics", "params"}
"""Those that MLflow makes before it notes a version."""


def local_file(tracking_uri: str) -> Path | None:
    """The sqlite file that a URI names; None where it names a server."""
    name = tracking_uri.partition(SQLITE)[2].partition("?")[0] if tracking_uri.startswith(SQLITE) else ""
    return Path(name) if name not in ("", ":memory:") else None


def is_whole(tracking_uri: str) -> bool:
    """Whether there may be runs in it: no where a local file is missing or half-made. Without mlflow."""
    path = local_file(tracking_uri)
    return path is None or (_exists(path) and not is_half_made(path))


def is_half_made(path: Path) -> bool:
    """Whether a sqlite file is what a process left that was killed while it made MLflow's tables.

    Opened as if to write: else sqlite could not read a file whose last transaction was cut off.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if any(name.startswith(UNFINISHED) for name in tables):
                return True
            if "alembic_version" not in tables and not tables <= FIRST_TABLES:
                return False  # of something else: not ours to move
            if "experiments" not in tables:
                return bool(tables)
            return connection.execute("SELECT 1 FROM experiments").fetchone() is None  # the last thing MLflow makes
    except sqlite3.Error:
        return False  # locked, or no database: MLflow says what it makes of it


def prepare_local_store(tracking_uri: str, tell: Callable[[str], None]) -> None:
    """See that a local file, if that is meant, is there and whole, and tell of one that is moved aside.

    At once: to make one takes long, and may be interrupted. Of several studies that start together, one makes it. Imports
    mlflow where it is to be made.
    """
    path = local_file(tracking_uri)
    if path is None or is_whole(tracking_uri):
        return
    with _locked(path.with_name(f".{path.name}.lock")):
        if is_half_made(path):
            tell(
                f"MLflow's {path} had been left half-made by a process that was killed: it is kept as"
                f" {_move_aside(path).name}, and made anew with this study; what other studies had in it, their next"
                " `ablate run` writes"
            )
        if not _exists(path):
            _make(path)


def _exists(path: Path) -> bool:
    """An empty file counts as none: sqlite makes one when it is opened."""
    return path.is_file() and path.stat().st_size > 0


def _make(path: Path) -> None:
    """MLflow's tables in a new file, which bears the name once they are complete."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    new = path.with_name(f".{path.name}.new")
    for each in _files(new):  # of a process that was killed here
        each.unlink()
    logging.getLogger("mlflow.store").setLevel(logging.WARNING)
    artifacts = "./mlruns"  # MLflow's own default, which we never use
    SqlAlchemyStore(f"sqlite:///{new}", artifacts).engine.dispose()  # type: ignore[no-untyped-call]
    os.replace(new, path)


def _move_aside(path: Path) -> Path:
    """To the first free `mlflow.db.broken-N`."""
    number = 1
    while (target := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    for each in _files(path):
        each.rename(target.with_name(target.name + each.name.removeprefix(path.name)))
    return target


def _files(path: Path) -> list[Path]:
    """Those of a database that are there."""
    every = [path.with_name(path.name + companion) for companion in COMPANIONS]
    return [each for each in every if each.exists()]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time; the lock is the kernel's, and ends with its holder. The file stays: another may wait for it."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
