"""Which tracking URIs are refused, with what is said of them; MLflow itself is the judge of those that are known."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from ablate.errors import StoreError
from ablate.store.tracking import DRIVERS, cause, check_tracking_uri, outlook, stays


@pytest.mark.parametrize(
    ("uri", "what"),
    [
        ("runs", "plain folders"),
        ("", "plain folders"),
        ("file:///tmp/mlruns", "plain folders"),
        ("/tmp/mlruns", "plain folders"),
        ("ftp://somewhere/mlflow", "knows no 'ftp:'"),
        ("localhost:5000", "knows no 'localhost:'"),
        ("http://", "names no host"),
        ("http://host:port", "this is no address"),
        ("sqlite:", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:////nowhere/at/all/mlflow.db", "/nowhere/at/all/mlflow.db cannot be made"),
        ("sqlite:////tmp", "/tmp is a folder"),
        ("postgresql+nosuchdriver://user@host/mlflow", "driver 'nosuchdriver' is not installed"),
    ],
)
def test_what_mlflow_cannot_use_is_refused_with_a_form_that_works(uri: str, what: str) -> None:
    with pytest.raises(StoreError, match=f"--tracking-uri {uri.replace('+', '.')}: .*{what}.*\n  .+"):
        check_tracking_uri(uri)


@pytest.mark.parametrize("database", DRIVERS)
def test_a_database_needs_its_driver(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec(DRIVERS[database]) is None:
        with pytest.raises(StoreError, match=f"'{DRIVERS[database]}' is not installed\n  .*{database}.DRIVER"):
            check_tracking_uri(f"{database}://user@host/mlflow")
    monkeypatch.setitem(DRIVERS, database, "json")
    check_tracking_uri(f"{database}://user@host/mlflow")
    check_tracking_uri(f"{database}+json://user@host/mlflow")


@pytest.mark.parametrize("uri", ["http://127.0.0.1:5000", "https://mlflow.example.org/path", "databricks"])
def test_a_server_is_taken_at_its_word(uri: str) -> None:
    check_tracking_uri(uri)
    check_tracking_uri(uri, to_read=True)


def test_a_sqlite_file_may_be_new_to_write_but_not_to_read(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    check_tracking_uri(uri)
    with pytest.raises(StoreError, match=r"mlflow\.db is not there"):
        check_tracking_uri(uri, to_read=True)
    (tmp_path / "mlflow.db").touch()
    check_tracking_uri(uri, to_read=True)


def test_the_default_drivers_are_those_of_the_installed_sqlalchemy() -> None:
    from sqlalchemy.engine import make_url

    modules = {name: make_url(f"{name}://host/db").get_dialect().driver for name in DRIVERS}
    assert {name: module.lower() for name, module in DRIVERS.items()} == modules


def test_the_databases_are_those_of_the_installed_mlflow() -> None:
    from mlflow.store.db.db_types import DATABASE_ENGINES

    assert {*DRIVERS, "sqlite"} == set(DATABASE_ENGINES)


@pytest.mark.parametrize(
    ("uri", "error", "lasting"),
    [
        ("http://host:1", "Connection refused", False),
        ("http://host:1", "API request failed with error code 401", True),
        ("sqlite:////x/mlflow.db", "(sqlite3.OperationalError) database is locked", False),
        ("sqlite:////x/mlflow.db", "(sqlite3.OperationalError) table _alembic_tmp_params already exists", True),
        ("sqlite:////x/mlflow.db", "", False),
        ("sqlite:////x/mlflow.db", "a mistake of our own", False),
    ],
)
def test_what_is_promised_depends_on_whether_the_fault_passes_by_itself(uri: str, error: str, lasting: bool) -> None:
    fault = cause(RuntimeError(error)) if error else ""
    assert stays(uri, fault) is lasting
    assert ("nothing is lost" in outlook(uri, fault)) is not lasting
    assert ("until you" in outlook(uri, fault)) is lasting


@pytest.mark.slow
def test_the_check_loads_neither_mlflow_nor_sqlalchemy() -> None:
    """Slow: in a process of its own."""
    program = (
        "import sys\nfrom ablate.store.tracking import check_tracking_uri\n"
        "for uri in ('http://host:1', 'sqlite:///mlflow.db', 'databricks'):\n    check_tracking_uri(uri)\n"
        "print([name for name in ('mlflow', 'sqlalchemy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("uri", "mend"),
    [
        ("https://team:secret@mlflow.example.org", "MLFLOW_TRACKING_PASSWORD"),
        ("postgresql://team:secret@host/mlflow", "PGPASSWORD"),
        ("postgresql+psycopg2://host/mlflow?user=team&password=secret", "PGPASSWORD"),
    ],
)
def test_a_password_in_the_uri_is_refused_and_not_shown(uri: str, mend: str) -> None:
    with pytest.raises(StoreError, match=mend) as refusal:
        check_tracking_uri(uri)
    assert "secret" not in str(refusal.value) and "***" in str(refusal.value)
