"""MLflow's tracking URI: one that MLflow could not use is refused before anything starts, and without importing mlflow."""

from __future__ import annotations

from importlib.metadata import entry_points
from importlib.util import find_spec
from urllib.parse import urlsplit

from ablate.errors import StoreError
from ablate.store.local_store import SQLITE, is_half_made, local_file
from ablate.store.passwords import holds_password, without_password

FORMS = "write sqlite:///FILE, http(s)://HOST:PORT, postgresql://..., mysql://... or mssql://..."
DRIVERS = {"postgresql": "psycopg", "mysql": "MySQLdb", "mssql": "pyodbc"}
"""Database -> module of the driver that SQLAlchemy 2.1 takes where the URI names none (`postgresql+psycopg2://` does)."""
MODULES = {"mysqldb": "MySQLdb", "mysqlconnector": "mysql", "mariadbconnector": "mariadb"}
"""Drivers whose module has another name."""
KINDS = {
    "Connection refused": "connection refused",
    "timed out": "no answer in time",
    "Failed to resolve": "no such host",
    "Connection reset": "connection reset",
    "No route to host": "no route to host",
    "Network is unreachable": "network unreachable",
    "valid JSON": "what answers there is no MLflow server",
    "error code 404": "what answers there is no MLflow server",
    "error code 401": "it wants a user and a password",
    "error code 403": "it does not let you in",
    "database is locked": "another process has locked it",
}
"""Words of an error of MLflow's, which has hundreds -> what went wrong."""
REFUSALS = {"what answers there is no MLflow server", "it wants a user and a password", "it does not let you in"}
"""What does not pass by itself."""
UNUSABLE = ("sqlite3.", "database schema", "Can't locate revision")
"""Words of what MLflow says of a local file that it cannot use."""
MOST_CHARACTERS = 100


def check_tracking_uri(uri: str, *, to_read: bool = False) -> None:
    """Raise StoreError where MLflow could not use `uri`; with `to_read` a sqlite file must be there already.

    Whether a server answers is not asked: one that is down may come back while a study runs.
    """
    fault = _fault(uri, to_read)
    if fault is not None:
        what, mend = fault
        raise StoreError(f"--tracking-uri {without_password(uri)}: {what}\n  {mend}")


def cause(error: BaseException) -> str:
    """What went wrong between us and MLflow, in a few words."""
    text = str(error)
    known = next((kind for words, kind in KINDS.items() if words in text), None)
    line = next(iter(text.splitlines()), "") or type(error).__name__
    return known or (line if len(line) <= MOST_CHARACTERS else f"{line[:MOST_CHARACTERS]}...")


def stays(uri: str, fault: str) -> bool:
    """Whether to try again is in vain: a server may come back, a local file that MLflow cannot use does not mend itself."""
    return fault in REFUSALS or (local_file(uri) is not None and any(words in fault for words in UNUSABLE))


def outlook(uri: str, fault: str) -> str:
    """What becomes of that which could not be written to MLflow, by the fault (see `cause`)."""
    if not stays(uri, fault):
        return "nothing is lost: the next `ablate run` of this study writes what is missing"
    file = local_file(uri)
    mend = "mend that" if file is None else f"move {file} away"
    return (
        f"the study itself lacks nothing, but MLflow will until you {mend}, or name another --tracking-uri: the next"
        " `ablate run` of this study then writes what is missing"
    )


def why_not_read(uri: str) -> str:
    """What to look at where MLflow cannot be read, by what `uri` names."""
    if local_file(uri) is None:
        return "is its server running, and is this its address?"
    return "is it a file of MLflow's, and of the version that is installed?"


def _fault(uri: str, to_read: bool) -> tuple[str, str] | None:
    """What is wrong, and how to mend it."""
    try:
        parts = urlsplit(uri)
        host, _, secret = parts.hostname, parts.port, holds_password(uri)
    except ValueError as error:  # a port that is no number, an open bracket
        return f"this is no address ({error})", FORMS
    database, _, driver = parts.scheme.partition("+")
    if secret:
        of_server = "give it by MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        mend = "give it by PGPASSWORD or ~/.pgpass" if database in DRIVERS else of_server
        return "the URI is kept in the study's folder and shown, so it must hold no password", mend
    if database == "sqlite":
        return _sqlite_fault(uri, to_read)
    if database in ("http", "https"):
        return None if host else ("it names no host", f"write {database}://HOST:PORT")
    if database in DRIVERS:
        module = MODULES.get(driver, driver) or DRIVERS[database]
        mend = f"install it, or name one that is: {database}+DRIVER://..."
        return None if find_spec(module) else (f"the database driver '{module}' is not installed", mend)
    if uri == "databricks" or database == "databricks" or database in _plugins():
        return None
    if database in ("", "file"):
        return "MLflow keeps no runs in plain folders any more", FORMS
    return f"MLflow knows no '{database}:'", FORMS


def _sqlite_fault(uri: str, to_read: bool) -> tuple[str, str] | None:
    file = local_file(uri)
    if file is None:
        return "it names no file", f"write {SQLITE}mlflow.db, or {SQLITE}/srv/mlflow.db with an absolute path"
    if to_read and not file.is_file():
        return f"{file.absolute()} is not there", "`ablate run` writes it; --out names another folder"
    if to_read and is_half_made(file):
        return (
            f"{file.absolute()} was left half-made by a process that was killed",
            "the next `ablate run` makes it anew",
        )
    if file.is_dir() or not file.absolute().parent.is_dir():
        what = "is a folder" if file.is_dir() else "cannot be made: its folder is not there"
        return f"{file.absolute()} {what}", "make the folder, or name another file"
    return None


def _plugins() -> set[str]:
    """Schemes that installed packages add to MLflow."""
    return {entry.name for entry in entry_points(group="mlflow.tracking_store")}
