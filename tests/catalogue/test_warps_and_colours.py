"""Warps and changes of colour against torchvision's, which takes one amount for a batch: here image by image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode, RandAugment
from torchvision.transforms.v2 import functional as torchvision

from ablate.catalogue import colours, randaugment
from ablate.catalogue.augmentations import Pixels, affine, crop, faces, jitter
from ablate.catalogue.randaugment import OPERATIONS, rand_augment
from ablate.catalogue.warp import identity, turned, warp

AMOUNTS = [0.0, 0.4, 1.0, 1.7]


def images(batch: int, channels: int = 3, size: int = 28) -> Tensor:
    """[B, C, H, W] of eight bits, from 0 to 1, in channels_last order."""
    generator = torch.Generator().manual_seed(0)
    levels = torch.randint(256, (batch, size, size, channels), generator=generator)
    return (levels / 255).permute(0, 3, 1, 2)


def smooth(batch: int, channels: int, size: int) -> Tensor:
    """The same without pixels that differ much from their neighbours, which no two interpolations treat alike."""
    return torch.nn.functional.avg_pool2d(images(batch, channels, size + 8), 9, stride=1)


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (colours.brighter, torchvision.adjust_brightness),
        (colours.in_contrast, torchvision.adjust_contrast),
        (colours.saturated, torchvision.adjust_saturation),
        (colours.sharper, torchvision.adjust_sharpness),
    ],
)
def test_each_image_is_changed_by_its_own_amount(
    ours: Callable[[Tensor, Tensor], Tensor], theirs: Callable[[Tensor, float], Tensor], channels: int
) -> None:
    before = images(len(AMOUNTS), channels)
    expected = torch.stack([theirs(image, amount) for image, amount in zip(before, AMOUNTS, strict=True)])
    torch.testing.assert_close(ours(before, torch.tensor(AMOUNTS)), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_levels_are_counted_as_for_images_of_eight_bits(channels: int) -> None:
    before = images(6, channels) ** 2  # more dark than bright
    before[5] = 0.25  # of one grey
    levels = (before * 255).round().to(torch.uint8)
    before = levels / 255
    bits = torch.tensor([1, 2, 4, 6, 8, 3])
    for ours, theirs in (
        (colours.equalized(before), [torchvision.equalize(image) for image in levels]),
        (colours.stretched(before), [torchvision.autocontrast(image) for image in levels]),
        (
            colours.posterized(before, bits),
            [torchvision.posterize(i, int(n)) for i, n in zip(levels, bits, strict=True)],
        ),
        (
            colours.solarized(before, torch.full((6,), 100 / 255)),
            [torchvision.solarize(image, 100) for image in levels],
        ),
    ):
        torch.testing.assert_close(ours * 255, torch.stack(theirs).float(), atol=1.0, rtol=0)


def test_a_warp_turns_scales_and_moves_as_torchvision_does() -> None:
    before = smooth(5, 2, 33)
    degrees, scale = np.array([0.0, 10.0, -20.0, 0.0, 35.0]), np.array([1.0, 1.0, 1.0, 1.3, 0.8])
    shift = np.array([[3.0, -2.0], [0, 0], [0, 0], [0, 0], [1.0, 4.0]])
    after = warp(before, turned(degrees, scale=scale, shift=shift))
    for image, seen, angle, size, move in zip(before, after, degrees, scale, shift, strict=True):
        expected = torchvision.affine(
            image, float(angle), move.tolist(), float(size), [0.0], interpolation=InterpolationMode.BILINEAR
        )
        inner = (slice(None), slice(12, 21), slice(12, 21))  # beyond the edge torchvision is black
        torch.testing.assert_close(seen[inner], expected[inner], atol=1e-4, rtol=0)
    assert torch.equal(warp(before, identity(5)), before) or (warp(before, identity(5)) - before).abs().max() < 1e-6


def test_edges_repeat_beyond_the_image() -> None:
    before = images(1, 1, 12)
    right = warp(before, turned(np.zeros(1), scale=np.ones(1), shift=np.array([[4.0, 0.0]])))
    torch.testing.assert_close(right[..., 4:], before[..., :-4])
    torch.testing.assert_close(right[..., :4], before[..., :1].expand(-1, -1, -1, 4))


@pytest.mark.parametrize("size", [28, 64])
@pytest.mark.parametrize("area", [0.16, 0.5, 1.0])
def test_a_crop_shows_a_part_of_the_image_of_the_asked_area_and_aspect(size: int, area: float) -> None:
    """On a picture whose pixels say where they are, the slopes are the shares of width and height that are shown."""
    place = (torch.arange(size) + 0.5) / size
    before = torch.stack([place.expand(size, size), place[:, None].expand(size, size)]).expand(400, -1, -1, -1)
    after = crop(area=area)(before, draw())
    across, down = after[:, 0, size // 2], after[:, 1, :, size // 2]
    middle = slice(size // 4, 3 * size // 4)  # away from the edge, where half a pixel repeats
    width, height = (line[:, middle].diff(dim=1).mean(dim=1) * size for line in (across, down))
    assert (width <= 1 + 1e-4).all() and (height <= 1 + 1e-4).all()
    shown = width * height
    assert (shown >= area * 0.75 - 1e-3).all()  # a side longer than the image is cut: at most from 4/3 to 1
    inside = (width < 1 - 1e-4) & (height < 1 - 1e-4)
    assert (shown[inside] >= area - 1e-3).all()
    aspect = width / height
    assert (aspect >= 3 / 4 - 1e-3).all() and (aspect <= 4 / 3 + 1e-3).all()
    assert (after[:, 0, 0, 0] >= 0).all() and (after[:, 0, 0, -1] <= 1).all()
    if area < 1:
        assert shown.min() < area + 0.1 and after[:, 0, 0, 0].std() > 0.02


def test_affine_stays_within_what_is_asked_and_uses_all_of_it() -> None:
    size, place = 64, (torch.arange(64) + 0.5) / 64
    before = torch.stack([place.expand(size, size), place[:, None].expand(size, size)]).expand(500, -1, -1, -1)
    after = affine(degrees=15, scale=0.2, fraction=0.1)(before, draw())
    middle = after[:, :, size // 2 - 1 : size // 2 + 1, size // 2 - 1 : size // 2 + 1]
    moved = (middle.mean(dim=(2, 3)) - 0.5).abs()
    step = (middle[:, :, 0, 1] - middle[:, :, 0, 0]) * size  # of one pixel to the right: (cos, -sin) / scale
    angle, scale = torch.atan2(step[:, 1], step[:, 0]).rad2deg().abs(), 1 / step.norm(dim=1)
    assert 12 < angle.max() < 15.1 and scale.min() > 0.79 and 1.15 < scale.max() < 1.21
    assert 0.08 < moved.max() < 0.1 * 1.3 / 0.8


@pytest.mark.parametrize("channels", [1, 3])
def test_jitter_of_normalised_pixels_is_torchvisions_of_plain_ones(channels: int) -> None:
    before, deviation, mean = images(16, channels), torch.tensor([0.2, 0.3, 0.4])[:channels], 0.45
    pixels = Pixels(black=-mean / deviation, white=(1 - mean) / deviation)
    normalised = (before - mean) / deviation[:, None, None]
    after = jitter(pixels, strength=0.6)(normalised, draw(5)) * deviation[:, None, None] + mean
    amounts = draw(5).uniform(0.4, 1.6, (3, 16))
    for image, seen, (bright, contrast, colour) in zip(before, after, amounts.T.tolist(), strict=True):
        expected = torchvision.adjust_contrast(torchvision.adjust_brightness(image, bright), contrast)
        expected = torchvision.adjust_saturation(expected, colour)
        torch.testing.assert_close(seen, expected, atol=1e-5, rtol=0)


def test_the_operations_and_their_strengths_are_those_of_torchvisions_rand_augment() -> None:
    spelled = (
        "Identity ShearX ShearY TranslateX TranslateY Rotate Brightness Color Contrast Sharpness Posterize Solarize"
    )
    names = dict(zip([*spelled.split(), "AutoContrast", "Equalize"], OPERATIONS, strict=True))
    theirs = RandAugment._AUGMENTATION_SPACE
    assert set(names) == set(theirs)
    bins, magnitude, size = 31, 9, 32
    strongest = {name: make(bins, size, size) for name, (make, _) in theirs.items()}
    share = magnitude / randaugment.HIGHEST
    found = {"ShearX": 0.3 * share, "TranslateX": 150 / 331 * size * share, "Rotate": 30 * share, "Color": 0.9 * share}
    for name, value in found.items():
        assert float(strongest[name][magnitude]) == pytest.approx(value), name
    assert int(strongest["Posterize"][magnitude]) == 8 - round(4 * share)
    assert float(strongest["Solarize"][magnitude]) in (pytest.approx(1 - share), pytest.approx(255 * (1 - share)))


@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 64)])
def test_rand_augment_does_each_operation_to_the_images_that_drew_it_and_to_no_other(channels: int, size: int) -> None:
    before = smooth(280, channels, size)
    chosen = draw(2).integers(len(OPERATIONS), size=(1, 280))[0]
    after = rand_augment(before, draw(2), operations=1, magnitude=9)
    changed = (after - before).abs().flatten(1).amax(dim=1) > 1e-4
    still = {"nothing"} | ({"colour"} if channels == 1 else set())
    for number, name in enumerate(OPERATIONS):
        drew = torch.from_numpy(chosen == number)
        assert drew.sum() > 5
        # a smooth grey picture may have no pixel above the solar threshold
        assert name == "solarize" or bool(changed[drew].any()) == (name not in still), name
        assert name in still | {"solarize"} or changed[drew].float().mean() > 0.9, name
    bright = [i for i in range(280) if OPERATIONS[chosen[i]] == "brightness"]
    for index in bright:
        options = [(before[index] * amount).clamp(0, 1) for amount in (0.73, 1.27)]  # 1 -+ 0.9 * 9 / 30
        assert any(torch.allclose(after[index], option, atol=1e-5) for option in options)


def test_two_operations_follow_each_other() -> None:
    before = smooth(64, 3, 28)
    one, two = (rand_augment(before, draw(1), operations=n, magnitude=9) for n in (1, 2))
    changed_by = [((images - before).abs().flatten(1).amax(dim=1) > 1e-4).float().mean() for images in (one, two)]
    assert changed_by[1] > changed_by[0]


def test_faces_of_no_strength_are_mirrored_and_nothing_more() -> None:
    before = images(64)
    after = faces(Pixels(torch.zeros(3), torch.ones(3)), strength=0.0)(before, draw())
    mirrored = (after - before.flip(3)).abs().flatten(1).amax(dim=1) < 1e-4
    same = (after - before).abs().flatten(1).amax(dim=1) < 1e-4
    assert (mirrored | same).all() and mirrored.any() and same.any()
