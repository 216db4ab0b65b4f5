"""A cluster on paper: how many trials of one size it holds at once."""

from __future__ import annotations

from dataclasses import dataclass

from ablate.study.spending import Resources


@dataclass(frozen=True)
class Cluster:
    """Equal nodes, the last of which may be smaller."""

    gpus: int
    """In all; 0 for a cluster of CPUs."""
    cpus: int | None = None
    """In all, spread over the nodes as the GPUs are; None: as many as the trials ask for."""
    gpus_per_node: int = 8

    def slots(self, trial: Resources) -> int:
        """Trials at once; 0 where not even one fits. Each worker of a trial is on one node."""
        if trial.gpu_share == 0:
            assert self.cpus is not None, "trials without GPUs are limited by CPUs alone"
            return self.cpus // trial.all_cpus
        full, rest = divmod(self.gpus, self.gpus_per_node)
        return (full * self._workers(self.gpus_per_node, trial) + self._workers(rest, trial)) // trial.workers

    def _workers(self, gpus: int, trial: Resources) -> int:
        """Workers on a node of so many GPUs."""
        by_gpus = gpus * trial.workers_per_gpu
        return by_gpus if self.cpus is None else min(by_gpus, self.cpus * gpus // self.gpus // trial.cpus)

    def share(self, trial: Resources) -> float:
        """Of its GPUs, or of its CPUs where it has none, one trial's."""
        if trial.gpu_share:
            return trial.all_gpus / self.gpus
        assert self.cpus is not None, "trials without GPUs are limited by CPUs alone"
        return trial.all_cpus / self.cpus
