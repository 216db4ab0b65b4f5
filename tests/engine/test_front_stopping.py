"""ASHA of several objectives: a cheap and decent network goes on, a dominated one does not, and a restart changes nothing."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.schedulers import TrialScheduler
from ray.tune.schedulers.async_hyperband import _Bracket

from ablate.engine.front_stopping import FrontStopping, goes_on
from ablate.engine.stopping import GroupedStopping, Stopping, stopping_of
from ablate.study.schema import Asha
from ablate.study.study import Objective

RECALL, FLOPS, LATENCY = "val/recall_at_1", "cost/flops", "cost/latency_ms_p50"
BOTH = (Objective(RECALL, "maximize"), Objective(FLOPS, "minimize"))
ASHA = Asha(grace_epochs=1, reduction_factor=3)


def trial(number: int, **known: float) -> SimpleNamespace:
    costs = {name.replace("__", "/"): value for name, value in known.items()}
    return SimpleNamespace(config={"number": number, "group": "", "spec": {"known_costs": costs}})


def tell(stopping: Any, number: int, epoch: int, recall: float, flops: float) -> str:
    return str(stopping.on_trial_result(None, trial(number), {"epoch": epoch, RECALL: recall, FLOPS: flops}))


def test_the_private_names_of_ray_that_it_reads_are_there() -> None:
    stopping = FrontStopping(ASHA, BOTH, 9)
    assert [milestone for milestone, _ in _Bracket(1, 10, 3, 0)._rungs] == [9, 3, 1]
    assert [milestone for milestone, _ in stopping._brackets[0]._rungs] == [9, 3, 1]
    stopping.on_trial_add(None, trial(0))
    assert stopping._trial_info["0"] is stopping._brackets[0]


@pytest.mark.parametrize("stopping", [FrontStopping(ASHA, BOTH, 9), Stopping(ASHA, BOTH[0], 9)])
def test_a_cheap_and_decent_network_goes_on_where_one_objective_would_stop_it(stopping: Stopping) -> None:
    for number in range(10):
        stopping.on_trial_add(None, trial(number))
    for number in range(8):
        tell(stopping, number, 1, 0.90 - number / 100, 1e9 + number)
    cheap, behind = tell(stopping, 8, 1, 0.80, 1e6), tell(stopping, 9, 1, 0.79, 2e9)
    by_front = isinstance(stopping, FrontStopping)
    assert cheap == (TrialScheduler.CONTINUE if by_front else TrialScheduler.STOP)
    assert behind == TrialScheduler.STOP
    assert stopping.stopped[9] == "behind at epoch 1 (ASHA)"


def test_the_best_third_goes_on_and_the_first_always() -> None:
    assert goes_on((1.0, 1.0), [], 3)
    earlier = [(float(k), float(k)) for k in range(8)]  # each dominates the next
    assert [goes_on((place + 0.5, place + 0.5), earlier, 3) for place in (0, 1, 2, 3)] == [True, True, False, False]


def test_latency_is_known_before_the_trial_and_what_is_not_known_stops_nobody() -> None:
    objectives = (BOTH[0], Objective(LATENCY, "minimize"))
    stopping = FrontStopping(ASHA, objectives, 9)
    for number in range(4):
        stopping.on_trial_add(None, trial(number))
    for number in range(3):
        stopping.on_trial_result(None, trial(number, cost__latency_ms_p50=1.0), {"epoch": 1, RECALL: 0.9})
    report = {"epoch": 1, RECALL: 0.1}
    assert stopping.on_trial_result(None, trial(3), report) == TrialScheduler.CONTINUE
    assert stopping.on_trial_result(None, trial(3, cost__latency_ms_p50=2.0), report) == TrialScheduler.STOP


@pytest.mark.parametrize("seed", range(10))
def test_rungs_rebuilt_from_points_decide_as_if_nothing_had_happened(seed: int) -> None:
    chance, epochs = random.Random(seed), 9
    unbroken = GroupedStopping(ASHA, BOTH, epochs)
    curves: dict[int, dict[int, tuple[float, ...]]] = {}

    def run(numbers: range, *schedulers: GroupedStopping) -> None:
        for number in numbers:
            for scheduler in schedulers:
                scheduler.on_trial_add(None, trial(number))
            flops = float(chance.choice([1e6, 1e7, 1e8]))
            for epoch in range(1, epochs + 1):
                recall = chance.random()
                decisions = {tell(scheduler, number, epoch, recall, flops) for scheduler in schedulers}
                curves.setdefault(number, {})[epoch] = (-recall, flops)
                assert len(decisions) == 1
                if decisions == {TrialScheduler.STOP}:
                    break

    run(range(20), unbroken)
    restarted = GroupedStopping(ASHA, BOTH, epochs)
    restarted.replay(curves, dict.fromkeys(curves, ""))
    assert restarted.stopped == {}
    run(range(20, 60), unbroken, restarted)


def test_one_objective_is_stopped_by_rays_own_rungs() -> None:
    assert type(stopping_of(ASHA, BOTH[:1], 9)) is Stopping
    assert type(stopping_of(ASHA, BOTH, 9)) is FrontStopping


def test_equal_trials_share_what_becomes_of_them_as_with_one_objective() -> None:
    by_front, by_one = FrontStopping(ASHA, BOTH, 9), Stopping(ASHA, BOTH[0], 9)
    for stopping in (by_front, by_one):
        for number in range(9):
            stopping.on_trial_add(None, trial(number))
        assert {tell(stopping, number, 1, 1.0, 1e6) for number in range(9)} == {TrialScheduler.CONTINUE}
    assert not goes_on((3.0, 3.0), [(float(k), float(k)) for k in range(6)], 3)  # equal to one that is far behind
