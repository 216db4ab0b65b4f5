"""Whole studies on digits, really trained, for tests of what is read from a study's folder; a trial takes 0.1 s."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.engine.specify import specify
from ablate.store.asked import Asked
from ablate.store.folder import StudyFolder
from ablate.store.memory import Memory
from ablate.training.loop import train
from ablate.training.portrait import Portrait
from ablate.training.portray import portray
from ablate.training.prepare import prepare_data
from ablate.training.spec import TrialSpec
from tests.store import ablations, studies

ROOT = Path("/nowhere")
"""Digits come with scikit-learn."""


def trained_search(path: Path, *overrides: str) -> Memory:
    """Trial 0000 is complete and the best, 0001 pruned, 0002 failed, 0003 complete; only the first has read the test."""
    asked_for = studies.study("space.epochs=2", "search.trials=4", *overrides)
    path.mkdir(parents=True, exist_ok=True)
    memory = Memory(StudyFolder(path), asked_for)
    memory.folder.describe(asked_for, prepare_data(asked_for, ROOT)[1])
    _train(memory, studies.new(memory))
    pruned = studies.new(memory)
    memory.report(pruned.number, studies.report(1, 0.2))
    memory.finish(pruned.number, "pruned", "behind at epoch 1 (ASHA)")
    memory.finish(studies.new(memory).number, "failed", "diverged: the loss became nan")
    last = studies.new(memory)
    memory.report(last.number, studies.report(1, 0.1))
    memory.finish(last.number, "complete")
    memory.measured.note(latency={}, tests={"0000": {"test/recall_at_1": 0.9}})
    return memory


def trained_ablation(path: Path, *overrides: str) -> Memory:
    """Three arms, each trained by two seeds."""
    memory = ablations.open_memory(path, *overrides)
    queue = ablations.arm_queue(memory)
    while (asked := queue.next()) is not None:
        _train(memory, asked)
    return memory


def spec_of(memory: Memory, asked: Asked) -> TrialSpec:
    """What a worker is told of a trial."""
    data, _ = prepare_data(memory.study, ROOT)
    return specify(asked, memory.study, data, memory.folder, {})


def portrait_of(memory: Memory, id: str) -> Portrait:
    """A trial seen by its best weights."""
    return portray(replace(spec_of(memory, memory.asked(id)), cpus=1))


def shared_cache(factory: pytest.TempPathFactory) -> pytest.MonkeyPatch:
    """The cache of the test run (`conftest.own_cache`) for fixtures that outlive a test; to be undone."""
    patch = pytest.MonkeyPatch()
    patch.setenv("ABLATE_CACHE", os.fspath(factory.getbasetemp() / "cache"))
    return patch


def _train(memory: Memory, asked: Asked) -> None:
    train(spec_of(memory, asked), lambda report: memory.report(asked.number, report))
    memory.finish(asked.number, "complete")
