"""What we ask of MLflow whatever the run: files attached to it, its children, and a local store that readers may share."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.store.local_store import local_file

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


def attach(client: MlflowClient, run_id: str, files: Mapping[str, str | bytes]) -> None:
    """Files as artifacts of a run: name, which may have folders -> text or bytes."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        if files:
            client.log_artifacts(run_id, folder)


def children(client: MlflowClient, experiment: str, parent: str) -> Iterator[Run]:
    """The runs of a study's trials."""
    token = None
    while True:
        page = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{parent}'", page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def use_wal(tracking_uri: str) -> None:
    """Readers of a local sqlite file (the UI) and our writer then do not wait for each other. The setting stays in the file."""
    path = local_file(tracking_uri)
    if path is not None:
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
