"""What a trial has spent so far, earlier processes that trained it included: time, memory, energy, money."""

from __future__ import annotations

import time

import torch

from ablate.cost.batch_clock import BatchClock
from ablate.cost.energy import EnergyMeter
from ablate.cost.memory import gpu_peak_mib, host_peak_mib
from ablate.training.checkpoint import Progress
from ablate.training.spec import TrialSpec
from ablate.training.workers import ALONE, Workers


class Spent:
    """Measures the part of this process, which began at `begin` (`time.perf_counter`), and adds it to a trial's progress.

    Of several workers: seconds of the first, the largest peaks; GPU seconds, energy and money of all.
    """

    def __init__(self, spec: TrialSpec, device: torch.device, begin: float, workers: Workers = ALONE) -> None:
        self.spec, self.device, self.begin, self.workers = spec, device, begin, workers
        self.clock = BatchClock(device)
        self.meter = EnergyMeter(device, cpus=spec.cpus, gpus=spec.gpus)
        self.earlier = Progress(gpu_joules=0.0, cpu_joules=0.0)

    def costs(self, progress: Progress, *, batch_size: int, steps: int) -> dict[str, float]:
        """The costs that training shows, in `cost/...` names, without what is not measured; brings `progress` up to date."""
        spec, seconds = self.spec, time.perf_counter() - self.begin
        progress.seconds = self.earlier.seconds + seconds  # the process before may have held another share of a GPU
        progress.gpu_seconds = self.earlier.gpu_seconds + seconds * spec.gpus * self.workers.size
        progress.usd = self.earlier.usd + seconds / 3600 * (spec.usd_per_hour or 0.0)
        here = progress.train_seconds - self.earlier.train_seconds
        return {
            "cost/train_seconds": progress.train_seconds,
            "cost/seconds": progress.seconds,
            "cost/gpu_seconds": progress.gpu_seconds,
            "cost/samples_per_second": progress.epoch * steps * batch_size / progress.train_seconds,
            "cost/data_share": self.clock.seconds() / here,
            **self._memory(progress),
            **self._energy(progress),
            **({} if spec.usd_per_hour is None else {"cost/usd": progress.usd}),
        }

    def _memory(self, progress: Progress) -> dict[str, float]:
        """Peaks in MiB."""
        found: dict[str, float] = {}
        host = self.workers.largest(host_peak_mib())
        if host is not None:
            progress.peak_host_mib = max(progress.peak_host_mib, host)
            found["cost/peak_host_mib"] = progress.peak_host_mib
        on_gpu = self.device.type == "cuda"
        own = self.workers.largest(gpu_peak_mib(self.device)) if on_gpu else host
        if own is not None:
            progress.peak_memory_mib = max(progress.peak_memory_mib, own)
            found |= dict.fromkeys(
                ["cost/peak_memory_mib", *(["cost/peak_gpu_mib"] if on_gpu else [])], progress.peak_memory_mib
            )
        return found

    def _energy(self, progress: Progress) -> dict[str, float]:
        """A part that was not measured leaves the whole unknown."""
        joules = self.meter.joules()
        progress.gpu_joules = _sum(self.earlier.gpu_joules, self.workers.total(joules["gpu"]))
        progress.cpu_joules = _sum(self.earlier.cpu_joules, self.workers.total(joules["cpu"]))
        found = {"cost/gpu_energy_joules": progress.gpu_joules, "cost/cpu_energy_joules": progress.cpu_joules}
        return {name: value for name, value in found.items() if value is not None}


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
