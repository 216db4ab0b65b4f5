"""The simulated run: cases that can be told by hand, and bounds that every schedule keeps."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.study.schema import Asha
from ablate.summary.halving import reach
from ablate.summary.simulated_run import MOST_MEASURED, Overheads, Planned, simulate
from ablate.training.probe import Pace

NOTHING = Overheads(start=0, first_of_slot=0, trial=0, report=0, closing=0)
SCALING = Path(__file__).parents[2] / "docs" / "scaling.md"
ASHA = Asha(grace_epochs=1, reduction_factor=3)


def equal(
    count: int, *, setup: float = 1.0, epoch: float = 2.0, epochs: int = 3, group: str | None = None
) -> list[Planned]:
    return [Planned(Pace(setup, epoch, 0.0), epochs, group) for _ in range(count)]


@pytest.mark.parametrize(("count", "slots", "rounds"), [(1, 1, 1), (7, 1, 7), (7, 3, 3), (9, 3, 3), (4, 256, 1)])
def test_equal_trials_take_rounds(count: int, slots: int, rounds: int) -> None:
    run = simulate(equal(count), slots=slots, overheads=NOTHING)
    assert run.seconds == pytest.approx(rounds * 7.0)
    assert run.busy_seconds == pytest.approx(count * 7.0)
    assert run.reports == count * 3


def test_a_slot_pays_for_its_process_once_and_a_study_for_its_start_and_end() -> None:
    overheads = replace(NOTHING, start=5, first_of_slot=6, closing=9)
    assert simulate(equal(6), slots=2, overheads=overheads).seconds == pytest.approx(5 + 6 + 3 * 7.0 + 9)


def test_the_driver_serves_one_report_at_a_time() -> None:
    overheads = replace(NOTHING, report=1.0)
    run = simulate(equal(100, setup=0.0, epoch=2.0, epochs=1), slots=100, overheads=overheads)
    assert run.seconds == pytest.approx(2.0 + 100 * 1.0)
    busy_driver = simulate(equal(100, setup=0.0, epoch=2.0, epochs=4), slots=100, overheads=overheads)
    assert busy_driver.seconds == pytest.approx(2.0 + 400 * 1.0)


def test_a_report_takes_the_driver_as_long_as_was_measured_in_small_studies_and_in_large_ones() -> None:
    table = SCALING.read_text().split("## Ten thousand trials")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([\d,]+) \| [\d,.]+ \| \d+ \| ([\d.]+) \|", table, re.MULTILINE)
    measured = {int(trials.replace(",", "")): float(milliseconds) / 1000 for trials, milliseconds in rows}
    assert len(measured) == 3 and max(measured) == MOST_MEASURED
    for seconds in measured.values():
        assert Overheads().report == pytest.approx(seconds, rel=0.08)


def test_an_arm_is_judged_only_when_its_tuning_is_over() -> None:
    slow, fast = Pace(0.0, 10.0, 0.0), Pace(0.0, 1.0, 0.0)
    tuning = [Planned(slow, 1, "a"), Planned(fast, 1, "b"), Planned(slow, 1, "a"), Planned(fast, 1, "b")]
    judged = [Planned(fast, 1, after="a"), Planned(fast, 1, after="b")]
    assert simulate(tuning, slots=4, overheads=NOTHING).seconds == pytest.approx(10.0)
    assert simulate([*tuning, *judged], slots=4, overheads=NOTHING).seconds == pytest.approx(11.0)
    assert simulate([*tuning, judged[1]], slots=4, overheads=NOTHING).seconds == pytest.approx(10.0)


def test_the_test_split_is_read_after_the_last_epoch() -> None:
    pace = Pace(1.0, 2.0, 5.0)
    run = simulate([Planned(pace, 2, tested=True), Planned(pace, 2)], slots=1, overheads=NOTHING)
    assert run.seconds == run.busy_seconds == pytest.approx(2 * (1 + 2 * 2) + 5)


def test_no_schedule_beats_its_bounds() -> None:
    draw = random.Random(0)
    for slots in (1, 2, 5, 31):
        trials = [Planned(Pace(draw.random(), draw.expovariate(1), 0.0), draw.randint(1, 9)) for _ in range(60)]
        seconds = [trial.pace.setup + trial.epochs * trial.pace.epoch for trial in trials]
        run = simulate(trials, slots=slots, overheads=NOTHING)
        least = max(sum(seconds) / slots, max(seconds))
        assert (
            least - 1e-9 <= run.seconds <= sum(seconds) / slots + max(seconds)
        )  # Graham's bound for handing out in a list
        assert run.busy_seconds == pytest.approx(sum(seconds))


def test_equal_seeds_give_equal_runs_and_others_stop_other_trials() -> None:
    trials = equal(50, epochs=9, group="")
    runs = [simulate(trials, slots=4, asha=ASHA, seed=seed) for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("slots", [1, 8])
def test_asha_stops_as_many_as_the_plan_says(slots: int) -> None:
    trials = equal(200, setup=0.0, epoch=1.0, epochs=9, group="")
    runs = [simulate(trials, slots=slots, asha=ASHA, overheads=NOTHING, seed=seed) for seed in range(30)]
    come = reach(ASHA, trials=200, epochs=9)
    planned = come[1] * 1 + come[3] * 2 + come[9] * 6
    assert sum(run.reports for run in runs) / 30 == pytest.approx(planned, rel=0.1)


def test_trials_of_no_group_are_never_stopped() -> None:
    assert simulate(equal(50, epochs=9), slots=4, asha=ASHA, overheads=NOTHING).reports == 450
