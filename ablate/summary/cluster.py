"""A cluster on paper: how many trials of one size it holds at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ablate.study.spending import Resources


@dataclass(frozen=True)
class Need:
    """What one trial holds: `workers` processes, each on one node."""

    cpus: int
    """Of each worker."""
    gpus: float
    """Of each worker: a share of one GPU, or a whole number of them on one node."""
    workers: int = 1

    @classmethod
    def of(cls, resources: Resources) -> Need:
        """What the trials of a study hold."""
        return cls(resources.cpus, resources.gpus, resources.workers)


@dataclass(frozen=True)
class Cluster:
    """Equal nodes, the last of which may be smaller."""

    gpus: int
    """In all; 0 for a cluster of CPUs."""
    cpus: int | None = None
    """In all, spread over the nodes as the GPUs are; None: as many as the trials ask for."""
    gpus_per_node: int = 8

    def slots(self, need: Need) -> int:
        """Trials at once; 0 where not even one fits."""
        if need.gpus == 0:
            assert self.cpus is not None, "trials without GPUs are limited by CPUs alone"
            return self.cpus // (need.cpus * need.workers)
        full, rest = divmod(self.gpus, self.gpus_per_node)
        workers = full * self._workers(self.gpus_per_node, need) + self._workers(rest, need)
        return workers // need.workers

    def _workers(self, gpus: int, need: Need) -> int:
        """Workers on a node of so many GPUs. A fraction never spans two GPUs; 1e-9: 1 / (1/3) must be 3."""
        by_gpus = gpus * math.floor(1 / need.gpus + 1e-9) if need.gpus <= 1 else math.floor(gpus / need.gpus)
        if self.cpus is None:
            return by_gpus
        return min(by_gpus, self.cpus * gpus // self.gpus // need.cpus)

    def share(self, need: Need) -> float:
        """Of its GPUs, or of its CPUs where it has none, one trial's."""
        if need.gpus:
            return need.workers * need.gpus / self.gpus
        assert self.cpus is not None, "trials without GPUs are limited by CPUs alone"
        return need.workers * need.cpus / self.cpus
