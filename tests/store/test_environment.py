"""The environment that a study notes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ablate.store.environment import describe_environment


def test_it_names_versions_and_hardware_as_text() -> None:
    facts = describe_environment()
    assert facts["python"] == sys.version.split()[0]
    assert facts["version.optuna"][0].isdigit()
    assert float(facts["memory_gib"]) > 0
    assert all(isinstance(value, str) and value for value in facts.values())


def test_it_names_the_commit_of_the_working_folder_and_whether_files_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
        return subprocess.run(
            ["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    monkeypatch.chdir(tmp_path)
    assert "git.commit" not in describe_environment()
    git("init")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-m", "first")
    facts = describe_environment()
    assert (facts["git.commit"], facts["git.changed"]) == (git("rev-parse", "HEAD").strip(), "no")
    (tmp_path / "file").write_text("two")
    assert describe_environment()["git.changed"] == "yes"
