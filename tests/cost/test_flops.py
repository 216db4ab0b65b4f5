"""FLOPs and parameters, against loops over the layers and against published counts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from ablate.catalogue.backbones import BACKBONES, ImageShape
from ablate.cost.flops import count_flops, count_params


def test_an_mlp_multiplies_and_adds_once_per_weight() -> None:
    image, width, depth = ImageShape(3, 8), 32, 3
    expected_flops = expected_params = 0
    features = image.channels * image.size**2
    for _ in range(depth):
        expected_flops += 2 * features * width
        expected_params += features * width + width + 2 * width  # weight, bias, and two of the batch norm
        features = width
    network = BACKBONES["mlp"].build(image, width=width, depth=depth).module
    assert count_flops(network, image) == expected_flops
    assert count_params(network) == expected_params


@pytest.mark.parametrize("size", [28, 5])
def test_a_convolution_multiplies_and_adds_once_per_weight_and_pixel(size: int) -> None:
    image, width, depth = ImageShape(1, size), 16, 4
    expected_flops = expected_params = 0
    channels, pixels = image.channels, size
    for _ in range(depth):
        expected_flops += 2 * (3 * 3 * channels) * width * pixels**2
        expected_params += 3 * 3 * channels * width + 2 * width
        channels, pixels = width, max(1, pixels // 2)
    network = BACKBONES["simple_cnn"].build(image, width=width, depth=depth).module
    assert count_flops(network, image) == expected_flops
    assert count_params(network) == expected_params


def test_resnet18_at_224_has_the_published_1_82_giga_multiply_adds() -> None:
    """He et al. 2016, table 1, says 1.8; torchvision's model card 1.81, with its last layer of 1000 x 512."""
    image = ImageShape(3, 224)
    network = BACKBONES["resnet18"].build(image).module
    assert count_flops(network, image) / 2 + 512 * 1000 == pytest.approx(1.814e9, rel=1e-3)
    assert count_params(network) + 512 * 1000 + 1000 == 11_689_512  # torchvision's model card


def test_functions_count_as_much_as_modules() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = nn.Parameter(torch.randn(4, 2, 3, 3))
            self.matrix = nn.Parameter(torch.randn(4 * 36, 5))

        def forward(self, images: Tensor) -> Tensor:
            return functional.conv2d(images, self.kernel, padding=1).flatten(1) @ self.matrix

    assert count_flops(Functional(), ImageShape(2, 6)) == 2 * (9 * 2 * 4 * 36) + 2 * (4 * 36 * 5)


def test_frozen_weights_are_no_parameters() -> None:
    network = nn.Linear(4, 3)
    network.bias.requires_grad_(False)
    assert count_params(network) == 12


def test_counting_leaves_the_network_as_it_was() -> None:
    image = ImageShape(1, 8)
    network = BACKBONES["simple_cnn"].build(image, width=4).module.train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    count_flops(network, image)
    assert network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
