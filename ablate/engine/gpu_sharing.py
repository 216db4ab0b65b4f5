"""GPU sharing: the share of each architecture is measured on a GPU before the first trial (`resources.gpus: auto`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ray

from ablate.engine.failing import of_task
from ablate.engine.holding import shares_of
from ablate.errors import ResourceError
from ablate.store.asked import Asked
from ablate.store.memory import Memory
from ablate.training.gpu_need import gpu_needs, heaviest_choices
from ablate.training.spec import TrialSpec


def measure_shares(memory: Memory, specify: Callable[[Asked], TrialSpec]) -> dict[str, float]:
    """Architecture -> its share of a GPU: what the study has noted for GPUs of this kind, else measured in one process on one.

    Where a cluster has GPUs of several sizes a trial may run out of memory on a smaller one, and is then tried alone. Raises
    ResourceError where nothing can be measured.
    """
    kind = ", ".join(sorted(name for name in ray.cluster_resources() if name.startswith("accelerator_type:")))
    wanted = heaviest_choices(memory.study.spaces)
    noted = memory.measured.gpu_shares(kind)
    missing = [choices for choices in wanted if choices[0].architecture not in noted]
    if not missing:
        return noted
    candidates = [[specify(Asked(0, choice, memory.study.seed)).to_dict() for choice in choices] for choices in missing]
    task = ray.remote(_on_worker).options(num_cpus=memory.study.resources.cpus, num_gpus=1)
    try:
        taken, total = ray.get(task.remote(candidates))
    except ray.exceptions.RayError as error:
        raise ResourceError(
            f"the GPU memory of {memory.study.name}'s networks could not be measured ({of_task(error)})\n"
            "  write a share in place of auto, such as resources.gpus: 0.25"
        ) from None
    memory.measured.note_gpu_shares(kind, shares_of(taken, total))
    return memory.measured.gpu_shares(kind)


def _on_worker(candidates: list[list[dict[str, Any]]]) -> tuple[dict[str, float], float]:
    need = gpu_needs([[TrialSpec.from_dict(spec) for spec in trials] for trials in candidates])
    return need.taken, need.total
