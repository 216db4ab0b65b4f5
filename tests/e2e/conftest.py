"""A Ray that a study may join."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.nodes import head


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """The address of a head node of 2 CPUs."""
    with head(tmp_path, "--num-cpus=2") as address:
        yield address
