"""The cluster on paper: packing, against placing workers one by one."""

from __future__ import annotations

import itertools

import pytest

from ablate.study.spending import Resources
from ablate.summary.cluster import Cluster


def placed(cluster: Cluster, trial: Resources) -> int:
    """Trials that fit, by giving each worker the first GPU of a node that has room, until one does not fit."""
    sizes = [cluster.gpus_per_node] * (cluster.gpus // cluster.gpus_per_node)
    if rest := cluster.gpus % cluster.gpus_per_node:
        sizes.append(rest)
    free = [[1.0] * size for size in sizes]
    cpus = [float("inf") if cluster.cpus is None else cluster.cpus * size // cluster.gpus for size in sizes]
    for workers in itertools.count():
        for node, gpus in enumerate(free):
            room = [place for place, left in enumerate(gpus) if left >= trial.gpu_share - 1e-9]
            if room and cpus[node] >= trial.cpus:
                cpus[node] -= trial.cpus
                gpus[room[0]] -= trial.gpu_share
                break
        else:
            return workers // trial.workers
    raise AssertionError("some worker does not fit")


@pytest.mark.parametrize("gpus", [1, 4, 7, 8, 12, 32])
@pytest.mark.parametrize("share", [0.25, 1 / 3, 0.4, 0.6, 1.0])
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("cpus_per_gpu", [None, 3])
def test_as_many_trials_fit_as_can_be_placed_one_by_one(
    gpus: int, share: float, workers: int, cpus_per_gpu: int | None
) -> None:
    cluster = Cluster(gpus, None if cpus_per_gpu is None else cpus_per_gpu * gpus, gpus_per_node=4)
    trial = Resources.model_construct(cpus=2, gpus=share, workers=workers)  # a study's workers would not share a GPU
    assert cluster.slots(trial) == placed(cluster, trial)


def test_without_gpus_the_cpus_limit() -> None:
    assert Cluster(0, 7).slots(Resources(cpus=2)) == 3
    assert Cluster(0, 7).share(Resources(cpus=2)) == pytest.approx(2 / 7)


def test_a_share_is_of_all_gpus() -> None:
    assert Cluster(32).share(Resources(gpus=1, workers=4)) == pytest.approx(4 / 32)
