"""What every backbone of images owes: features [B, F] of images [B, C, H, W], for every size and number of channels.

Shapes are asked on the meta device, where nothing is computed; numbers of small images.
"""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from importlib.util import find_spec

import pytest
import torch
from torch import Tensor, nn

from ablate.catalogue.backbones import BACKBONES, Backbone, ImageShape, takes_books
from ablate.catalogue.backbones.stems import SMALL, TINY
from ablate.catalogue.registry import Entry
from ablate.cost.flops import count_flops

OF_FAMILIES = ["timm:resnet10t"] if find_spec("timm") else []
"""One backbone for each library that brings its own."""
ENTRIES = [*(entry for entry in BACKBONES if not takes_books(entry)), *(BACKBONES[name] for name in OF_FAMILIES)]
every_backbone = pytest.mark.parametrize("entry", ENTRIES, ids=[entry.name for entry in ENTRIES])
SIZES = (8, 28, 32, 33, 47, 64, 65, 224)
"""32 and 33, 64 and 65 are on both sides of where stems change; 47 is odd at every halving."""
WITH_STEMS = {"efficientnet_b0", "mobilenet_v3_large", "mobilenet_v3_small", "resnet18", "resnet50", "vgg16"}
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def on_meta(entry: Entry, image: ImageShape) -> Backbone:
    with torch.device("meta"):
        built: Backbone = entry.build(image)
    return built


@lru_cache(maxsize=64)
def _drawn(name: str, image: ImageShape) -> Backbone:
    built: Backbone = BACKBONES[name].build(image)
    return built


def built(entry: Entry, *, channels: int = 1) -> Backbone:
    """For images of 8 pixels; drawn once, which takes most of the time."""
    return deepcopy(_drawn(entry.name, ImageShape(channels, 8)))


def sides_of(entry: Entry, size: int) -> list[int]:
    """Of what each convolution sees and each pool gives, in pixels."""
    module, _ = on_meta(entry, ImageShape(3, size))
    maps: list[int] = []
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda layer, given, made: maps.append(given[0].shape[-1]))
        if isinstance(layer, nn.MaxPool2d):  # VGG's last has no convolution after it
            layer.register_forward_hook(lambda layer, given, made: maps.append(made.shape[-1]))
    module(torch.empty(2, 3, size, size, device="meta"))
    return [side for side in maps if side > 1]  # squeeze-and-excitation looks at means, of 1x1


def batch(number: int, *, channels: int = 1, size: int = 8) -> Tensor:
    images = torch.randn(number, channels, size, size, generator=torch.Generator().manual_seed(7))
    return images.contiguous(memory_format=torch.channels_last)


@every_backbone
@pytest.mark.parametrize(("channels", "size"), [(c, s) for c in (1, 3) for s in SIZES])
def test_features_have_the_width_that_the_backbone_says(entry: Entry, channels: int, size: int) -> None:
    module, num_features = on_meta(entry, ImageShape(channels, size))
    with torch.no_grad():
        features = module.eval()(torch.empty(2, channels, size, size, device="meta"))
    assert features.shape == (2, num_features)


@every_backbone
@pytest.mark.parametrize("channels", [1, 3])
def test_features_are_finite_and_of_each_image_its_own(entry: Entry, channels: int) -> None:
    module, num_features = entry.build(ImageShape(channels, 28))
    images = batch(2, channels=channels, size=28)
    with torch.no_grad():
        learning, judged = module.train()(images), module.eval()(images)
    assert learning.shape == judged.shape == (2, num_features)
    assert learning.isfinite().all() and judged.isfinite().all()
    assert not torch.allclose(learning[0], learning[1])


@every_backbone
@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 64)])
def test_flops_are_counted_without_computing_anything(entry: Entry, channels: int, size: int) -> None:
    image = ImageShape(channels, size)
    assert count_flops(on_meta(entry, image).module, image) > 0


@every_backbone
@pytest.mark.parametrize("largest", [TINY, SMALL])
def test_stems_change_one_pixel_beyond_the_largest_small_image(entry: Entry, largest: int) -> None:
    """A pixel more is then half as large in the last layer: where nothing changed, it would be as large or larger."""
    if entry.name not in WITH_STEMS:
        pytest.skip("has no stem of its own for small images")
    below, beyond = (min(sides_of(entry, size)) for size in (largest, largest + 1))
    assert beyond < below


@every_backbone
@pytest.mark.parametrize(("size", "least"), [(28, 3), (64, 3), (112, 3), (224, 6)])
def test_small_images_are_not_shrunk_to_a_point(entry: Entry, size: int, least: int) -> None:
    if entry.name in OF_FAMILIES:
        pytest.skip("taken as its library builds it")
    seen = sides_of(entry, size)
    assert all(side >= least for side in seen) and (len(seen) > 3 or entry.name == "mlp")


@every_backbone
def test_every_weight_learns(entry: Entry) -> None:
    module, _ = built(entry)
    torch.autograd.backward([module(batch(4)).square().sum()])
    still = [name for name, weight in module.named_parameters() if weight.grad is None]
    assert still == [], "these weights touch no feature: they would count as cost and never learn"


def test_without_batch_norm_a_backbone_has_none_and_a_bias_in_every_layer() -> None:
    found = [entry for entry in BACKBONES if "batch_norm" in entry.parameters]
    assert [entry.name for entry in found] == ["mlp", "simple_cnn", "vgg16"]
    for entry in found:
        module, num_features = entry.build(ImageShape(1, 8), batch_norm=False)
        layers = [layer for layer in module.modules() if isinstance(layer, (nn.Linear, nn.Conv2d))]
        assert len(layers) > 0 and all(layer.bias is not None for layer in layers)
        assert not any(isinstance(layer, NORMS) for layer in module.modules())
        assert module(batch(1)).shape == (1, num_features)
        with_norm = built(entry).module
        assert sum(isinstance(layer, NORMS) for layer in with_norm.modules()) == len(layers)


@every_backbone
def test_in_eval_an_image_has_the_same_features_whatever_is_beside_it(entry: Entry) -> None:
    module, _ = built(entry)
    with torch.no_grad():
        together, alone = module.eval()(batch(4)), module(batch(4)[:1])
    torch.testing.assert_close(together[:1], alone, atol=1e-4, rtol=1e-3)


@every_backbone
def test_training_moves_the_statistics_of_batch_norm_and_evaluation_moves_nothing(entry: Entry) -> None:
    module, _ = built(entry)
    norms = [name for name, layer in module.named_modules() if isinstance(layer, NORMS)]
    assert len(norms) >= 2

    def state() -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in module.state_dict().items()}

    before = state()
    with torch.no_grad():
        module.eval()(batch(4))
    assert all(torch.equal(tensor, before[name]) for name, tensor in state().items())
    with torch.no_grad():
        module.train()(batch(4))
    after = state()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved >= {f"{name}.running_mean" for name in norms}
    assert all("running" in name or "num_batches" in name for name in moved)


@every_backbone
def test_a_hundred_steps_are_enough_for_batch_norm_to_forget_the_first_weights(entry: Entry) -> None:
    """Else the first epochs of a study would be judged by statistics of a network that is no more."""
    norms = [layer for layer in built(entry).module.modules() if isinstance(layer, NORMS)]
    assert norms and all(layer.momentum and (1 - layer.momentum) ** 100 < 0.01 for layer in norms)


@every_backbone
def test_the_order_in_memory_changes_no_feature(entry: Entry) -> None:
    module, _ = built(entry, channels=3)
    images = batch(2, channels=3)
    assert not images.is_contiguous()
    with torch.no_grad():
        plain = module.eval()(images.contiguous())
        last = module.to(memory_format=torch.channels_last)(images)
    torch.testing.assert_close(plain, last, atol=1e-4, rtol=1e-3)


@every_backbone
def test_the_same_seed_gives_the_same_weights(entry: Entry) -> None:
    weights = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        weights.append(entry.build(ImageShape(1, 8)).module.state_dict())
    first, again, other = weights
    assert all(torch.equal(first[name], again[name]) for name in first)
    drawn = [name for name in first if first[name].ndim > 1]
    assert drawn and not any(torch.equal(first[name], other[name]) for name in drawn)
