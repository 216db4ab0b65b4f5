"""GPU sharing: the share of each architecture is measured on a GPU before the first trial (`resources.gpus: auto`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ray

from ablate.engine.holding import shares_of
from ablate.store.asked import Asked
from ablate.study.study import Study
from ablate.training.gpu_need import gpu_needs, heaviest_choices
from ablate.training.spec import TrialSpec


def measure_shares(study: Study, specify: Callable[[Asked], TrialSpec], *, gpus: float) -> dict[str, float]:
    """Architecture -> its share of a GPU, measured in one process of Ray's that holds one, or all of `gpus` below that.

    On a cluster it is measured on one of its GPUs: on a smaller one a trial may run out of memory, and is then tried alone.
    """
    candidates = [
        [specify(Asked(0, configuration, study.seed)).to_dict() for configuration in configurations]
        for configurations in heaviest_choices(study.spaces)
    ]
    task = ray.remote(_on_worker).options(num_cpus=study.resources.cpus, num_gpus=min(1.0, gpus))
    taken, total = ray.get(task.remote(candidates))
    return shares_of(taken, total * min(1.0, gpus))


def _on_worker(candidates: list[list[dict[str, Any]]]) -> tuple[dict[str, float], float]:
    need = gpu_needs([[TrialSpec.from_dict(spec) for spec in trials] for trials in candidates])
    return need.taken, need.total
