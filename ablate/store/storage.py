"""The storage of a study's memory: the journal in its folder, or a database that several drivers share (Optuna's RDBStorage).

A database is named by an SQLAlchemy URL without a password: the URL is kept in the study's folder, and a password belongs in
the environment (PGPASSWORD) or in a file of the database's own (~/.pgpass).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ablate.errors import StoreError
from ablate.store import journal
from ablate.store.folder import StudyFolder
from ablate.store.passwords import holds_password, without_password
from ablate.store.tracking import DRIVERS, MODULES, cause

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

FORMS = "write postgresql+psycopg2://USER@HOST/DATABASE, mysql://... or sqlite:////ABSOLUTE/FILE"
ATTEMPTS = 5
"""Of drivers that begin at once all but one fail to make the tables (Optuna 5.0), and find them the next time."""
SQLITE_PATIENCE = 60.0
"""Seconds that one driver waits for another's write; sqlite's own five are few on a busy machine."""


def check_storage(url: str) -> None:
    """Raise StoreError where `url` names no database that can be used, before anything is asked of it."""
    fault = _fault(url)
    if fault is not None:
        what, mend = fault
        raise StoreError(f"--storage {without_password(url)}: {what}\n  {mend}")


def connect(url: str) -> BaseStorage:
    """The database. Raises StoreError where it does not answer, or holds something else."""
    from optuna.storages import RDBStorage, get_storage
    from sqlalchemy.exc import SQLAlchemyError

    for name in ("alembic", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.ERROR)  # what they warn of is told once, in our words
    waits = {"connect_args": {"timeout": SQLITE_PATIENCE}} if url.startswith("sqlite") else {"pool_pre_ping": True}
    fault = ""
    for _ in range(ATTEMPTS):
        try:
            return get_storage(RDBStorage(url, engine_kwargs=waits))
        except (SQLAlchemyError, RuntimeError, OSError) as error:
            fault = cause(error)
        time.sleep(0.3)
    raise StoreError(
        f"--storage {url}: the database cannot be used ({fault})\n"
        "  is it there, may you write it, and is it another than MLflow's? a password belongs in PGPASSWORD or ~/.pgpass"
    )


def open_to_write(folder: StudyFolder) -> BaseStorage:
    """For a driver of the study."""
    url = folder.storage_url
    return journal.open_to_write(folder.journal) if url is None else connect(url)


def open_to_read(folder: StudyFolder) -> BaseStorage:
    """For readers, also beside running drivers."""
    url = folder.storage_url
    return journal.open_to_read(folder.journal) if url is None else connect(url)


@contextmanager
def answering(study: Path) -> Iterator[None]:
    """Raise StoreError where the database of the study in this folder no longer answers."""
    from optuna.exceptions import StorageInternalError

    try:
        yield
    except StorageInternalError as error:
        raise StoreError(
            f"{study}: the database of its memory no longer answers ({cause(error.__cause__ or error)})\n"
            "  run the same command again once it does: nothing is lost, trials go on from their checkpoints"
        ) from None


def name_in_storage(folder: StudyFolder, study: str) -> str:
    """What the study is called there: a database holds those of many folders, and of a name several."""
    return study if folder.storage_url is None else f"{study} {folder.key}"


def _fault(url: str) -> tuple[str, str] | None:
    """What is wrong, and how to mend it."""
    try:
        parts = urlsplit(url)
        secret, _ = holds_password(url), parts.port
    except ValueError as error:  # a port that is no number, an open bracket
        return f"this is no address ({error})", FORMS
    if secret:
        return (
            "the URL is kept in the study's folder, so it must hold no password",
            "give it by PGPASSWORD or ~/.pgpass",
        )
    database, _, driver = parts.scheme.partition("+")
    if database == "sqlite":
        absolute = url.startswith("sqlite:////")
        return None if absolute else ("drivers may start in different folders", "write sqlite:////ABSOLUTE/FILE")
    if database not in DRIVERS:
        return f"'{database}' is no database that Optuna keeps studies in", FORMS
    module = MODULES.get(driver, driver) or DRIVERS[database]
    mend = f"install it, or name one that is: {database}+DRIVER://..."
    return None if find_spec(module) else (f"the database driver '{module}' is not installed", mend)
