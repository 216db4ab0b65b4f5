"""Measure the cost card of an architecture, on every device of this machine and in every precision that runs there."""

from __future__ import annotations

import platform
from collections.abc import Callable

import torch

from ablate.catalogue.backbones import ImageShape, ItemShape
from ablate.cost.card import Card, Timing
from ablate.cost.flops import uncounted
from ablate.cost.latency import cached_latency
from ablate.cost.throughput import best_throughput
from ablate.study.configuration import Architecture
from ablate.training.architectures import static_costs
from ablate.training.network import SiameseNetwork, build_network
from ablate.training.precisions import in_precision, precisions
from ablate.types import counted

UNSETTLED = "no two rounds agreed: something else is running"


def measure_card(architecture: Architecture, shape: ItemShape, *, cpus: int, tell: Callable[[str], None]) -> Card:
    """Count, then time each device and precision in turn, with `cpus` threads; `tell` hears what is being timed.

    Nothing else should run.
    """
    torch.set_num_threads(cpus)
    torch.set_flush_denormal(True)  # as trials do: denormal numbers make a CPU up to 100 times slower
    network = build_network(
        architecture.backbone, architecture.embedding_dim, shape, precision="fp32", views=architecture.views
    )
    timings = []
    for device in _devices():
        for precision in precisions(device):
            tell(f"timing {device_name(device)} {precision}")
            timings.append(_timing(network, shape, device, precision, architecture.name))
    return Card(
        architecture=architecture.name,
        item=describe(shape),
        counted=static_costs(architecture.name, network, shape),
        uncounted=uncounted(network, shape),
        timings=tuple(timings),
    )


def describe(shape: ItemShape) -> str:
    """What is embedded, for people."""
    if isinstance(shape, ImageShape):
        return f"image, {shape.channels} x {shape.size} x {shape.size}"
    return f"book, {shape.tokens} tokens of {shape.vocabulary}, {shape.numbers} numbers, categories {shape.categories}"


def device_name(device: torch.device) -> str:
    """As people know it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu ({platform.machine()}), {counted(torch.get_num_threads(), 'thread')}"


def _devices() -> list[torch.device]:
    """The CPU, and one GPU of each kind that is there."""
    kinds = {torch.cuda.get_device_name(index): index for index in reversed(range(torch.cuda.device_count()))}
    return [torch.device("cpu"), *(torch.device("cuda", index) for index in kinds.values())]


def _timing(network: SiameseNetwork, shape: ItemShape, device: torch.device, precision: str, name: str) -> Timing:
    try:
        timed, key = in_precision(network, precision), f"{name} in {precision}"
        one, many = (cached_latency(timed, shape, key=key, batch=batch, device=device) for batch in (1, 32))
        best = best_throughput(timed, shape, device=device)
    except RuntimeError as error:  # torch has no such kernel for this device, or 32 images do not fit
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Timing(device_name(device), precision, {}, {}, 0, 0.0, f"does not run: {why}")
    note = "" if one.settled and many.settled else UNSETTLED
    return Timing(device_name(device), precision, one.by_name, many.by_name, best.batch, best.per_second, note)
