"""Studies for tests of the store: nothing is trained, the curves are made up."""

from __future__ import annotations

from pathlib import Path

from ablate.store.asked import Asked
from ablate.store.folder import StudyFolder
from ablate.store.memory import Memory
from ablate.study.load import parse_study
from ablate.study.study import Study
from ablate.types import TrialResult

TEXT = """
study: made-up
question: Does the store keep what it is told?
data: {name: digits, protocol: closed}
objective: {metric: val/recall_at_1}
space:
  backbone: {mlp: {width: [16, 32], depth: 1}}
  embedding_dim: [8, 16]
  loss:
    triplet: {margin: {uniform: [0.05, 0.5]}}
    info_nce: {temperature: {log_uniform: [0.02, 0.5]}}
  sampler: random
  optimizer: {adam: {lr: 0.001}}
  schedule: constant
  batch: {classes: 5, per_class: 4}
  epochs: 4
search: {algorithm: random, trials: 6}
"""
FINITE = ("space.loss={triplet: {margin: [0.1, 0.2, 0.3]}}",)
"""Makes the space one of 2 x 2 x 3 configurations."""


def study(*overrides: str) -> Study:
    """The made-up study, with `--set` applied."""
    return parse_study(TEXT, "made-up.yaml", overrides)


def open_memory(path: Path, *overrides: str) -> Memory:
    """The memory of a study whose folder is `path`, described as a run does."""
    asked, folder = study(*overrides), StudyFolder(path)
    path.mkdir(parents=True, exist_ok=True)
    memory = Memory(folder, asked)
    folder.describe(asked)
    return memory


def report(epoch: int, value: float, **more: float) -> dict[str, float]:
    """One epoch's report."""
    return {
        "epoch": epoch,
        "train/loss": 1.0 / epoch,
        "val/recall_at_1": value,
        "val/eer": 1 - value,
        "time/epoch_seconds": 0.5,
        "best/epoch": float(epoch),
        "cost/flops": 2e6,
        "cost/params": 1e3,
        "cost/train_seconds": 0.5 * epoch,
        "cost/seconds": 0.6 * epoch,
        **more,
    }


def train(memory: Memory, asked: Asked, *values: float, begin: int = 1) -> None:
    """Report these values, and leave a checkpoint."""
    for epoch, value in enumerate(values, begin):
        memory.report(asked.number, report(epoch, value))
        checkpoint = memory.folder.trial(asked.id) / f"checkpoint-{epoch:06d}"
        checkpoint.mkdir(parents=True)
        (checkpoint / "state.pt").write_text(str(epoch))


def new(memory: Memory) -> Asked:
    """A trial that must be there."""
    asked = memory.ask()
    assert asked is not None
    return asked


def run_to_the_end(memory: Memory) -> list[TrialResult]:
    """All trials the study asks for: every third is pruned after two epochs, the fourth fails."""
    while memory.count() < memory.study.search.trials:
        asked = new(memory)
        if asked.number == 4:
            memory.finish(asked.number, "failed", "diverged: the loss became nan")
        elif asked.number % 3 == 2:
            train(memory, asked, 0.2, 0.3)
            memory.finish(asked.number, "pruned", "behind at epoch 2 (ASHA)")
        else:
            train(memory, asked, 0.5, 0.6 + asked.number / 100, 0.55, 0.6)
            memory.finish(asked.number, "complete")
    return memory.results()
