"""What every augmentation owes to the training loop: images of the same shape, each changed in its own way, repeatably.

Shapes: B images, C channels, H height, W width.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from ablate.catalogue.augmentations import AUGMENTATIONS, READS_PIXELS, Pixels
from ablate.catalogue.registry import Entry

every_augmentation = pytest.mark.parametrize("entry", AUGMENTATIONS, ids=AUGMENTATIONS.names)
every_change = pytest.mark.parametrize("entry", [entry for entry in AUGMENTATIONS if entry.name != "none"])


def images(batch: int = 16, channels: int = 1, height: int = 8, width: int = 8) -> Tensor:
    """[B, C, H, W] in channels_last order, as batches come; the same for the same shape."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, height, width, channels, generator=generator).permute(0, 3, 1, 2)


def made(entry: Entry, channels: int = 1) -> Callable[[Tensor, np.random.Generator], Tensor]:
    """The augmentation, for pixels from -2 (black) to 2 (white)."""
    pixels = Pixels(torch.full((channels,), -2.0), torch.full((channels,), 2.0))
    augment: Callable[[Tensor, np.random.Generator], Tensor] = entry.build(
        *((pixels,) if entry.name in READS_PIXELS else ())
    )
    return augment


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@every_augmentation
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (28, 28), (64, 64), (9, 33)])
def test_shape_type_and_memory_order_stay_and_every_pixel_is_finite(
    entry: Entry, channels: int, height: int, width: int
) -> None:
    before = images(16, channels, height, width)
    after = made(entry, channels)(before, draw())
    assert after.shape == before.shape and after.dtype == before.dtype and after.device == before.device
    assert after.is_contiguous(memory_format=torch.channels_last), "the convolutions would copy every batch"
    assert after.isfinite().all()


@every_augmentation
@pytest.mark.parametrize("batch", [1, 2])
def test_a_batch_of_any_size_is_augmented(entry: Entry, batch: int) -> None:
    assert made(entry)(images(batch), draw()).shape == (batch, 1, 8, 8)


@every_augmentation
def test_what_is_given_is_not_modified(entry: Entry) -> None:
    given = images()
    made(entry)(given, draw())
    assert torch.equal(given, images())


@every_augmentation
def test_the_same_seed_gives_the_same_images(entry: Entry) -> None:
    assert torch.equal(made(entry)(images(), draw(3)), made(entry)(images(), draw(3)))


@every_augmentation
def test_nothing_is_drawn_from_the_global_generators(entry: Entry) -> None:
    """Else weights, batches or mining would change with the augmentation."""
    torch.manual_seed(1)
    np.random.seed(1)
    expected = torch.rand(3), np.random.random()
    torch.manual_seed(1)
    np.random.seed(1)
    made(entry)(images(), draw())
    assert torch.equal(torch.rand(3), expected[0]) and np.random.random() == expected[1]


@every_change
def test_another_seed_gives_other_images(entry: Entry) -> None:
    assert not torch.equal(made(entry)(images(), draw(0)), made(entry)(images(), draw(1)))


@every_change
def test_the_images_of_a_batch_are_changed_each_in_its_own_way(entry: Entry) -> None:
    same = images(1).expand(64, -1, -1, -1)
    after = made(entry)(same, draw())
    assert len({image.numpy().tobytes() for image in after.contiguous()}) > 1
    assert not torch.equal(after, same)


@every_change
def test_a_batch_goes_on_where_the_one_before_it_stopped_drawing(entry: Entry) -> None:
    generator = draw()
    first, second = (made(entry)(images(), generator) for _ in range(2))
    assert not torch.equal(first, second)


def test_none_is_the_identity() -> None:
    assert torch.equal(made(AUGMENTATIONS["none"])(images(), draw()), images())


def test_reads_pixels_names_nothing_that_is_not_there() -> None:
    assert set(AUGMENTATIONS.names) >= READS_PIXELS


@every_augmentation
@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 64)])
def test_images_of_black_and_white_stay_between_the_two(entry: Entry, channels: int, size: int) -> None:
    after = made(entry, channels)(images(32, channels, size, size).clamp(-2, 2), draw())
    assert after.min() >= -2 - 1e-5 and after.max() <= 2 + 1e-5


@every_augmentation
def test_an_image_is_changed_as_it_would_be_beside_others(entry: Entry) -> None:
    """Amounts are drawn for each image; what stands beside it decides nothing."""
    before = images(16, 3, 28, 28)
    other = before.clone()
    other[1:] = other[1:].flip(0)
    first, second = (made(entry, 3)(batch, draw())[0] for batch in (before, other))
    torch.testing.assert_close(first, second)
