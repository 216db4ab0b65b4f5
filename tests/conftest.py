"""What all tests share: a cache of their own, and where the real data lie."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.object_store import object_store

# Set before any test imports Ray; none of it may touch the home folder.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Decoded data and measured latencies of this test run: shared between its tests, not with the user's."""
    cache = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setenv("ABLATE_CACHE", str(cache))
    return cache


@pytest.fixture
def data_root() -> Path:
    """The data folder, or a skip that says what is missing."""
    root = os.environ.get("ABLATE_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("ABLATE_DATA names no data folder")
    return Path(root)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sqlite file with MLflow's tables and nothing in them: to make one takes seconds (its migrations), to copy it none."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, str]]:
    """An object store for this test run, and the environment that leads to it, which is also set here."""
    with object_store() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield environment
