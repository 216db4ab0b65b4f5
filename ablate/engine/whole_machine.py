"""A machine of the cluster to itself: latency means something only where nothing runs beside what is timed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import ray
from ray.util.placement_group import placement_group, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

PATIENCE_SECONDS = 60.0
"""How long to wait for an idle machine: actors of a study that has just ended take seconds to go, another's trials hours."""


@contextmanager
def whole_machine(
    *, cpus: float, gpus: float, patience_seconds: float = PATIENCE_SECONDS
) -> Iterator[PlacementGroupSchedulingStrategy | None]:
    """Reserve all CPUs and GPUs that Ray has on the smallest machine with so many; the strategy that leads a task there.

    None where no such machine became idle in time, as on a cluster that others use. Machines are compared by their CPUs,
    then their GPUs. What runs on a machine without Ray's knowledge cannot be held off.
    """
    alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    machines = [(has.get("CPU", 0.0), has.get("GPU", 0.0)) for has in alive]
    large_enough = [(all_cpus, all_gpus) for all_cpus, all_gpus in machines if all_cpus >= cpus and all_gpus >= gpus]
    if not large_enough:
        yield None
        return
    all_cpus, all_gpus = min(large_enough)
    group = placement_group([{"CPU": all_cpus, **({"GPU": all_gpus} if all_gpus else {})}])
    try:
        reserved = group.wait(timeout_seconds=patience_seconds)
        yield PlacementGroupSchedulingStrategy(group) if reserved else None
    finally:
        remove_placement_group(group)
