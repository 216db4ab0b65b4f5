"""What `ablate plan` says of trials that an earlier run has left."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablate.cli.run import _earlier
from ablate.summary.plan import make_plan
from tests.store.ablations import arm_queue, open_memory, run, study


def test_trials_count_as_kept_where_the_study_has_their_arm_and_their_seed(tmp_path: Path) -> None:
    memory = open_memory(tmp_path / "made-up")
    run(memory, arm_queue(memory))
    for changes, kept in (([], 6), (["ablation.factors={loss: [triplet, info_nce]}"], 4), (["ablation.seeds=1"], 3)):
        asked = study(*changes)
        assert make_plan(asked, {}, _earlier(asked, tmp_path)).done == kept


def test_trials_that_answer_another_question_are_told_as_run_would_and_count_as_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    memory = open_memory(tmp_path / "made-up")
    run(memory, arm_queue(memory))
    asked = study("space.embedding_dim=16")
    assert _earlier(asked, tmp_path) is None
    told = capsys.readouterr().err
    assert "as it stands `ablate run` would refuse this" in told and "space.embedding_dim: was 8, is 16" in told
    assert _earlier(study("study=another"), tmp_path) is None and not capsys.readouterr().err
