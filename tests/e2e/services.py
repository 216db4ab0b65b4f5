"""What a team has beside its cluster: PostgreSQL and an MLflow server, as processes of this machine."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.nodes import free_port

DATABASES = ("optuna", "mlflow")


def _programs() -> Path:
    """Where PostgreSQL's are: Debian keeps them out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    place = shutil.which("initdb") or (found[-1] if found else None)
    if place is None:
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    return Path(place).parent


@contextmanager
def postgresql() -> Iterator[str]:
    """A server of its own with the DATABASES; gives its URL, to which the name of one is to be added."""
    import psycopg2

    programs, port = _programs(), free_port()
    user = "postgres" if os.getuid() == 0 else None  # it refuses to be run by root
    if user is not None and user not in {entry.pw_name for entry in pwd.getpwall()}:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # where user postgres may go, too
    try:
        if user is not None:
            shutil.chown(folder, user)
        data = folder / "data"
        init = [str(programs / "initdb"), "--username=me", "--auth=trust", "--no-sync", f"--pgdata={data}"]
        subprocess.run(init, check=True, capture_output=True, user=user, cwd=folder)
        words = [str(programs / "postgres"), *f"-D {data} -p {port} -k {folder} -h 127.0.0.1 -F".split()]
        with (folder / "log").open("w") as log:
            server = subprocess.Popen(words, stdout=log, stderr=log, user=user, cwd=folder)
        try:
            connection = None
            while connection is None:
                assert server.poll() is None, (folder / "log").read_text()
                try:
                    connection = psycopg2.connect(host="127.0.0.1", port=port, user="me", dbname="postgres")
                except psycopg2.OperationalError:
                    time.sleep(0.1)  # it is just starting
            connection.autocommit = True
            for name in DATABASES:
                connection.cursor().execute(f"create database {name}")
            connection.close()
            yield f"postgresql+psycopg2://me@127.0.0.1:{port}/"
        finally:
            server.send_signal(signal.SIGINT)  # SIGTERM would wait for its clients
            server.wait(timeout=60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def mlflow_server(folder: Path, database: str, port: int) -> Iterator[str]:
    """A tracking server over a database; gives its address. It may be stopped and started again on the same port."""
    words = [sys.executable, "-m", "mlflow", "server", "--host=127.0.0.1", f"--port={port}", "--workers=1"]
    words += [f"--backend-store-uri={database}", "--serve-artifacts", f"--artifacts-destination={folder / 'artifacts'}"]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "mlflow.log").open("a") as log:
        server = subprocess.Popen(
            words, stdout=log, stderr=log, env={**os.environ, **quiet}, start_new_session=True, cwd=folder
        )
    try:
        address, end = f"http://127.0.0.1:{port}", time.monotonic() + 180
        while not _answers(f"{address}/health"):
            assert server.poll() is None and time.monotonic() < end, (folder / "mlflow.log").read_text()
            time.sleep(0.2)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
