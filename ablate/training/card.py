"""Measure the cost card of an architecture, on every device of this machine and in every precision that runs there."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable

import torch
from torch import nn

from ablate.catalogue.backbones import ImageShape, ItemShape
from ablate.cost.card import Card, Timing
from ablate.cost.flops import uncounted
from ablate.cost.latency import Latency, cached_latency
from ablate.cost.quantized import quantized
from ablate.cost.throughput import best_throughput
from ablate.errors import AblateError
from ablate.study.configuration import Architecture
from ablate.training.architectures import static_costs
from ablate.training.network import build_network

UNSETTLED = "no two rounds agreed: something else is running"


def measure_card(architecture: Architecture, shape: ItemShape, *, tell: Callable[[str], None]) -> Card:
    """Count, then time each device and precision in turn; `tell` hears what is being timed. Nothing else should run."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.set_flush_denormal(True)  # as trials do: denormal numbers make a CPU up to 100 times slower
    network = _network(architecture, shape, "fp32")
    timings = []
    for device in _devices():
        for precision in ("fp32", "bf16", "int8") if device.type == "cpu" else ("fp32", "bf16"):
            tell(f"{device_name(device)} {precision}")
            timings.append(_timing(architecture, shape, device, precision))
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
    return f"cpu ({platform.machine()}), {torch.get_num_threads()} threads"


def _devices() -> list[torch.device]:
    """The CPU, and one GPU of each kind that is there."""
    kinds = {torch.cuda.get_device_name(index): index for index in reversed(range(torch.cuda.device_count()))}
    return [torch.device("cpu"), *(torch.device("cuda", index) for index in kinds.values())]


def _network(architecture: Architecture, shape: ItemShape, precision: str) -> nn.Module:
    return build_network(architecture.backbone, architecture.embedding_dim, shape, precision=precision)


def _timing(architecture: Architecture, shape: ItemShape, device: torch.device, precision: str) -> Timing:
    try:
        network = _network(architecture, shape, "bf16" if precision == "bf16" else "fp32")
        if precision == "int8":
            network = quantized(network)
        key = architecture._replace(precision=precision).name
        one, many = (cached_latency(network, shape, key=key, batch=batch, device=device) for batch in (1, 32))
        best = best_throughput(network, shape, device=device)
    except (AblateError, RuntimeError) as error:  # RuntimeError: torch has no such kernel for this device
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Timing(device_name(device), precision, {}, {}, 0, 0.0, f"does not run: {why}")
    note = "" if one.settled and many.settled else UNSETTLED
    return Timing(device_name(device), precision, _named(one), _named(many), best.batch, best.per_second, note)


def _named(latency: Latency) -> dict[str, float]:
    return {"p50": latency.p50_ms, "p95": latency.p95_ms, "p99": latency.p99_ms, "iqr": latency.iqr_ms}
