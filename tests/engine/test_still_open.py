"""What a study lacks after its last trial."""

from __future__ import annotations

from pathlib import Path

from ablate.engine.closing import still_open
from tests.store.ablations import arm_queue, open_memory
from tests.store.studies import train


def test_the_best_that_is_drawn_judges_an_arm_that_the_ablation_still_has(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    queue = arm_queue(memory)
    while (asked := queue.next()) is not None:
        train(memory, asked, 0.1, 0.9 if asked.arm == "sampler=hard" else 0.5 if asked.arm == "baseline" else 0.2)
        memory.finish(asked.number, "complete")
    best = still_open(memory).picture
    assert best is not None and best.arm == "sampler=hard"
    best = still_open(open_memory(tmp_path, "ablation.factors={loss: [triplet, info_nce]}")).picture
    assert best is not None and best.arm == "baseline"
