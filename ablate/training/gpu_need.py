"""How much of a GPU's memory a process takes that trains an architecture: by some steps of it, and a validation."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import torch

from ablate.cost.memory import MIB
from ablate.study.configuration import Configuration
from ablate.study.space import Space, values
from ablate.training.spec import TrialSpec

STEPS = 3
"""The first allocates gradients and looks for the fastest kernels, which takes memory; the next have the optimizer's state."""


TAKE_MEMORY = ("loss", "sampler", "optimizer")
"""Slots whose choice decides how much a step takes beside the network; augmentations work on the batch alone."""


class Need(NamedTuple):
    """Of a GPU's memory, in MiB."""

    taken: dict[str, float]
    """By a process that trains an architecture, its context and its copy of the data included."""
    total: float
    """What the GPU has."""


def gpu_needs(candidates: Sequence[Sequence[TrialSpec]]) -> Need:
    """Of each architecture the largest need of its trials; alone on a GPU. 0 where none of them could be tried.

    `candidates` holds one list for each architecture, of trials that differ in what else takes memory. Of the architecture
    with the longest list all are tried; what weighs most there (loss, sampler, optimizer) alone is tried of the others that
    have it.
    """
    first, *others = sorted(candidates, key=len, reverse=True)
    needs = [_need(spec) for spec in first]
    heaviest = beside_the_network(first[needs.index(max(needs))].configuration)
    taken = {first[0].configuration.architecture: max(needs)}
    for trials in others:
        alike = [spec for spec in trials if beside_the_network(spec.configuration) == heaviest] or trials
        taken[trials[0].configuration.architecture] = max(_need(spec) for spec in alike)
    return Need(taken, torch.cuda.mem_get_info()[1] / MIB)


def beside_the_network(choice: Configuration) -> tuple[str, ...]:
    """What takes memory beside the network itself: tuples, proxies, moments."""
    return tuple(getattr(choice, slot).name for slot in TAKE_MEMORY)


def _need(spec: TrialSpec) -> float:
    """MiB; infinite where it does not fit at all, 0 where it cannot be tried: its trial will say why."""
    from ablate.training.architectures import static_costs
    from ablate.training.data import load_data
    from ablate.training.fresh import fresh_start
    from ablate.training.loop import Trial, check_constraints, parts_of

    device = fresh_start(seed=spec.seed, cpus=spec.cpus, gpus=1.0)
    try:
        data = load_data(spec.data, device)
        parts = parts_of(spec, data)
        check_constraints(static_costs(spec.configuration.architecture, parts.network, data.shape), spec.constraints)
        trial = Trial(spec, data, parts, {}, time.perf_counter())
        trial.train(1, STEPS)
        trial.validate()
    except torch.OutOfMemoryError:
        return math.inf
    except Exception:  # noqa: BLE001  whatever a component raises ends its trials, not the study
        return 0.0
    free, total = torch.cuda.mem_get_info(device)
    beside = total - free - torch.cuda.memory_reserved(device)  # the context, libraries' own, and what others hold
    return (torch.cuda.max_memory_reserved(device) + beside) / MIB


def heaviest_choices(spaces: Iterable[Space]) -> list[list[Configuration]]:
    """One list for each architecture: a configuration with each loss, sampler and optimizer, and the largest batch."""
    found: dict[str, dict[tuple[str, ...], Configuration]] = {}
    for space in spaces:
        choices = [_largest(space, names) for names in product(*(space.slots[slot] for slot in TAKE_MEMORY))]
        for architecture in space.architectures() or ():
            for choice in choices:
                built = replace(choice, **architecture._asdict())
                own, names = found.setdefault(built.architecture, {}), beside_the_network(built)
                own[names] = max(own.get(names, built), built, key=_items)  # arms may differ in their batch
    return [list(own.values()) for own in found.values()]


def _items(choice: Configuration) -> int:
    """Of a batch."""
    return choice.batch_classes * choice.batch_per_class


def _largest(space: Space, names: Sequence[str]) -> Configuration:
    alone = {slot: {name: space.slots[slot][name]} for slot, name in zip(TAKE_MEMORY, names, strict=True)}
    classes, per_class = (max(map(int, values(domain))) for domain in (space.batch_classes, space.batch_per_class))
    one = replace(space, slots={**space.slots, **alone}).first()
    return replace(one, batch_classes=classes, batch_per_class=per_class)
