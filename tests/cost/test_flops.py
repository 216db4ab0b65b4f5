"""FLOPs and parameters, against loops over the layers and against published counts."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

from ablate.catalogue.backbones import BACKBONES, BookShape, ImageShape
from ablate.cost.flops import count_flops, count_params, uncounted
from ablate.types import Scalar


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


MODEL_CARDS = {
    "resnet18": ("ResNet18_Weights", 1.814e9),
    "resnet50": ("ResNet50_Weights", 4.089e9),
    "vgg16": ("VGG16_BN_Weights", 15.47e9),
    "mobilenet_v3_small": ("MobileNet_V3_Small_Weights", 0.0565e9),
    "mobilenet_v3_large": ("MobileNet_V3_Large_Weights", 0.217e9),
    "efficientnet_b0": ("EfficientNet_B0_Weights", 0.386e9),
}
"""Backbone -> its weights in torchvision, and the multiply-adds of one image of 224 pixels that are published of it."""


@pytest.mark.parametrize("backbone", MODEL_CARDS)
def test_with_its_classifier_a_network_has_the_published_weights_and_multiply_adds(backbone: str) -> None:
    """Our networks lack the classifier, whose fully connected layers multiply and add once per weight: they are added."""
    name, multiply_adds = MODEL_CARDS[backbone]
    card = getattr(torchvision.models, name).DEFAULT.meta
    assert card["_ops"] == pytest.approx(multiply_adds / 1e9, rel=0.01)  # of three digits there
    with torch.device("meta"):
        theirs = torchvision.models.get_model("vgg16_bn" if backbone == "vgg16" else backbone)
        ours = BACKBONES[backbone].build(ImageShape(3, 224)).module
    classifier = theirs.fc if "resnet" in backbone else theirs.classifier
    matrices = sum(layer.weight.numel() for layer in classifier.modules() if isinstance(layer, nn.Linear))
    assert count_flops(ours, ImageShape(3, 224)) / 2 + matrices == pytest.approx(multiply_adds, rel=0.01)
    assert count_params(ours) + count_params(classifier) == card["num_params"]


def test_conv4_has_the_weights_and_features_of_the_few_shot_literature() -> None:
    """113,088 weights and 1,600 features of 84x84 colour images (miniImageNet): Chen et al. 2019, arXiv:1904.04232."""
    network, num_features = BACKBONES["conv4"].build(ImageShape(3, 84))
    assert (count_params(network), num_features) == (113_088, 1600)
    assert BACKBONES["conv4"].build(ImageShape(1, 28)).num_features == 64  # Omniglot: Vinyals et al. 2016


def test_resnet18_on_32_pixels_has_the_weights_of_the_networks_for_cifar() -> None:
    """A 3x3 stem has 64 * 3 * (49 - 9) weights less than one of 7x7, and every map is 16 times that of torchvision's."""
    with torch.device("meta"):
        small, large = (BACKBONES["resnet18"].build(ImageShape(3, size)).module for size in (32, 128))
    assert count_params(large) - count_params(small) == 64 * 3 * (49 - 9)
    stem_small, stem_large = 2 * 64 * 3 * 9 * 32**2, 2 * 64 * 3 * 49 * 64**2
    blocks = count_flops(large, ImageShape(3, 128)) - stem_large
    assert count_flops(small, ImageShape(3, 32)) - stem_small == blocks


BOOK = BookShape(tokens=12, vocabulary=50, numbers=3, categories=(7, 5))


def macs(backbone: str, **params: Scalar) -> float:
    """Ours."""
    return count_flops(BACKBONES[backbone].build(BOOK, **params).module, BOOK) / 2


def macs_of_text_cnn(width: int, token_dim: int, shortest: int, longest: int) -> int:
    """Each window multiplies with `width` kernels at every place where it fits into the text."""
    total = 0
    for window in range(shortest, longest + 1):
        for _place in range(BOOK.tokens - window + 1):
            total += width * window * token_dim
    return total


def macs_of_metadata(width: int, depth: int, category_dim: int) -> int:
    """Fully connected layers over the numbers and an embedding of each category."""
    total, features = 0, BOOK.numbers + len(BOOK.categories) * category_dim
    for _layer in range(depth):
        total, features = total + features * width, width
    return total


def macs_of_distilbert(layers: int, heads: int, head_dim: int) -> int:
    """Of every token: query, key, value and output; a product with each key and each value; and four times as wide and back."""
    dim = heads * head_dim
    of_a_token = 4 * dim * dim + 2 * heads * BOOK.tokens * head_dim + 2 * dim * 4 * dim
    return layers * BOOK.tokens * of_a_token


def test_the_networks_on_text_multiply_and_add_as_often_as_a_count_by_hand_says() -> None:
    text = {"width": 16, "token_dim": 8, "shortest": 2, "longest": 4}
    facts = {"width": 24, "depth": 3, "category_dim": 6}
    bert = {"layers": 3, "heads": 2, "head_dim": 8}
    assert macs("text_cnn", **text) == macs_of_text_cnn(**text)
    assert macs("metadata_mlp", **facts) == macs_of_metadata(**facts)
    assert macs("distilbert", **bert) == macs_of_distilbert(**bert)


def test_the_hybrid_multiplies_and_adds_as_often_as_its_two_parts() -> None:
    by_hand = macs_of_text_cnn(16, 8, shortest=1, longest=3) + macs_of_metadata(24, depth=1, category_dim=8)
    assert macs("hybrid", width=16, token_dim=8, metadata_width=24) == by_hand


def test_operators_that_are_not_counted_are_named_with_what_they_put_out() -> None:
    image = ImageShape(1, 8)
    network = BACKBONES["simple_cnn"].build(image, width=4, depth=2).module
    assert uncounted(network, image) == {
        "_native_batch_norm_legit_no_training": 4 * 8 * 8 + 4 * 4 * 4,
        "relu_": 4 * 8 * 8 + 4 * 4 * 4,
        "max_pool2d_with_indices": 4 * 4 * 4 + 4 * 2 * 2,
    }


def test_arithmetic_that_the_counter_does_not_know_is_named() -> None:
    class Fourier(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            turned: Tensor = torch.fft.rfft(images)
            return turned.real.flatten(1)

    assert count_flops(Fourier(), ImageShape(1, 8)) == 0
    assert "_fft_r2c" in uncounted(Fourier(), ImageShape(1, 8))


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
