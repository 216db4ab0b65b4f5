"""Triplet order: against a loop, and against the AUC of each anchor by scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import roc_auc_score

from ablate.metrics.triplets import Triplets, sample_triplets, triplet_accuracy
from tests.metrics.test_one_shot import SIZES, clustered


def test_a_triplet_is_an_anchor_another_item_of_its_class_and_one_of_another_class() -> None:
    _, labels = clustered(SIZES)
    drawn = sample_triplets(labels, num_triplets=5000, seed=0)
    assert {len(drawn.anchor), len(drawn.positive), len(drawn.negative)} == {5000}
    assert bool((drawn.anchor != drawn.positive).all())
    assert torch.equal(labels[drawn.anchor], labels[drawn.positive])
    assert bool((labels[drawn.anchor] != labels[drawn.negative]).all())


def test_anchors_positives_and_negatives_are_uniform() -> None:
    _, labels = clustered([2, 3, 5, 1])
    drawn = sample_triplets(labels, num_triplets=40_000, seed=0)
    anchors, counts = torch.unique(drawn.anchor, return_counts=True)
    assert len(anchors) == 10, "a lone item has no positive"
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3
    for anchor in anchors:
        mine = drawn.anchor == anchor
        same = int((labels == labels[anchor]).sum())
        for others, number in ((drawn.positive[mine], same - 1), (drawn.negative[mine], len(labels) - same)):
            found = torch.unique(others, return_counts=True)[1]
            assert len(found) == number
            if number > 1:
                assert stats.chisquare(found.numpy()).pvalue > 1e-4


def test_accuracy_matches_a_loop_in_which_a_tie_counts_half() -> None:
    embeddings, labels = clustered(SIZES)
    embeddings = torch.nn.functional.normalize(embeddings.round(), dim=1)  # rounded: some are equal
    embeddings[1::3] = embeddings[0]
    drawn = sample_triplets(labels, num_triplets=9000, seed=0)
    scores = []
    for anchor, positive, negative in zip(*map(torch.Tensor.tolist, vars(drawn).values()), strict=True):
        near, far = (float((embeddings[anchor] * embeddings[other]).sum()) for other in (positive, negative))
        scores.append(1.0 if near > far else 0.5 if near == far else 0.0)
    assert 0.5 in scores
    assert triplet_accuracy(embeddings, drawn) == pytest.approx(sum(scores) / len(scores), abs=1e-12)


def test_it_estimates_the_mean_over_anchors_of_their_area_under_the_roc_curve() -> None:
    embeddings, labels = clustered(SIZES)
    embeddings = torch.nn.functional.normalize(embeddings, dim=1)
    similarity, of_item = (embeddings @ embeddings.T).numpy(), labels.numpy()
    areas = []
    for anchor in range(len(of_item)):
        others = np.arange(len(of_item)) != anchor
        same = of_item[others] == of_item[anchor]
        if same.any():
            areas.append(roc_auc_score(same, similarity[anchor, others]))
    expected = float(np.mean(areas))
    assert 0.6 < expected < 0.95
    found = triplet_accuracy(embeddings, sample_triplets(labels, num_triplets=100_000, seed=0))
    assert found == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / 100_000))


def test_a_constant_embedding_scores_half_and_one_that_parts_the_classes_scores_one() -> None:
    _, labels = clustered([6] * 8)
    drawn = sample_triplets(labels, num_triplets=5000, seed=0)
    assert triplet_accuracy(torch.full((48, 67), 67**-0.5), drawn) == 0.5
    assert triplet_accuracy(torch.eye(8)[(labels + 3) // 7], drawn) == 1.0
    assert triplet_accuracy(torch.tensor([[1.0], [-1.0], [1.0]]), Triplets(*torch.tensor([[0], [1], [2]]))) == 0.0


def test_the_same_seed_draws_the_same_triplets_and_another_others() -> None:
    _, labels = clustered(SIZES)
    first, again, other = (sample_triplets(labels, num_triplets=50, seed=seed) for seed in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(vars(first).values(), vars(again).values(), strict=True))
    assert not torch.equal(first.negative, other.negative)


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], [], [0]])
def test_labels_without_a_triplet_are_refused(labels: list[int]) -> None:
    with pytest.raises(ValueError, match=r"have no triplet .*\n  evaluate on two classes"):
        sample_triplets(torch.tensor(labels, dtype=torch.int64), num_triplets=1, seed=0)
