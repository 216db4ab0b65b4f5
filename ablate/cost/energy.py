"""Energy of a stretch of work in joules, from counters of the hardware: NVML for a GPU, RAPL for the packages of a CPU.

A counter counts all that runs on its device. So it is read only for work that holds the device whole; where there is no
counter, or no right to read it, energy is not measured. Nothing is derived from a nominal power.
"""

from __future__ import annotations

import os
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import torch

POWERCAP = Path("/sys/class/powercap")
"""Linux's powercap interface (Documentation/power/powercap); energy_uj is readable by root alone since CVE-2020-8694."""
MOST_WATTS = 2000.0
"""Of one package: no processor draws more, so that a counter cannot have gone round unseen in less than its range over this."""


class Counter(Protocol):
    """Joules since it was made."""

    def joules(self) -> float | None:
        """None where it can no longer tell."""


class Nvml:
    """The energy counter of a GPU (Volta and later)."""

    def __init__(self, uuid: str) -> None:
        """Raises pynvml.NVMLError where this GPU has no counter."""
        import pynvml

        self._nvml = pynvml
        pynvml.nvmlInit()
        self._gpu = pynvml.nvmlDeviceGetHandleByUUID(uuid)
        self._begin = self._read()

    def joules(self) -> float | None:
        return self._read() - self._begin

    def _read(self) -> float:
        return float(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._gpu)) / 1e3  # it counts millijoules


class Rapl:
    """The energy counters of all packages of the machine; each goes round at a range of its own and must be read often."""

    def __init__(self, packages: list[Path]) -> None:
        """Raises OSError where they cannot be read."""
        self._ranges = {package: int((package / "max_energy_range_uj").read_text()) for package in packages}
        self._last = {package: self._read(package) for package in packages}
        self._last_time, self._total, self._lost = time.monotonic(), 0, False

    @property
    def patience(self) -> float:
        """Seconds within which it must be read again."""
        return min(self._ranges.values()) / 1e6 / MOST_WATTS

    def joules(self) -> float | None:
        now = time.monotonic()
        self._lost = self._lost or now - self._last_time > self.patience
        for package, most in self._ranges.items():
            value = self._read(package)
            self._total += (value - self._last[package]) % most
            self._last[package] = value
        self._last_time = now
        return None if self._lost else self._total / 1e6

    @staticmethod
    def _read(package: Path) -> int:
        return int((package / "energy_uj").read_text())


def gpu_counter(device: torch.device, gpus: float) -> Counter | None:
    """Of the GPU that some work holds whole; None where it does not, or where NVML does not count."""
    if device.type != "cuda" or gpus != 1 or find_spec("pynvml") is None:
        return None
    import pynvml

    try:
        return Nvml(f"GPU-{torch.cuda.get_device_properties(device).uuid}")
    except pynvml.NVMLError:  # no counter in this GPU, or a driver that does not let us
        return None


def cpu_counter(cpus: int) -> Counter | None:
    """Of the machine's packages, for work that holds all its CPUs; None where it does not, or where they cannot be read."""
    if cpus < (os.cpu_count() or 1):
        return None
    try:
        zones = sorted(POWERCAP.glob("intel-rapl:*")) if POWERCAP.is_dir() else []
        # AMD's are under this name, too; `psys` would count the packages again, zones with two colons are parts of them
        packages = [zone for zone in zones if (zone / "name").read_text().startswith("package")]
        return Rapl(packages) if packages else None
    except OSError:
        return None


class EnergyMeter:
    """Both counters of a trial."""

    def __init__(self, device: torch.device, *, cpus: int, gpus: float) -> None:
        self.counters = {"gpu": gpu_counter(device, gpus), "cpu": cpu_counter(cpus)}
        self._due = time.monotonic() + POLL_SECONDS

    def poll(self) -> None:
        """Call it at every step: it reads the counters now and then, before one can have gone round."""
        if time.monotonic() >= self._due:
            self.joules()

    def joules(self) -> dict[str, float | None]:
        """By `gpu` and `cpu`, since the meter was made; None where it is not measured."""
        self._due = time.monotonic() + POLL_SECONDS
        return {name: None if counter is None else counter.joules() for name, counter in self.counters.items()}


POLL_SECONDS = 10.0
"""Far below the two minutes or more that a package's counter takes to go round."""
