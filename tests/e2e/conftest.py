"""A folder for studies, and a Ray that they may join."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.nodes import head


@pytest.fixture
def out(tmp_path: Path, empty_store: Path) -> Path:
    """Where studies go, with an empty store of MLflow's in it: a study would make its own, and take seconds for that."""
    folder = tmp_path / "runs"
    folder.mkdir()
    shutil.copy(empty_store, folder / "mlflow.db")
    return folder


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """The address of a head node of 2 CPUs."""
    with head(tmp_path, "--num-cpus=2") as address:
        yield address
