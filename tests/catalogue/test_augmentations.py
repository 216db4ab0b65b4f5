"""Each augmentation, pixel by pixel against a plain loop over what it may do to one image."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from ablate.catalogue.augmentations import erasing, flip, shift


def images(batch: int, channels: int = 2, height: int = 10, width: int = 6) -> Tensor:
    """[B, C, H, W], no pixel twice in an image; the same picture B times."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randperm(channels * height * width, generator=generator).float()
    return pixels.view(1, channels, height, width).expand(batch, -1, -1, -1)


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_about_every_second_image_is_mirrored_and_the_others_stay() -> None:
    before = images(2000)
    after = flip()(before, draw())
    mirrored = (after == before.flip(3)).flatten(1).all(dim=1)
    assert (mirrored | (after == before).flatten(1).all(dim=1)).all()
    assert abs(float(mirrored.float().mean()) - 0.5) < 4 * 0.5 / 2000**0.5  # four standard deviations


def moved(image: Tensor, down: int, right: int) -> Tensor:
    """The image, moved; what would come from outside is the nearest pixel of the edge."""
    _, height, width = image.shape
    result = torch.empty_like(image)
    for row, column in product(range(height), range(width)):
        source = min(max(row - down, 0), height - 1), min(max(column - right, 0), width - 1)
        result[:, row, column] = image[:, source[0], source[1]]
    return result


@pytest.mark.parametrize(
    ("fraction", "rows", "columns"), [(0.0, 0, 0), (0.05, 1, 1), (0.1, 1, 1), (0.3, 3, 2), (0.5, 5, 3)]
)
def test_every_shift_within_the_fraction_occurs_and_no_other(fraction: float, rows: int, columns: int) -> None:
    """Of 10 rows and 6 columns; rounded up, so that the smallest fraction still moves something."""
    before = images(2000)
    after = shift(fraction=fraction)(before, draw())
    steps = product(range(-rows, rows + 1), range(-columns, columns + 1))
    allowed = {moved(before[0], *step).numpy().tobytes() for step in steps}
    assert len(allowed) == (2 * rows + 1) * (2 * columns + 1)
    assert {image.contiguous().numpy().tobytes() for image in after} == allowed


def test_a_tenth_of_thirty_pixels_is_three_and_not_four() -> None:
    before = images(300, 1, 30, 30)
    allowed = {moved(before[0], *step).numpy().tobytes() for step in product(range(-3, 4), repeat=2)}
    assert {image.contiguous().numpy().tobytes() for image in shift(fraction=0.1)(before, draw())} <= allowed


@pytest.mark.parametrize("fraction", [0.1, 0.4, 1.0])
def test_one_rectangle_of_at_most_the_fraction_becomes_the_mean_of_its_channel(fraction: float) -> None:
    before = images(300, 2, 12, 16)
    after = erasing(fraction=fraction)(before, draw())
    mean = before[0].mean(dim=(1, 2))
    areas = []
    for image in after:
        changed = (image != before[0]).any(dim=0)
        areas.append(int(changed.sum()))
        if areas[-1] == 0:
            continue
        rows, columns = changed.any(dim=1).nonzero().flatten(), changed.any(dim=0).nonzero().flatten()
        inside = image[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        torch.testing.assert_close(inside, mean[:, None, None].expand_as(inside))
        assert areas[-1] == inside[0].numel(), "it is no rectangle"
    assert max(areas) <= fraction * 12 * 16
    assert max(areas) > 0.6 * min(fraction, 0.8) * 12 * 16, "the fraction is never come near"


def test_erased_rectangles_are_everywhere_in_the_image() -> None:
    before = images(2000, 1, 12, 12)
    erased = (erasing()(before, draw()) != before).float().mean(dim=(0, 1))
    assert (erased > 0.005).all()
    assert erased[6, 6] > erased[0, 0]  # fewer places reach into a corner


def test_erasing_nothing_is_the_identity() -> None:
    assert torch.equal(erasing(fraction=0.0)(images(50), draw()), images(50))
