"""ASHA as `ablate` uses it: survives a restart, never stops a trial that is about to end, says whom it stopped."""

from __future__ import annotations

import math
import random
from types import SimpleNamespace

import pytest
from ray.tune.schedulers import TrialScheduler

from ablate.engine.stopping import GroupedStopping, Stopping
from ablate.study.schema import Asha
from ablate.study.study import Objective

METRIC = "val/recall_at_1"


def scheduler(*, epochs: int, grace: int = 1, factor: int = 3, goal: str = "maximize") -> Stopping:
    return Stopping(Asha(grace_epochs=grace, reduction_factor=factor), Objective(METRIC, goal), epochs)


def trial(number: int, tune_id: str = "") -> SimpleNamespace:
    return SimpleNamespace(trial_id=tune_id or f"tune-{random.random()}", config={"number": number})


def tell(stopping: Stopping, number: int, epoch: int, value: float) -> str:
    return stopping.on_trial_result(None, trial(number), {"epoch": epoch, METRIC: value})


def test_the_private_names_of_ray_that_stopping_reads_are_there() -> None:
    stopping = scheduler(epochs=9)
    assert (stopping._time_attr, stopping._metric, stopping._max_t) == ("epoch", METRIC, 10)
    stopping.on_trial_add(None, trial(0))
    assert list(stopping._trial_info) == ["0"]


def test_a_trial_behind_at_a_rung_is_stopped_and_named() -> None:
    stopping = scheduler(epochs=9)
    for number in range(4):
        stopping.on_trial_add(None, trial(number))
    for number, value in enumerate((0.9, 0.8, 0.7)):
        tell(stopping, number, 1, value)
    assert tell(stopping, 3, 1, 0.1) == TrialScheduler.STOP
    assert stopping.stopped[3] == "behind at epoch 1 (ASHA)"
    assert 0 not in stopping.stopped


def test_goal_minimize_stops_the_largest() -> None:
    stopping = scheduler(epochs=9, goal="minimize")
    for number in range(4):
        stopping.on_trial_add(None, trial(number))
    for number, value in enumerate((0.1, 0.2, 0.3)):
        tell(stopping, number, 1, value)
    assert tell(stopping, 3, 1, 0.9) == TrialScheduler.STOP


@pytest.mark.parametrize("epochs", [9, 10])  # 9 is a rung itself, 10 is not
def test_nobody_is_stopped_at_the_last_epoch(epochs: int) -> None:
    stopping = scheduler(epochs=epochs)
    for number in range(5):
        stopping.on_trial_add(None, trial(number))
        for epoch in range(1, epochs):
            tell(stopping, 0, epoch, 1.0)
    assert [tell(stopping, number, epochs, 1.0 - number / 10) for number in range(5)] == [TrialScheduler.CONTINUE] * 5


def test_a_report_without_a_finite_objective_neither_stops_nor_enters_a_rung() -> None:
    stopping = scheduler(epochs=9)
    stopping.on_trial_add(None, trial(0))
    assert stopping.on_trial_result(None, trial(0), {"failure": "diverged"}) == TrialScheduler.CONTINUE
    assert tell(stopping, 0, 1, math.nan) == TrialScheduler.CONTINUE
    assert all(not rung.recorded for rung in _rungs(stopping))


class _Rung:
    def __init__(self, milestone: int, recorded: dict[str, float]) -> None:
        self.milestone, self.recorded = milestone, recorded


def _rungs(stopping: Stopping) -> list[_Rung]:
    return [_Rung(milestone, dict(recorded)) for milestone, recorded in stopping._brackets[0]._rungs]


def _decide(
    stopping: Stopping, events: list[tuple[int, int, float]], alive: dict[int, int]
) -> list[tuple[int, int, str]]:
    """Feed events of trials that were not stopped before; `alive` maps a trial to the epoch it has reached."""
    decisions = []
    for number, epoch, value in events:
        if alive.get(number, -1) != epoch - 1:
            continue  # stopped earlier
        decision = tell(stopping, number, epoch, value)
        decisions.append((number, epoch, decision))
        if decision == TrialScheduler.CONTINUE:
            alive[number] = epoch
    return decisions


def _events(chance: random.Random, num_trials: int, epochs: int) -> list[tuple[int, int, float]]:
    """Interleaved reports of all trials, each in its own order of epochs."""
    waiting = {number: 1 for number in range(num_trials)}
    events = []
    while waiting:
        number = chance.choice(list(waiting)[:4])  # four slots
        events.append((number, waiting[number], chance.random()))
        waiting[number] += 1
        if waiting[number] > epochs:
            del waiting[number]
    return events


@pytest.mark.parametrize("seed", range(40))
def test_rungs_rebuilt_from_curves_decide_as_if_nothing_had_happened(seed: int) -> None:
    chance = random.Random(seed)
    epochs, grace, factor = chance.randint(5, 27), chance.randint(1, 3), chance.randint(2, 4)
    goal = chance.choice(["maximize", "minimize"])
    events = _events(chance, chance.randint(5, 30), epochs)
    cut = chance.randrange(len(events))
    numbers = {number for number, _, _ in events}

    unbroken = scheduler(epochs=epochs, grace=grace, factor=factor, goal=goal)
    for number in numbers:
        unbroken.on_trial_add(None, trial(number))
    alive = dict.fromkeys(numbers, 0)
    before = _decide(unbroken, events[:cut], alive)
    alive_at_cut = dict(alive)
    after = _decide(unbroken, events[cut:], alive)

    curves: dict[int, dict[int, float]] = {}
    values = {(number, epoch): value for number, epoch, value in events}
    for number, epoch, _ in before:
        curves.setdefault(number, {})[epoch] = values[number, epoch]
    restarted = scheduler(epochs=epochs, grace=grace, factor=factor, goal=goal)
    restarted.replay(curves)
    assert restarted.stopped == {}
    for number in numbers:
        restarted.on_trial_add(None, trial(number))
    assert _decide(restarted, events[cut:], alive_at_cut) == after
    assert [r.recorded for r in _rungs(restarted)] == [r.recorded for r in _rungs(unbroken)]


def in_group(number: int, group: str | None) -> SimpleNamespace:
    return SimpleNamespace(trial_id=f"tune-{number}", config={"number": number, "group": group})


def test_groups_are_stopped_apart_and_trials_of_no_group_never() -> None:
    """Each group is compared with an ASHA of its own as the oracle; the judging trials (group None) always go on."""
    grouped = GroupedStopping(Asha(grace_epochs=1, reduction_factor=2), (Objective(METRIC, "maximize"),), 8)
    apart = {group: scheduler(epochs=8, factor=2) for group in ("a", "b")}
    draw = random.Random(0)
    stopped = set()
    for number in range(40):
        group = draw.choice(["a", "b", None])
        asked = in_group(number, group)
        grouped.on_trial_add(None, asked)
        if group is not None:
            apart[group].on_trial_add(None, trial(number))
        for epoch in range(1, 9):
            value = draw.random() + (
                group == "b"
            )  # b is better throughout: in one ASHA with it every a would be stopped
            decision = grouped.on_trial_result(None, asked, {"epoch": epoch, METRIC: value})
            expected = TrialScheduler.CONTINUE if group is None else tell(apart[group], number, epoch, value)
            assert decision == expected
            if decision == TrialScheduler.STOP:
                stopped.add((number, group))
                break
        grouped.on_trial_complete(None, asked, {})
    assert {group for _, group in stopped} == {"a", "b"}
    assert set(grouped.stopped) == {number for number, _ in stopped}


def test_grouped_rungs_are_rebuilt_for_each_group_from_its_own_curves() -> None:
    make = (Asha(grace_epochs=1, reduction_factor=2), (Objective(METRIC, "maximize"),), 8)
    curves = {number: {1: number / 10} for number in range(6)}
    groups: dict[int, str | None] = {0: "a", 1: "b", 2: "a", 3: "b", 4: None, 5: "a"}
    replayed = GroupedStopping(*make)
    replayed.replay(curves, groups)
    assert {group: [sorted(r) for _, r in s._brackets[0]._rungs if r] for group, s in replayed.groups.items()} == {
        "a": [["0", "2", "5"]],
        "b": [["1", "3"]],
    }
    assert replayed.stopped == {}


def test_without_asha_nobody_is_stopped() -> None:
    grouped = GroupedStopping(None, (Objective(METRIC, "maximize"),), 8)
    for number in range(10):
        assert grouped.on_trial_result(None, in_group(number, ""), {"epoch": 1, METRIC: -number}) == "CONTINUE"


def test_the_next_to_run_is_the_first_that_waits_and_ended_trials_are_not_looked_at() -> None:
    def chosen(**statuses: str) -> int | None:
        live = [SimpleNamespace(config={"number": int(name[1:])}, status=status) for name, status in statuses.items()]
        controller = SimpleNamespace(get_live_trials=lambda: live)  # has no get_trials
        found = GroupedStopping(None, (Objective(METRIC, "maximize"),), 8).choose_trial_to_run(controller)
        return None if found is None else int(found.config["number"])

    assert chosen(_7="RUNNING", _9="PENDING", _8="PENDING") == 8
    assert chosen(_7="RUNNING") is None
    assert chosen() is None
