"""The cluster on paper: packing, against placing workers one by one."""

from __future__ import annotations

import itertools

import pytest

from ablate.summary.cluster import Cluster, Need


def placed(cluster: Cluster, need: Need) -> int:
    """Trials that fit, by giving each worker the first GPU of a node that has room, until one does not fit."""
    sizes = [cluster.gpus_per_node] * (cluster.gpus // cluster.gpus_per_node)
    if rest := cluster.gpus % cluster.gpus_per_node:
        sizes.append(rest)
    free = [[1.0] * size for size in sizes]
    cpus = [float("inf") if cluster.cpus is None else cluster.cpus * size // cluster.gpus for size in sizes]
    for workers in itertools.count():
        for node, gpus in enumerate(free):
            room = [place for place, left in enumerate(gpus) if left >= min(need.gpus, 1.0) - 1e-9]
            whole = [place for place in room if gpus[place] == 1.0]
            fits = len(whole) >= need.gpus if need.gpus > 1 else bool(room)
            if fits and cpus[node] >= need.cpus:
                cpus[node] -= need.cpus
                for place in whole[: int(need.gpus)] if need.gpus > 1 else room[:1]:
                    gpus[place] -= min(need.gpus, 1.0)
                break
        else:
            return workers // need.workers
    raise AssertionError("some worker does not fit")


@pytest.mark.parametrize("gpus", [1, 4, 7, 8, 12, 32])
@pytest.mark.parametrize("share", [0.25, 1 / 3, 0.4, 0.6, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("cpus_per_gpu", [None, 3])
def test_as_many_trials_fit_as_can_be_placed_one_by_one(
    gpus: int, share: float, workers: int, cpus_per_gpu: int | None
) -> None:
    cluster = Cluster(gpus, None if cpus_per_gpu is None else cpus_per_gpu * gpus, gpus_per_node=4)
    need = Need(2, share, workers)
    assert cluster.slots(need) == placed(cluster, need)


def test_a_trial_that_needs_more_gpus_than_a_node_has_fits_nowhere() -> None:
    assert Cluster(64, gpus_per_node=4).slots(Need(1, 8.0)) == 0


def test_without_gpus_the_cpus_limit() -> None:
    assert Cluster(0, 7).slots(Need(2, 0)) == 3
    assert Cluster(0, 7).share(Need(2, 0)) == pytest.approx(2 / 7)


def test_a_share_is_of_all_gpus() -> None:
    assert Cluster(32).share(Need(1, 0.5, workers=4)) == pytest.approx(2 / 32)
