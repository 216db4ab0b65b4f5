"""Projections of a sample: PCA against a plain decomposition, t-SNE by what it must keep apart."""

from __future__ import annotations

import numpy as np
import pytest

from ablate.training.projections import MOST_CLASSES, MOST_ITEMS, draw_sample, project


def blobs(num_classes: int, each: int, width: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Well separated classes."""
    draw = np.random.default_rng(0)
    centres = draw.normal(size=(num_classes, width)) * 10
    labels = np.repeat(np.arange(num_classes), each)
    return (centres[labels] + draw.normal(size=(len(labels), width))).astype(np.float32), labels


def test_pca_is_the_decomposition_of_the_sample() -> None:
    embeddings, labels = blobs(3, 20)
    sample = project(embeddings, labels, seed=0)
    assert sample is not None
    centred = embeddings.astype(float) - embeddings.astype(float).mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    pca = sample.projections[0]
    expected = left[:, :2] * values[:2]
    signs = np.sign((expected * pca.points).sum(axis=0))  # an axis may point either way
    np.testing.assert_allclose(pca.points * signs, expected, atol=1e-6)
    share = (values[:2] ** 2).sum() / (values**2).sum()
    assert pca.note == f"two axes hold {share:.0%} of the variance"


def test_tsne_keeps_separate_classes_apart() -> None:
    embeddings, labels = blobs(4, 25)
    sample = project(embeddings, labels, seed=0)
    assert sample is not None
    points = sample.projections[1].points
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (labels[distance.argmin(axis=1)] == labels).all()


def test_a_sample_has_few_classes_in_equal_numbers_and_a_small_split_is_taken_whole() -> None:
    labels = np.repeat(np.arange(30), 400)
    chosen = draw_sample(labels, seed=0)
    _, counts = np.unique(labels[chosen], return_counts=True)
    assert counts.tolist() == [MOST_ITEMS // MOST_CLASSES] * MOST_CLASSES
    assert len(set(chosen.tolist())) == MOST_ITEMS
    assert chosen.tolist() == draw_sample(labels, seed=0).tolist() != draw_sample(labels, seed=1).tolist()
    few = np.array([4, 9, 9, 4, 9])
    assert sorted(draw_sample(few, seed=0).tolist()) == [0, 1, 2, 3, 4]


def test_classes_with_enough_items_to_see_where_they_lie_come_first() -> None:
    sizes = [1] * 500 + [30] * 4 + [12] * 4 + [3] * 20
    labels = np.repeat(np.arange(len(sizes)), sizes)
    drawn = [set(labels[draw_sample(labels, seed=seed)].tolist()) for seed in range(5)]
    assert all(len(classes) == MOST_CLASSES and set(range(500, 508)) <= classes for classes in drawn)
    assert all(classes - set(range(500, 508)) <= set(range(508, 528)) for classes in drawn)
    assert len({frozenset(classes) for classes in drawn}) > 1, "the seed decides among equals"


def test_a_sample_says_what_it_was_drawn_from() -> None:
    embeddings, labels = blobs(12, 5)
    sample = project(embeddings, labels, seed=7)
    assert sample is not None
    assert (sample.num_items, sample.num_classes, sample.seed, len(sample.labels)) == (60, 12, 7, 50)


@pytest.mark.parametrize("num", [4, 5, 9])
def test_a_tiny_split_is_projected_too(num: int) -> None:
    embeddings, labels = blobs(num, 1)
    sample = project(embeddings, labels, seed=0)
    assert sample is not None
    for projection in sample.projections:
        assert projection.points.shape == (num, 2) and np.isfinite(projection.points).all()


def test_embeddings_that_are_one_point_or_too_few_are_not_projected() -> None:
    labels = np.repeat(np.arange(4), 10)
    assert project(np.full((40, 8), 0.35355338, dtype=np.float32), labels, seed=0) is None
    assert project(np.eye(3, dtype=np.float32), np.array([0, 0, 1]), seed=0) is None
