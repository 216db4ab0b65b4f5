"""What a trial has spent is added up over the processes that trained it; what was not measured stays unknown."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ablate.cost import energy
from ablate.training import loop
from ablate.training.checkpoint import Progress
from ablate.training.loop import train
from ablate.training.spent import Spent
from tests.training.trials import trial

CPU = torch.device("cpu")


class Meter:
    """A counter of hardware, as this machine may have none: so many joules, or none at all."""

    def __init__(self, value: float | None) -> None:
        self.value = value

    def joules(self) -> float | None:
        return self.value


def spent(folder: Path, gpus: float = 0.0, usd_per_hour: float | None = None) -> Spent:
    """Of a trial that began 100 seconds ago."""
    spec = replace(trial(folder), gpus=gpus, usd_per_hour=usd_per_hour)
    return Spent(spec, CPU, time.perf_counter() - 100)


def test_seconds_of_an_earlier_process_count_for_gpu_seconds_and_money(tmp_path: Path) -> None:
    made = spent(tmp_path, gpus=0.5, usd_per_hour=3.6)
    # the process before had a whole GPU: the trial had run out of memory beside others
    made.earlier = Progress(epoch=1, seconds=900.0, gpu_seconds=900.0, usd=1.8, train_seconds=40.0)
    costs = made.costs(Progress(epoch=2, train_seconds=80.0), batch_size=10, steps=200)
    assert costs["cost/seconds"] == pytest.approx(1000, abs=5)
    assert costs["cost/gpu_seconds"] == pytest.approx(900 + 0.5 * 100, abs=2.5)
    assert costs["cost/usd"] == pytest.approx(1.8 + 100 / 3600 * 3.6, abs=0.005)
    assert costs["cost/samples_per_second"] == 2 * 200 * 10 / 80


def test_money_is_left_out_where_nothing_says_what_an_hour_costs(tmp_path: Path) -> None:
    assert "cost/usd" not in spent(tmp_path).costs(Progress(epoch=1, train_seconds=1.0), batch_size=1, steps=1)


def test_the_share_of_the_data_is_that_of_the_training_steps_of_this_process(tmp_path: Path) -> None:
    made = spent(tmp_path)
    made.earlier = Progress(epoch=1, train_seconds=40.0)
    made.clock.begin()
    time.sleep(0.05)
    made.clock.end()
    time.sleep(0.05)
    share = made.costs(Progress(epoch=2, train_seconds=41.0), batch_size=1, steps=1)["cost/data_share"]
    assert 0.05 <= share < 0.1


def test_energy_is_added_up_and_unknown_where_a_part_of_it_is(tmp_path: Path) -> None:
    made = spent(tmp_path)
    made.meter.counters = {"gpu": None, "cpu": Meter(5.0)}
    progress = Progress(epoch=1, train_seconds=1.0)
    costs = made.costs(progress, batch_size=1, steps=1)
    assert costs["cost/cpu_energy_joules"] == progress.cpu_joules == 5.0
    assert "cost/gpu_energy_joules" not in costs and progress.gpu_joules is None
    made.earlier = replace(progress)
    made.meter.counters = {"gpu": Meter(7.0), "cpu": Meter(1.0)}
    progress.train_seconds = 2.0
    costs = made.costs(progress, batch_size=1, steps=1)
    assert costs["cost/cpu_energy_joules"] == 6.0
    assert "cost/gpu_energy_joules" not in costs, "of the earlier process nobody knows"


def test_a_continued_trial_goes_on_counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "cpu_counter", lambda cpus: Meter(2.0))
    reports: list[dict[str, int | float]] = []
    train(trial(tmp_path, epochs=1), reports.append)
    train(trial(tmp_path, epochs=2), reports.append)
    first, second = reports
    assert (first["cost/cpu_energy_joules"], second["cost/cpu_energy_joules"]) == (2.0, 4.0)
    for name in ("cost/train_seconds", "cost/seconds", "cost/peak_host_mib"):
        assert second[name] >= first[name] > 0
    assert 0 < second["cost/data_share"] < 1


def test_the_clock_runs_while_a_batch_is_made_and_augmented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = loop.parts_of

    def slow(*given: object) -> object:
        parts = real(*given)  # type: ignore[arg-type]

        def augment(images: torch.Tensor, draw: object) -> torch.Tensor:
            time.sleep(0.05)
            return images

        return replace(parts, augment=augment)

    monkeypatch.setattr(loop, "parts_of", slow)
    reports: list[dict[str, int | float]] = []
    train(trial(tmp_path), reports.append)
    steps = round(reports[0]["cost/data_share"] * reports[0]["cost/train_seconds"] / 0.05)
    assert steps >= 11, "an epoch has 11 steps"
