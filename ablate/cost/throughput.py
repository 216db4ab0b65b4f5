"""Throughput: images embedded per second at the batch size that is best for it."""

from __future__ import annotations

import statistics
import time
from typing import NamedTuple

import torch
from torch import nn

from ablate.catalogue.backbones import ItemShape
from ablate.cost.examples import examples
from ablate.cost.memory import exhausted_by

MOST_BATCH = 1024
LEAST_RUNS, LEAST_SECONDS, MOST_SECONDS = 3, 0.2, 4.0
"""Of one batch size: its median; a batch that takes longer than the last of these is the largest that is tried."""
PATIENCE = 2
"""Batch sizes in a row that bring nothing, after which no larger one is tried."""
GAIN = 1.02
"""Less than 2 % more is within the scatter: the smaller batch is the better one."""


class Throughput(NamedTuple):
    """The best that was found."""

    batch: int
    per_second: float


def best_throughput(network: nn.Module, image: ItemShape, *, device: torch.device) -> Throughput:
    """Double the batch while that brings more images per second, in inference mode; memory may end it, too."""
    network = network.to(device).to(memory_format=torch.channels_last).eval()
    best, batch, in_vain = Throughput(0, 0.0), 1, 0
    while batch <= MOST_BATCH and in_vain < PATIENCE:
        try:
            seconds = _seconds(network, image, batch, device)
        except Exception as error:
            if not exhausted_by(error):
                raise
            break
        if batch / seconds > GAIN * best.per_second:
            best, in_vain = Throughput(batch, batch / seconds), 0
        else:
            in_vain += 1
        if seconds > MOST_SECONDS / LEAST_RUNS:
            break
        batch *= 2
    return best


@torch.inference_mode()
def _seconds(network: nn.Module, image: ItemShape, batch: int, device: torch.device) -> float:
    """Of one pass, the median; the first warms up."""
    images = examples(image, batch, device)
    taken: list[float] = []
    begin = time.perf_counter()
    while len(taken) < 1 + LEAST_RUNS or time.perf_counter() - begin < LEAST_SECONDS:
        start = time.perf_counter()
        network(images)
        if device.type == "cuda":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])
