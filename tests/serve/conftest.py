"""One trained study, and its best trial exported once, for all tests of models."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve.models import run
from tests.training.studies import shared_cache, trained_search


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of studies with `made-up`."""
    patch, folder = shared_cache(tmp_path_factory), tmp_path_factory.mktemp("served") / "runs"
    trained_search(folder / "made-up")
    yield folder
    patch.undo()


@pytest.fixture(scope="session")
def exported(runs: Path) -> Path:
    """The best trial of `made-up` as safetensors; not to be changed."""
    run("export", runs / "made-up", "--output", runs.parent / "exported")
    return runs.parent / "exported"


@pytest.fixture
def model(exported: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(exported, tmp_path / "model"))
