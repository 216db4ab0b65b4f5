"""P x K batches: which images a step sees, counted one by one."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest

from ablate.training.batches import Batches

LABELS = np.repeat([7, 3, 11, 5, 2], [9, 4, 6, 20, 5])
"""Five classes of different sizes."""


@pytest.mark.parametrize(("classes", "per_class"), [(2, 2), (3, 4), (5, 4), (2, 1)])
def test_a_step_holds_p_classes_and_k_distinct_images_of_each(classes: int, per_class: int) -> None:
    labels = np.random.default_rng(0).permutation(LABELS)
    steps = Batches.of(labels, classes=classes, per_class=per_class, seed=1).epoch(1)
    assert steps.shape == (round(len(labels) / (classes * per_class)), classes * per_class)
    for step in steps:
        assert len(set(step)) == classes * per_class
        assert list(Counter(labels[step]).values()) == [per_class] * classes


def test_a_class_smaller_than_k_repeats_each_of_its_images_before_any_comes_a_third_time() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    for step in Batches.of(labels, classes=2, per_class=5, seed=1).epoch(1):
        times = Counter(step[labels[step] == 0])
        assert sorted(times.values()) == [1, 2, 2]


@pytest.mark.parametrize(("num_classes", "classes"), [(10, 5), (10, 4), (40, 3)])
def test_classes_come_equally_often(num_classes: int, classes: int) -> None:
    labels = np.repeat(np.arange(num_classes), 30)
    batches = Batches.of(labels, classes=classes, per_class=2, seed=0)
    times = np.zeros(num_classes)
    steps = 0
    for epoch in range(200):
        for step in batches.epoch(epoch):
            times[np.unique(labels[step])] += 1
            steps += 1
    share = classes / num_classes
    # No farther from the mean than independent draws would be, by 4.5 of their deviations.
    assert np.abs(times - steps * share).max() < 4.5 * np.sqrt(steps * share * (1 - share))


def test_an_epoch_shows_each_image_exactly_once_where_classes_have_one_size_and_p_and_k_divide() -> None:
    labels = np.repeat(np.arange(12), 20)
    seen = Batches.of(labels, classes=4, per_class=5, seed=0).epoch(3)
    assert sorted(seen.ravel()) == list(range(len(labels)))


def test_no_image_comes_again_before_every_other_of_its_class_came() -> None:
    seen = Batches.of(LABELS, classes=3, per_class=2, seed=0).epoch(2).ravel()
    assert len(seen) > 0
    for label in np.unique(LABELS):
        times = Counter({int(image): 0 for image in np.flatnonzero(np.equal(LABELS, label))})
        for image in seen[LABELS[seen] == label]:
            assert times[image] == min(times.values())
            times[image] += 1


def test_epochs_and_seeds_differ_and_come_again() -> None:
    batches = Batches.of(LABELS, classes=3, per_class=2, seed=0)
    again = Batches.of(LABELS, classes=3, per_class=2, seed=0)
    other = Batches.of(LABELS, classes=3, per_class=2, seed=1)
    assert (batches.epoch(1) != batches.epoch(2)).any()
    assert (batches.epoch(1) != other.epoch(1)).any()
    batches.epoch(5)
    assert (batches.epoch(2) == again.epoch(2)).all()


def test_images_of_a_class_come_in_an_order_of_their_own_in_each_epoch() -> None:
    labels = np.repeat(np.arange(4), 10)
    batches = Batches.of(labels, classes=4, per_class=2, seed=0)
    first = Counter(int(image) for epoch in range(400) for image in batches.epoch(epoch)[0])
    expected = 400 * 8 / 40
    assert max(abs(first[image] - expected) for image in range(40)) < 4.5 * np.sqrt(expected)


@pytest.mark.parametrize(("num_classes", "classes"), [(10, 10), (4_000, 64), (4_000, 2)])
def test_an_epoch_of_60000_images_is_drawn_in_a_fraction_of_a_second(num_classes: int, classes: int) -> None:
    labels = np.random.default_rng(0).integers(num_classes, size=60_000)
    batches = Batches.of(labels, classes=classes, per_class=2, seed=0)
    begin = time.perf_counter()
    batches.epoch(1)
    assert time.perf_counter() - begin < 0.5  # measured: 0.02; drawing each step by itself took 6.5
