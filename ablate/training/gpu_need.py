"""How much of a GPU's memory a process takes that trains an architecture: by some steps of it, and a validation."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch

from ablate.cost.memory import MIB
from ablate.study.configuration import Architecture, Configuration
from ablate.study.space import Space, values
from ablate.training.spec import TrialSpec

STEPS = 3
"""The first allocates gradients and looks for the fastest kernels, which takes memory; the next have the optimizer's state."""


class Need(NamedTuple):
    """Of a GPU's memory, in MiB."""

    taken: dict[str, float]
    """By a process that trains an architecture, its context and its copy of the data included."""
    total: float
    """What the GPU has."""


def gpu_needs(candidates: Sequence[Sequence[TrialSpec]]) -> Need:
    """Of each architecture the largest need of its trials; alone on a GPU.

    `candidates` holds one list for each architecture, of trials that differ in what else takes memory. Of the architecture
    with the longest list all are tried; what weighs most there (loss, sampler) alone is tried of the others that have it.
    """
    first, *others = sorted(candidates, key=len, reverse=True)
    needs = [_need(spec) for spec in first]
    heaviest = _beside_the_network(first[needs.index(max(needs))])
    taken = {first[0].configuration.architecture: max(needs)}
    for trials in others:
        alike = [spec for spec in trials if _beside_the_network(spec) == heaviest] or trials
        taken[trials[0].configuration.architecture] = max(_need(spec) for spec in alike)
    return Need(taken, torch.cuda.mem_get_info()[1] / MIB)


def _beside_the_network(spec: TrialSpec) -> tuple[str, str]:
    return spec.configuration.loss.name, spec.configuration.sampler.name


def _need(spec: TrialSpec) -> float:
    """MiB; more than there is where it does not fit at all: its trial will say so."""
    from ablate.training.data import load_data
    from ablate.training.fresh import fresh_start
    from ablate.training.loop import Trial, parts_of

    device = fresh_start(seed=spec.seed, cpus=spec.cpus, gpus=1.0)
    try:
        data = load_data(spec.data, device)
        trial = Trial(spec, data, parts_of(spec, data), {}, time.perf_counter())
        trial.train(1, STEPS)
        trial.validate()
    except torch.OutOfMemoryError:
        return float("inf")
    free, total = torch.cuda.mem_get_info(device)
    beside = total - free - torch.cuda.memory_reserved(device)  # the context, and libraries' own
    return (torch.cuda.max_memory_reserved(device) + beside) / MIB


def heaviest_choices(spaces: Iterable[Space]) -> list[list[Configuration]]:
    """One list for each architecture of `spaces`: a configuration with each loss and sampler, all with the largest batch."""
    found: dict[str, list[Configuration]] = {}
    for space in spaces:
        choices = [_largest(space, loss, sampler) for loss in space.slots["loss"] for sampler in space.slots["sampler"]]
        for architecture in space.architectures() or ():
            own = [_built_as(architecture, choice) for choice in choices]
            found.setdefault(own[0].architecture, []).extend(own)
    return [list({choice.digest: choice for choice in own}.values()) for own in found.values()]


def _largest(space: Space, loss: str, sampler: str) -> Configuration:
    levels = {"loss": loss, "sampler": sampler}
    alone = {slot: {level: space.slots[slot][level]} for slot, level in levels.items()}
    classes, per_class = (max(map(int, values(domain))) for domain in (space.batch_classes, space.batch_per_class))
    one = replace(space, slots={**space.slots, **alone}).first()
    return replace(one, batch_classes=classes, batch_per_class=per_class)


def _built_as(architecture: Architecture, choice: Configuration) -> Configuration:
    return replace(choice, **architecture._asdict())
