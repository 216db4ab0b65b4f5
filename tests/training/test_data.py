"""The images of a trial, on a data set of known pixels: two parts, three splits, two channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from ablate.catalogue.backbones import ImageShape
from ablate.catalogue.datasets import Part
from ablate.study.splits import Split, Splits
from ablate.training import data
from ablate.training.cache import Decoded
from ablate.training.data import SplitData, TrialData, load_data
from tests.training.trials import DIGITS

CPU = torch.device("cpu")
TRAIN, VAL, TEST = [4, 0, 7, 2], [1, 3], [0, 2]
"""Rows of the splits; the test split is in the official test part."""


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, np.ndarray]]:
    """[8, 5, 5, 2] pixels per part; those outside the training split are far brighter."""
    rng = np.random.default_rng(0)
    train = rng.integers(200, 256, (8, 5, 5, 2), dtype=np.uint8)
    train[TRAIN] = rng.integers(0, 90, (4, 5, 5, 2), dtype=np.uint8) * np.array([1, 2], np.uint8)
    parts = {"train": train, "test": rng.integers(200, 256, (3, 5, 5, 2), dtype=np.uint8)}
    decoded = Decoded({name: Part(array, np.arange(len(array)) * 10) for name, array in parts.items()}, "0" * 64)
    split = {"train": Split("train", np.array(TRAIN)), "val": Split("train", np.array(VAL))}
    splits = Splits(**split, test=Split("test", np.array(TEST)), digest="1" * 16)
    monkeypatch.setattr(data, "open_data", lambda spec: (decoded, splits))
    load_data.cache_clear()
    yield parts
    load_data.cache_clear()


def whole(trial_data: TrialData, split: SplitData) -> Tensor:
    return trial_data.batch(split, torch.arange(len(split.labels)))


def test_training_pixels_have_mean_0_and_deviation_1_in_each_channel(images: dict[str, np.ndarray]) -> None:
    loaded = load_data(DIGITS, CPU)
    pixels = whole(loaded, loaded.train)
    assert loaded.shape == ImageShape(channels=2, size=8)
    torch.testing.assert_close(pixels.mean(dim=(0, 2, 3)), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(pixels.std(dim=(0, 2, 3), correction=0), torch.ones(2))


def test_val_and_test_are_normalised_by_the_training_split_alone(images: dict[str, np.ndarray]) -> None:
    loaded = load_data(DIGITS, CPU)
    train = images["train"][TRAIN] / 255
    mean, deviation = train.mean(axis=(0, 1, 2)), train.std(axis=(0, 1, 2))
    for split, pixels in ((loaded.val, images["train"][VAL]), (loaded.test, images["test"][TEST])):
        expected = torch.from_numpy((pixels / 255 - mean) / deviation).permute(0, 3, 1, 2).float()
        torch.testing.assert_close(whole(loaded, split), expected)


def test_a_batch_holds_the_images_asked_for_beside_their_labels(images: dict[str, np.ndarray]) -> None:
    loaded = load_data(DIGITS, CPU)
    assert loaded.train.labels.tolist() == [row * 10 for row in TRAIN]
    wanted = torch.tensor([3, 1, 1, 0])
    batch = loaded.batch(loaded.train, wanted)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    for image, index in zip(batch, wanted, strict=True):
        assert torch.equal(image, whole(loaded, loaded.train)[index])


def test_rotated_classes_are_turned_images_under_labels_of_their_own(images: dict[str, np.ndarray]) -> None:
    plain = load_data(DIGITS, CPU)
    turned = load_data(replace(DIGITS, rotate_classes=True), CPU)
    upright, rotated = whole(plain, plain.train), whole(turned, turned.train)
    assert len(rotated) == 4 * len(upright)
    for turns in range(4):
        for index in range(4):
            assert torch.equal(rotated[turns * 4 + index], torch.rot90(upright[index], turns, dims=(1, 2)))
    assert len(set(turned.train.labels.tolist())) == 16


def test_mirrored_classes_are_classes_of_their_own_and_are_turned_as_well(images: dict[str, np.ndarray]) -> None:
    plain = load_data(DIGITS, CPU)
    mirrored = load_data(replace(DIGITS, rotate_classes=True, mirror_classes=True), CPU)
    upright, changed = whole(plain, plain.train), whole(mirrored, mirrored.train)
    assert len(changed) == 8 * len(upright)
    for turns in range(4):
        for index in range(4):
            mirror = torch.rot90(upright[index].flip(2), turns, dims=(1, 2))
            assert torch.equal(changed[turns * 8 + index], torch.rot90(upright[index], turns, dims=(1, 2)))
            assert torch.equal(changed[turns * 8 + 4 + index], mirror)
    assert len(set(mirrored.train.labels.tolist())) == 32


def test_val_and_test_are_never_turned_or_mirrored(images: dict[str, np.ndarray]) -> None:
    plain = load_data(DIGITS, CPU)
    turned = load_data(replace(DIGITS, rotate_classes=True, mirror_classes=True), CPU)
    for name in ("val", "test"):
        before, after = getattr(plain, name), getattr(turned, name)
        assert torch.equal(before.labels, after.labels)
        assert torch.equal(whole(plain, before), whole(turned, after))


def test_an_image_of_one_grey_is_normalised_to_finite_numbers(images: dict[str, np.ndarray]) -> None:
    images["train"][:] = 7
    loaded = load_data(DIGITS, CPU)
    assert whole(loaded, loaded.train).isfinite().all()


def test_trials_share_one_copy_and_splits_share_their_part(images: dict[str, np.ndarray]) -> None:
    loaded = load_data(DIGITS, CPU)
    assert load_data(replace(DIGITS), CPU) is loaded
    assert loaded.train.images.data_ptr() == loaded.val.images.data_ptr() == images["train"].ctypes.data


def test_the_images_stay_in_the_memory_mapped_cache() -> None:
    load_data.cache_clear()
    loaded = load_data(DIGITS, CPU)
    mapped = loaded.train.images.data_ptr()
    with open("/proc/self/maps") as maps:
        files = [line for line in maps if "images.npy" in line]
    ranges = [tuple(int(end, 16) for end in line.split()[0].split("-")) for line in files]
    assert any(low <= mapped < high for low, high in ranges)
