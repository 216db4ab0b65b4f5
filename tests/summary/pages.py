"""Studies for tests of the page: stored as a run stores them, with curves; nothing is trained."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from ablate.store.read import StudyResults, read_folder
from tests.store import ablations, studies
from tests.store.studies import report

SPACE = (
    "space.backbone={mlp: {width: [16, 32, 64, 128], depth: [1, 2]}, simple_cnn: }",
    "space.optimizer={adam: {lr: {log_uniform: [1e-4, 1e-2]}}, sgd: {lr: {log_uniform: [1e-3, 0.1]}}}",
    "space.sampler=[random, hard, semi_hard]",
)


def search(path: Path, *, trials: int, epochs: int = 8) -> StudyResults:
    """A search in which wider networks are better and dearer; some trials are pruned, one failed."""
    memory = studies.open_memory(path, f"search.trials={trials}", f"space.epochs={epochs}", *SPACE)
    draw = np.random.default_rng(0)
    while (asked := memory.ask()) is not None and memory.count() <= trials:
        if asked.number == 3:
            memory.finish(asked.number, "failed", "diverged: the loss became nan")
            continue
        width = int(asked.configuration.backbone.params.get("width", 48))
        best = 0.5 + 0.09 * np.log2(width / 8) + draw.normal(0, 0.03)
        last = epochs if asked.number % 4 else epochs // 2
        for epoch in range(1, last + 1):
            value = min(0.999, best * (1 - 0.6 * 0.7**epoch) + draw.normal(0, 0.005))
            memory.report(asked.number, report(epoch, value, **costs(width, epoch)))
        memory.finish(
            asked.number, "complete" if last == epochs else "pruned", None if last == epochs else "behind (ASHA)"
        )
    return read_folder(path)


def repeated(study: StudyResults, *, times: int) -> StudyResults:
    """The same trials again and again, under new ids, their curves with them."""
    assert study.folder is not None, "it was stored"
    rows = []
    for number, row in enumerate(study.trials * times):
        own = study.folder / "trials" / row.id
        if number >= len(study.trials) and own.exists():
            shutil.copytree(own, study.folder / "trials" / f"{number:04d}")
        rows.append(replace(row, id=f"{number:04d}"))
    return replace(study, trials=rows)


def costs(width: int, epoch: int) -> dict[str, float]:
    return {
        "cost/flops": 2e4 * width**1.5,
        "cost/params": 900.0 * width,
        "cost/latency_ms_p50": 0.2 + width / 100,
        "cost/train_seconds": (0.5 + width / 64) * epoch,
        "cost/peak_memory_mib": 200.0 + width,
    }


def ablation(path: Path, *, seeds: int = 4, levels: str = "[triplet, info_nce, contrastive, circle]") -> StudyResults:
    """An ablation of losses and samplers."""
    factors = f"ablation.factors={{loss: {levels}, sampler: [random, hard, semi_hard]}}"
    memory = ablations.open_memory(path, f"ablation.seeds={seeds}", "space.epochs=6", factors)
    queue, draw = ablations.arm_queue(memory), np.random.default_rng(1)
    while (asked := queue.next()) is not None:
        better = {"info_nce": 0.06, "circle": 0.05, "contrastive": -0.03}.get(asked.configuration.loss.name, 0.0)
        better += {"hard": -0.1, "semi_hard": 0.02}.get(asked.configuration.sampler.name, 0.0)
        dear = 2 if asked.configuration.loss.name == "circle" else 1
        for epoch in range(1, 7):
            value = (0.75 + better) * (1 - 0.5 * 0.5**epoch) + draw.normal(0, 0.006)
            told = costs(16 * dear, epoch) | ({"test/recall_at_1": value - 0.02} if epoch == 6 else {})
            memory.report(asked.number, report(epoch, value, **told))
        memory.finish(asked.number, "complete")
    return read_folder(path)
