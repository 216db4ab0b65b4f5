"""Ablations for tests of the store: nothing is trained, the curves are made up."""

from __future__ import annotations

from pathlib import Path

from ablate.store.archive import Archive
from ablate.store.asked import Asked
from ablate.store.folder import StudyFolder
from ablate.store.memory import Memory
from ablate.store.queue import ArmQueue, queue_of
from ablate.study.load import parse_study
from ablate.study.study import Study
from tests.store.studies import train

TEXT = """
study: made-up
data: {name: digits, protocol: closed}
objective: {metric: val/recall_at_1}
space:
  backbone: {mlp: {width: 16, depth: 1}}
  embedding_dim: 8
  loss: {triplet: {margin: 0.1}}
  optimizer: {adam: {lr: 0.001}}
  batch: {classes: 5, per_class: 4}
  epochs: 2
ablation:
  design: one_at_a_time
  factors: {loss: [triplet, info_nce], sampler: [random, hard]}
  seeds: 2
"""
TUNED = (
    "ablation.tune={trials: 3, epochs: 1}",
    "space.optimizer={adam: {lr: {log_uniform: [1e-4, 1e-2]}}}",
)
"""Gives each arm a search of three trials."""


def study(*overrides: str) -> Study:
    """The made-up ablation, with `--set` applied."""
    return parse_study(TEXT, "made-up.yaml", overrides)


def open_memory(path: Path, *overrides: str, archive: Archive | None = None) -> Memory:
    """The memory of an ablation whose folder is `path`, described as a run does."""
    asked, folder = study(*overrides), StudyFolder(path)
    path.mkdir(parents=True, exist_ok=True)
    folder.check(asked)
    memory = Memory(folder, asked, archive=archive)
    folder.describe(asked)
    return memory


def arm_queue(memory: Memory) -> ArmQueue:
    queue = queue_of(memory)
    assert isinstance(queue, ArmQueue)
    return queue


def run(memory: Memory, queue: ArmQueue, most: int = 1000) -> list[Asked]:
    """Train what the queue says, one after the other; a trial's quality is its learning rate's."""
    done: list[Asked] = []
    while len(done) < most and (asked := queue.next()) is not None:
        done.append(asked)
        lr = float(asked.configuration.optimizer.params["lr"])
        train(memory, asked, *(lr + epoch for epoch in range(asked.configuration.epochs)))
        memory.finish(asked.number, "complete")
    return done
