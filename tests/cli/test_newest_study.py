"""Which study a command reads that names none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ablate.cli.read import study_folder
from ablate.errors import AblateError


def made(out: Path, name: str, *, at: float, files: tuple[str, ...] = ("study.json", "journal.log")) -> Path:
    """The files of a study that were last written `at`, seconds since 1970."""
    (out / name).mkdir()
    for file in files:
        (out / name / file).touch()
        os.utime(out / name / file, (at, at))
    return out / name


def test_the_newest_is_what_was_written_last_also_where_its_memory_is_a_database(tmp_path: Path) -> None:
    with pytest.raises(AblateError, match="there is no study in"):
        study_folder(None, tmp_path)
    older = made(tmp_path, "older", at=1e9)
    assert study_folder(None, tmp_path) == older
    shared = made(tmp_path, "shared", at=2e9, files=("study.json",))
    assert study_folder(None, tmp_path) == shared
    os.utime(older / "journal.log", (3e9, 3e9))  # a run that began earlier still writes
    assert study_folder(None, tmp_path) == older
