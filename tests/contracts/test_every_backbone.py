"""What every backbone of images owes to the network: features [B, F] of images [B, C, H, W], for every size and channels."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ablate.catalogue.backbones import BACKBONES, ImageShape, takes_books
from ablate.catalogue.registry import Entry
from ablate.cost.flops import count_flops

OF_IMAGES = [entry for entry in BACKBONES if not takes_books(entry)]
every_backbone = pytest.mark.parametrize("entry", OF_IMAGES, ids=[entry.name for entry in OF_IMAGES])
every_image = pytest.mark.parametrize(("channels", "size"), [(c, s) for c in (1, 3) for s in (8, 28, 64)])


@every_backbone
@every_image
def test_features_have_the_width_that_the_backbone_says(entry: Entry, channels: int, size: int) -> None:
    module, num_features = entry.build(ImageShape(channels, size))
    images = torch.randn(2, channels, size, size).contiguous(memory_format=torch.channels_last)
    for training in (True, False):
        with torch.no_grad():
            features = module.train(training)(images)
        assert features.shape == (2, num_features) and features.isfinite().all()


@every_backbone
@every_image
def test_flops_are_counted_without_computing_anything(entry: Entry, channels: int, size: int) -> None:
    image = ImageShape(channels, size)
    assert count_flops(entry.build(image).module, image) > 0


@every_backbone
def test_every_weight_learns(entry: Entry) -> None:
    module, _ = entry.build(ImageShape(1, 28))
    module(torch.randn(4, 1, 28, 28)).square().sum().backward()
    still = [name for name, weight in module.named_parameters() if weight.grad is None]
    assert still == [], "these weights touch no feature: they would count as cost and never learn"


def test_without_batch_norm_a_backbone_has_none_and_a_bias_in_every_layer() -> None:
    found = [entry for entry in BACKBONES if "batch_norm" in entry.parameters]
    assert [entry.name for entry in found] == ["mlp", "simple_cnn"]
    for entry in found:
        module, num_features = entry.build(ImageShape(1, 28), batch_norm=False)
        layers = [layer for layer in module.modules() if isinstance(layer, (nn.Linear, nn.Conv2d))]
        assert len(layers) > 0 and all(layer.bias is not None for layer in layers)
        assert not any(isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)) for layer in module.modules())
        assert module(torch.randn(1, 1, 28, 28)).shape == (1, num_features)
        with_norm = entry.build(ImageShape(1, 28)).module
        assert sum(isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)) for layer in with_norm.modules()) == len(layers)


@every_backbone
def test_in_eval_an_image_has_the_same_features_whatever_is_beside_it(entry: Entry) -> None:
    module, _ = entry.build(ImageShape(1, 28))
    images = torch.randn(4, 1, 28, 28)
    with torch.no_grad():
        together, alone = module.eval()(images), module(images[:1])
    torch.testing.assert_close(together[:1], alone, atol=1e-4, rtol=1e-4)


@every_backbone
def test_the_same_seed_gives_the_same_weights(entry: Entry) -> None:
    weights = []
    for _ in range(2):
        torch.manual_seed(3)
        weights.append(entry.build(ImageShape(1, 8)).module.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
