"""What bf16 layers gain: seconds of a training step's forward and backward pass in fp32 against bf16, same network and images.

    python benchmarks/precision.py [--threads 1] [--steps 5] [--repeats 3]

The sides take turns, `--steps` steps each, after one turn that does not count. The figure is the median of the turns' ratios;
below 1 bf16 is slower.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch import Tensor

from ablate.catalogue.backbones import ImageShape
from ablate.study.configuration import Component
from ablate.training.network import SiameseNetwork, build_network

CASES = (
    (Component("mlp", {"width": 512}), ImageShape(1, 28), 128),
    (Component("pyramid_cnn", {"width": 32}), ImageShape(1, 28), 128),
    (Component("simple_cnn", {"width": 32, "convolutions": 2}), ImageShape(3, 64), 128),
    (Component("resnet18"), ImageShape(3, 64), 32),
    (Component("mobilenet_v3_small"), ImageShape(3, 64), 64),
    (Component("efficientnet_b0"), ImageShape(3, 64), 32),
)
"""Backbone, images, batch."""


def step_seconds(network: SiameseNetwork, images: Tensor, steps: int) -> float:
    """Mean seconds of a forward and backward pass."""
    begin = time.perf_counter()
    for _ in range(steps):
        network.zero_grad()
        network(images).square().mean().backward()
    return (time.perf_counter() - begin) / steps


def main() -> None:
    """Print a row for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print("| network | pixels | batch | fp32 ms | bf16 ms | fp32 / bf16 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for backbone, shape, batch in CASES:
        images = torch.randn(batch, shape.channels, shape.size, shape.size).to(memory_format=torch.channels_last)
        sides = {}
        for precision in ("fp32", "bf16"):
            network = build_network(backbone, 64, shape, precision=precision)
            sides[precision] = network.to(memory_format=torch.channels_last).train()
        turns = [
            {precision: step_seconds(network, images, options.steps) for precision, network in sides.items()}
            for _ in range(options.repeats + 1)
        ][1:]
        fp32, bf16 = (1000 * statistics.median(turn[precision] for turn in turns) for precision in ("fp32", "bf16"))
        ratio = statistics.median(turn["fp32"] / turn["bf16"] for turn in turns)
        print(f"| {backbone.name} | {shape.size} | {batch} | {fp32:.1f} | {bf16:.1f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
