"""What each backbone costs: weights, arithmetic at four image sizes, and a training step of 64 images of 64x64x3 on one thread.

Seconds are those of the processor, not of the clock, so that what else runs on the machine counts little.

    python benchmarks/backbones.py [NAME ...]

Names are those of `ablate list backbones`, timm's too; by default all of the catalogue. Prints a table in Markdown.
"""

from __future__ import annotations

import statistics
import sys
import time

import torch

from ablate.catalogue.backbones import BACKBONES, ImageShape
from ablate.cost.flops import count_flops, count_params

SIZES = (28, 64, 112, 224)
BATCH, IMAGE = 64, ImageShape(3, 64)
STEPS, MOST_SECONDS = 5, 40.0
"""Timed, after one that is not; fewer of a network that is slow."""


def step_ms(name: str) -> float:
    """Forward, backward and an SGD step, in milliseconds; the median."""
    module = BACKBONES[name].build(IMAGE).module.train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-3)
    images = torch.randn(BATCH, *(IMAGE.channels, IMAGE.size, IMAGE.size)).to(memory_format=torch.channels_last)
    taken: list[float] = []
    begin = time.process_time()
    while len(taken) <= STEPS and (len(taken) < 2 or time.process_time() - begin < MOST_SECONDS):
        start = time.process_time()
        torch.autograd.backward([module(images).square().mean()])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        taken.append(1000 * (time.process_time() - start))
    return statistics.median(taken[1:])


def gflops(name: str, size: int) -> float:
    """Of one image in three channels: a multiply-add counts as two."""
    with torch.device("meta"):
        module = BACKBONES[name].build(ImageShape(3, size)).module
    return count_flops(module, ImageShape(3, size)) / 1e9


def main() -> None:
    """One row a backbone, as soon as it is measured."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    print("| backbone | M weights | " + " | ".join(f"GFLOP at {size}" for size in SIZES) + " | ms a step |", flush=True)
    print("|---|" + "---:|" * (len(SIZES) + 2), flush=True)
    for name in sys.argv[1:] or BACKBONES.names:
        weights = count_params(BACKBONES[name].build(IMAGE).module) / 1e6
        counts = " | ".join(f"{gflops(name, size):.3g}" for size in SIZES)
        print(f"| {name} | {weights:.2f} | {counts} | {step_ms(name):,.0f} |", flush=True)


if __name__ == "__main__":
    main()
