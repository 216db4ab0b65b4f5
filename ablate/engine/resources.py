"""Resources: what there is, what the user allows, and how many trials run at once."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import NamedTuple

from ablate.errors import ResourceError
from ablate.study.spending import Resources
from ablate.types import counted


class Machine(NamedTuple):
    """What one node has."""

    cpus: int
    gpus: int


@dataclass(frozen=True)
class Budget:
    """What a study may use in all."""

    cpus: int
    gpus: float
    machines: tuple[Machine, ...] = ()
    """Of a cluster: a worker is on one of them. Empty where there is one, which has it all."""

    def slots(self, trial: Resources) -> int:
        """Trials at once, at least one.

        Raises ResourceError where not even one fits.
        """
        times = " x resources.workers" if trial.workers > 1 else ""
        if trial.all_cpus > self.cpus:
            raise ResourceError(
                f"a trial asks for {counted(trial.all_cpus, 'CPU')} (resources.cpus{times}), the study may use {self.cpus}\n"
                f"  set resources.cpus{times} to {self.cpus} or less, or give more with --cpus"
            )
        if trial.gpus == "auto" and 0 < self.gpus < 1:
            raise ResourceError(
                f"resources.gpus is auto, which divides whole GPUs, and the study may use {self.gpus:g}\n"
                "  give --gpus 1 or more, or write a share in place of auto"
            )
        if trial.all_gpus > self.gpus:
            kind = "GPU" if trial.all_gpus == 1 else "GPUs"
            raise ResourceError(
                f"a trial asks for {trial.all_gpus:g} {kind} (resources.gpus{times}), the study may use {self.gpus:g}\n"
                f"  set {'resources.workers to less, or ' if times else ''}resources.gpus to 0 to train on the CPU, "
                "or run where there is a GPU (`--address`)"
            )
        if not self.machines:
            return self._in_all(trial)
        placed = sum(self._workers(machine, trial) for machine in self.machines)
        if placed < trial.workers:
            raise self._no_place(trial, placed)
        return min(self._in_all(trial), placed // trial.workers)

    def _no_place(self, trial: Resources, placed: int) -> ResourceError:
        """There is enough in all, but not on the machines."""
        if placed:
            return ResourceError(
                f"of the {trial.workers} workers of a trial only {placed} find a place on the machines of the cluster\n"
                f"  set resources.workers to {placed} or less, or resources.cpus to less"
            )
        best = max(self.machines, key=lambda machine: (bool(machine.gpus) or not trial.gpu_share, machine.cpus))
        gpus = f" and {best.gpus:g} GPU{'' if best.gpus == 1 else 's'}" if trial.gpu_share else ""
        share = f" and {trial.gpu_share:g} of a GPU" if trial.gpu_share else ""
        return ResourceError(
            f"a trial asks for {counted(trial.cpus, 'CPU')}{share} on one machine, and the best of the cluster has "
            f"{counted(best.cpus, 'CPU')}{gpus}\n  set resources.cpus to less, or start larger machines"
        )

    def _in_all(self, trial: Resources) -> int:
        """Trials at once, wherever the CPUs and GPUs are."""
        by_cpu = self.cpus // trial.all_cpus
        if trial.gpu_share == 0:
            return by_cpu
        if self.gpus < 1:  # a part of one GPU
            return min(by_cpu, math.floor(self.gpus / trial.gpu_share + 1e-9))
        return min(by_cpu, int(self.gpus) * trial.workers_per_gpu // trial.workers)

    @staticmethod
    def _workers(machine: Machine, trial: Resources) -> int:
        by_cpu = machine.cpus // trial.cpus
        return min(by_cpu, machine.gpus * trial.workers_per_gpu) if trial.gpu_share else by_cpu

    def most_of_a_machine(self, trial: Resources) -> Machine:
        """The largest that may hold a trial: who has all its CPUs is alone there."""
        fitting = [machine for machine in self.machines if self._workers(machine, trial)]
        return max(
            [machine._replace(cpus=min(machine.cpus, self.cpus)) for machine in fitting], default=Machine(self.cpus, 0)
        )


def budget(
    cpus: int | None,
    gpus: float | None,
    *,
    found_cpus: int,
    found_gpus: float,
    where: str,
    machines: tuple[Machine, ...] = (),
) -> Budget:
    """What the study may use: what was asked for, or all that was found.

    Raises ResourceError where more was asked for than was found, or too little to run.
    """
    for option, asked, found, least in (("--cpus", cpus, found_cpus, 1), ("--gpus", gpus, found_gpus, 0)):
        if asked is not None and not asked >= least:
            raise ResourceError(
                f"{option} {asked:g}: a study needs at least {least}\n  leave it out to use all there are"
            )
        if asked is not None and asked > found:
            kind = option.removeprefix("--").upper()[:-1] + ("" if found == 1 else "s")
            raise ResourceError(
                f"{option} {asked:g}: {where} has {found:g} {kind}\n"
                f"  ask for {found:g} or fewer, or join a cluster that has more with --address"
            )
    return Budget(found_cpus if cpus is None else cpus, found_gpus if gpus is None else gpus, machines)


def local_cpus() -> int:
    """CPUs this process may run on: of its affinity and of its container's quota the smaller."""
    from ray._private.utils import get_num_cpus  # Ray 2.60 has no public way

    quota = max(1, int(get_num_cpus(override_docker_cpu_warning=True)))
    return min(quota, len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else quota


def local_gpus() -> int:
    """GPUs of this machine, as Ray will count them; asks the driver library, starts nothing."""
    from ray._private.accelerators import get_accelerator_manager_for_resource  # Ray 2.60 has no public way

    manager = get_accelerator_manager_for_resource("GPU")
    visible = manager.get_current_process_visible_accelerator_ids()
    present = int(manager.get_current_node_num_accelerators())
    return present if visible is None else min(present, len(visible))
