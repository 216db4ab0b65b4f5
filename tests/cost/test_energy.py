"""Energy is what the counters of the hardware say, of work that holds it whole; else it is not measured."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ablate.cost import energy
from ablate.cost.energy import EnergyMeter, Rapl, cpu_counter, gpu_counter

CPU = torch.device("cpu")
RANGE = 262_143_328_850
"""Microjoules after which the counter of a server's package goes round."""
ALL = os.cpu_count() or 1


@pytest.fixture
def powercap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Linux's folder on a machine of two packages: with a part of one, which is in its package's counter, and the whole."""
    for zone, name in (
        ("intel-rapl:0", "package-0"),
        ("intel-rapl:1", "package-1"),
        ("intel-rapl:0:0", "core"),
        ("intel-rapl:2", "psys"),
    ):
        (tmp_path / zone).mkdir()
        (tmp_path / zone / "name").write_text(f"{name}\n")
        (tmp_path / zone / "max_energy_range_uj").write_text(f"{RANGE}\n")
        (tmp_path / zone / "energy_uj").write_text("1000000\n")
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    return tmp_path


def set_joules(powercap: Path, zone: str, joules: float) -> None:
    (powercap / zone / "energy_uj").write_text(f"{round(joules * 1e6)}\n")


def test_joules_of_both_packages_are_added_and_nothing_twice(powercap: Path) -> None:
    counter = cpu_counter(ALL)
    assert counter is not None
    for zone, joules in (
        ("intel-rapl:0", 4.0),
        ("intel-rapl:1", 2.5),
        ("intel-rapl:0:0", 99.0),
        ("intel-rapl:2", 99.0),
    ):
        set_joules(powercap, zone, joules)
    assert counter.joules() == pytest.approx(3.0 + 1.5)


def test_a_counter_that_went_round_goes_on(powercap: Path) -> None:
    set_joules(powercap, "intel-rapl:0", RANGE / 1e6 - 10)
    counter = cpu_counter(ALL)
    assert counter is not None
    set_joules(powercap, "intel-rapl:0", 5)
    assert counter.joules() == pytest.approx(15)
    set_joules(powercap, "intel-rapl:0", 6)
    assert counter.joules() == pytest.approx(16)


def test_a_counter_that_may_have_gone_round_unseen_measures_no_more(
    powercap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(energy, "time", SimpleNamespace(monotonic=lambda: now[0]))
    counter = Rapl([powercap / "intel-rapl:0"])
    now[0] = counter.patience - 1
    assert counter.joules() == 0.0
    now[0] += counter.patience + 1
    assert counter.joules() is None
    assert counter.joules() is None, "what was lost does not come back"


def test_the_meter_reads_in_time(powercap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(energy, "time", SimpleNamespace(monotonic=lambda: now[0]))
    meter = EnergyMeter(CPU, cpus=ALL, gpus=0)
    for _ in range(100):  # steps of five seconds
        now[0] += 5
        meter.poll()
    assert meter.joules() == {"gpu": None, "cpu": 0.0}


def test_work_that_shares_the_machine_is_not_measured(powercap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert cpu_counter(7) is None
    assert cpu_counter(8) is not None


def test_a_machine_without_counters_or_with_ones_that_root_alone_reads_is_not_measured(
    powercap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(package: Path) -> int:
        raise PermissionError(13, "Permission denied", str(package))

    monkeypatch.setattr(Rapl, "_read", staticmethod(forbidden))
    assert cpu_counter(ALL) is None
    monkeypatch.setattr(energy, "POWERCAP", powercap / "nowhere")
    assert cpu_counter(ALL) is None


def test_a_gpu_is_measured_in_joules_where_it_is_held_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    class NVMLError(Exception):
        pass

    millijoules = iter([1_000_000, 1_002_500])
    nvml = SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=lambda uuid: uuid,
        nvmlDeviceGetTotalEnergyConsumption=lambda gpu: next(millijoules) if gpu == "GPU-5c" else 0,
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.setattr(energy, "find_spec", lambda name: nvml)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid="5c"))
    gpu = torch.device("cuda")
    counter = gpu_counter(gpu, 1.0)
    assert counter is not None
    assert counter.joules() == 2.5
    assert gpu_counter(gpu, 0.5) is None, "its neighbours' work would be in it"
    assert gpu_counter(CPU, 0.0) is None

    def none(gpu: str) -> int:
        raise NVMLError("Not Supported")

    nvml.nvmlDeviceGetTotalEnergyConsumption = none
    assert gpu_counter(gpu, 1.0) is None
