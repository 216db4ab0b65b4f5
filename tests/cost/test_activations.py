"""Activation memory and the size of weights, against counts by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ablate.catalogue.backbones import BACKBONES, ImageShape
from ablate.cost.activations import activation_mib
from ablate.cost.memory import MIB
from ablate.cost.meta import on_meta
from ablate.cost.weights import weights_mib


def test_an_mlp_keeps_what_goes_into_each_batch_norm_and_what_each_relu_lets_through() -> None:
    width, depth = 32, 3
    network = BACKBONES["mlp"].build(ImageShape(1, 8), width=width, depth=depth).module
    floats = depth * (width + width)  # the input of a linear layer is the output of the ReLU before it
    assert activation_mib(network, ImageShape(1, 8)) == pytest.approx(4 * floats / MIB)


def test_a_convolutional_network_keeps_maps_and_the_places_of_maxima() -> None:
    size, width = 16, 8
    network = nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(width * (size // 2) ** 2, 4),
    )
    maps, pooled = width * size**2, width * (size // 2) ** 2
    kept = (
        4 * maps + 4 * maps + 8 * pooled + 4 * pooled
    )  # into batch norm; out of ReLU; indices in 64 bits; into linear
    assert activation_mib(network, ImageShape(1, size)) == pytest.approx(kept / MIB)


def test_counting_on_real_tensors_gives_the_same() -> None:
    """On the CPU, as training runs: bytes that autograd saves for a batch, each storage once, without weights and input."""
    image = ImageShape(3, 32)
    network = BACKBONES["resnet18"].build(image).module.train()

    def saved(batch: int) -> int:
        images = torch.rand(batch, 3, 32, 32)
        own = {tensor.untyped_storage().data_ptr() for tensor in (images, *network.parameters(), *network.buffers())}
        kept: dict[int, torch.Tensor] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            if tensor.untyped_storage().data_ptr() not in own:
                kept[tensor.untyped_storage().data_ptr()] = tensor
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            network(images)
        return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())

    assert activation_mib(network, image) == pytest.approx((saved(3) - saved(2)) / MIB, rel=0.01)


def test_weights_take_four_two_or_one_byte() -> None:
    network = nn.Sequential(nn.Linear(10, 3), nn.BatchNorm1d(3))
    floats, counter = 30 + 3 + 4 * 3, 8  # batch norm: scale, shift, mean, variance, and how many batches it has seen
    found = weights_mib(network)
    assert found["fp32"] * MIB == pytest.approx(4 * floats + counter)
    assert found["bf16"] * MIB == pytest.approx(2 * floats + counter)
    assert found["int8"] * MIB == pytest.approx(30 + 4 * 3 + 4 * (floats - 30) + counter)  # a scale for each of 3 rows


def test_a_double_on_meta_shares_what_is_shared_and_leaves_the_network_alone() -> None:
    network = nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Linear(4, 4)})
    network["b"].weight = network["a"].weight
    network["a"].bias.requires_grad_(False)
    double = on_meta(network)
    assert double["a"].weight is double["b"].weight
    assert {weight.device.type for weight in double.parameters()} == {"meta"}
    assert [w.requires_grad for w in double.parameters()] == [w.requires_grad for w in network.parameters()]
    assert {weight.device.type for weight in network.parameters()} == {"cpu"}
