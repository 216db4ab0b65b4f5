"""The queue of an ablation: which trials there are, in which order, none twice, whatever happens between."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ablate.errors import StoreError
from tests.store.ablations import TUNED, arm_queue, open_memory, run
from tests.store.studies import report, train

ARMS = ["baseline", "loss=info_nce", "sampler=hard"]


def test_every_arm_is_trained_with_every_seed_and_seeds_take_turns(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    queue = arm_queue(memory)
    assert (queue.total, queue.over) == (6, False)
    asked = run(memory, queue)
    assert [(each.arm, each.seed) for each in asked] == [(arm, seed) for seed in (0, 1) for arm in ARMS]
    assert {each.phase for each in asked} == {"final"}
    assert queue.over
    assert [(c.loss.name, c.sampler.name) for c in (each.configuration for each in asked[:3])] == [
        ("triplet", "random"),
        ("info_nce", "random"),
        ("triplet", "hard"),
    ]
    assert [row.arm for row in memory.results()] == ARMS * 2


def test_each_arm_is_tuned_as_much_as_every_other_and_judged_by_its_best(tmp_path: Path) -> None:
    memory = open_memory(tmp_path, *TUNED)
    queue = arm_queue(memory)
    assert queue.total == 3 * 3 + 6
    asked = run(memory, queue)
    tuning, finals = asked[:9], asked[9:]
    assert [each.arm for each in tuning] == ARMS * 3  # in turn
    assert {each.phase for each in tuning} == {"tune"} and {each.phase for each in finals} == {"final"}
    assert not {each.seed for each in tuning} & {each.seed for each in finals}  # fresh seeds
    assert {each.configuration.epochs for each in tuning} == {1}
    assert {each.configuration.epochs for each in finals} == {2}
    for arm in ARMS:
        best = max(float(each.configuration.optimizer.params["lr"]) for each in tuning if each.arm == arm)
        chosen = {each.configuration.optimizer.params["lr"] for each in finals if each.arm == arm}
        assert chosen == {best}


def test_an_arm_waits_for_its_own_tuning_only(tmp_path: Path) -> None:
    memory = open_memory(tmp_path, *TUNED)
    queue = arm_queue(memory)
    running = [queue.next() for _ in range(9)]
    assert queue.next() is None and not queue.over  # all that is left waits
    for asked in running:
        assert asked is not None
        if asked.arm == "loss=info_nce":
            train(memory, asked, 0.5)
            memory.finish(asked.number, "complete")
    judged = [queue.next(), queue.next()]
    assert [(each.arm, each.seed) for each in judged if each] == [("loss=info_nce", 0), ("loss=info_nce", 1)]
    assert queue.next() is None and not queue.over


def test_an_arm_whose_tuning_fails_throughout_is_never_judged(tmp_path: Path) -> None:
    memory = open_memory(tmp_path, *TUNED)
    queue = arm_queue(memory)
    for _ in range(9):
        asked = queue.next()
        assert asked is not None
        if asked.arm == "sampler=hard":
            memory.finish(asked.number, "failed", "diverged: the loss became nan")
        else:
            train(memory, asked, 0.5)
            memory.finish(asked.number, "complete")
    finals = run(memory, queue)
    assert Counter(each.arm for each in finals) == {"baseline": 2, "loss=info_nce": 2}
    assert queue.over


@pytest.mark.parametrize("most", range(0, 15, 2))
def test_a_study_that_stops_anywhere_goes_on_without_a_repeat(tmp_path: Path, most: int) -> None:
    memory = open_memory(tmp_path, *TUNED)
    first = run(memory, arm_queue(memory), most)
    interrupted = arm_queue(memory).next()
    again = open_memory(tmp_path, *TUNED)
    assert again.unfinished() == ([interrupted] if interrupted else [])
    for asked in again.unfinished():
        train(again, asked, 0.1)
        again.finish(asked.number, "complete")
    rest = run(again, arm_queue(again))
    cells = [(e.arm, e.seed, e.configuration.digest) for e in [*first, *([interrupted] if interrupted else []), *rest]]
    assert len(cells) == len(set(cells)) == 15
    assert Counter(row.arm for row in again.results()) == dict.fromkeys(ARMS, 5)


def test_another_seed_or_level_adds_its_own_cells_only(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    run(memory, arm_queue(memory))
    longer = open_memory(tmp_path, "ablation.seeds=3")
    assert [(e.arm, e.seed) for e in run(longer, arm_queue(longer))] == [(arm, 2) for arm in ARMS]
    wider = open_memory(tmp_path, "ablation.seeds=3", "ablation.factors.sampler=[random, hard, semi_hard]")
    assert [(e.arm, e.seed) for e in run(wider, arm_queue(wider))] == [("sampler=semi_hard", seed) for seed in range(3)]


def test_other_tuning_or_another_configuration_of_an_arm_is_refused(tmp_path: Path) -> None:
    open_memory(tmp_path)
    with pytest.raises(StoreError, match=r"arm baseline: space\.embedding_dim: was .*8.*, is .*16"):
        open_memory(tmp_path, "space.embedding_dim=16")
    with pytest.raises(StoreError, match=r"ablation\.tune: was none"):
        open_memory(tmp_path, *TUNED)
    with pytest.raises(StoreError, match=r"ablation\.design: was one_at_a_time, is grid"):
        open_memory(tmp_path, "ablation.design=grid")
    with pytest.raises(StoreError, match=r"space\.epochs: was 2, is 3"):
        open_memory(tmp_path, "space.epochs=3")


def test_of_equally_good_tuning_trials_the_cheapest_judges_the_arm(tmp_path: Path) -> None:
    memory = open_memory(tmp_path, *TUNED)
    queue = arm_queue(memory)
    cheapest = {}
    for number in range(9):  # arms take turns, and each turn is cheaper
        asked = queue.next()
        assert asked is not None
        memory.report(asked.number, {**report(1, 1.0), "cost/flops": 1e6 * (9 - number)})
        memory.finish(asked.number, "complete")
        cheapest[asked.arm] = asked.configuration.optimizer
    for arm in ARMS:
        final = queue.next()
        assert final is not None
        assert (final.arm, final.configuration.optimizer) == (arm, cheapest[arm])


def test_what_an_arm_left_unfinished_that_is_there_no_longer_is_left_as_it_is(tmp_path: Path) -> None:
    """Its tuning belongs to no search of the study; put back, the arm goes on."""
    memory = open_memory(tmp_path, *TUNED)
    queue = arm_queue(memory)
    while (asked := queue.next()) is not None and asked.arm != "sampler=hard":
        train(memory, asked, 0.5)
        memory.finish(asked.number, "complete")
    assert asked is not None and memory.unfinished() == [asked]
    fewer = open_memory(tmp_path, *TUNED, "ablation.factors={loss: [triplet, info_nce]}")
    assert fewer.unfinished() == [] and fewer.lengthened() == 0
    ended = run(fewer, arm_queue(fewer))
    assert {each.arm for each in ended} == {"baseline", "loss=info_nce"}
    assert open_memory(tmp_path, *TUNED).unfinished() == [asked]
