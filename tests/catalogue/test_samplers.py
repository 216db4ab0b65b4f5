"""What the samplers with rules of their own choose, against plain loops over a small batch."""

from __future__ import annotations

import math
from collections import Counter
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ablate.catalogue.samplers import SAMPLERS


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(4)
    return normalize(torch.randn(12, 6, generator=generator), dim=1), torch.arange(4).repeat(3)


def others(labels: Tensor, anchor: int) -> tuple[list[int], list[int]]:
    """An anchor's positives and negatives."""
    rest = [i for i in range(len(labels)) if i != anchor]
    return [i for i in rest if labels[i] == labels[anchor]], [i for i in rest if labels[i] != labels[anchor]]


def pairs(one: Tensor, other: Tensor) -> list[tuple[int, int]]:
    return sorted(zip(one.tolist(), other.tolist(), strict=True))


def triplets(chosen: tuple[Tensor, ...]) -> list[tuple[int, ...]]:
    return sorted(zip(*(part.tolist() for part in chosen), strict=True))


def test_hard_takes_the_farthest_positive_and_the_nearest_negative_of_each_anchor(batch: tuple[Tensor, Tensor]) -> None:
    points, labels = batch
    distance = torch.cdist(points, points).tolist()
    expected = []
    for anchor in range(12):
        positives, negatives = others(labels, anchor)
        far = max(positives, key=lambda i: distance[anchor][i])
        expected.append((anchor, far, min(negatives, key=lambda i: distance[anchor][i])))
    assert triplets(SAMPLERS["hard"].build()(*batch)) == expected


@pytest.mark.parametrize("margin", [0.1, 0.4])
def test_semi_hard_takes_all_negatives_beyond_the_positive_by_less_than_the_margin(
    batch: tuple[Tensor, Tensor], margin: float
) -> None:
    points, labels = batch
    distance = torch.cdist(points, points).tolist()
    expected = [
        (anchor, positive, negative)
        for anchor in range(12)
        for positive, negative in product(*others(labels, anchor))
        if 0 < distance[anchor][negative] - distance[anchor][positive] < margin
    ]
    assert 0 < len(expected) < 12 * 2 * 9
    assert triplets(SAMPLERS["semi_hard"].build(margin=margin)(*batch)) == expected


@pytest.mark.parametrize(("cutoff", "farthest"), [(0.5, 1.4), (1.0, 1.6)])
def test_distance_weighted_draws_negatives_by_the_inverse_density_of_their_distance(
    batch: tuple[Tensor, Tensor], cutoff: float, farthest: float
) -> None:
    """On a sphere in n dimensions q(d) ~ d^(n-2) (1 - d^2/4)^((n-3)/2): a negative is drawn with 1 / q(max(d, cutoff))."""
    points, labels = batch
    n, calls = points.shape[1], 400
    distance = torch.cdist(points, points).tolist()
    miner = SAMPLERS["distance_weighted"].build(cutoff=cutoff, nonzero_loss_cutoff=farthest)
    torch.manual_seed(0)
    drawn = Counter((a, i) for _ in range(calls) for a, _, i in triplets(miner(points, labels)))
    unlike_uniform = 0
    for anchor in range(12):
        _, negatives = others(labels, anchor)
        share = {}
        for i in negatives:
            d = max(distance[anchor][i], cutoff)
            share[i] = 0.0 if d >= farthest else 1 / (d ** (n - 2) * (1 - d * d / 4) ** ((n - 3) / 2))
        within, draws = sum(w > 0 for w in share.values()), sum(drawn[anchor, i] for i in negatives)
        assert draws == (calls * 3 if within else 0), "as many as its class has images"
        for i in negatives if within else ():
            p = share[i] / sum(share.values())
            deviation = math.sqrt(draws * p * (1 - p))
            assert abs(drawn[anchor, i] - draws * p) <= 4.5 * deviation
            unlike_uniform += share[i] > 0 and abs(draws / within - draws * p) > 4.5 * deviation
    assert unlike_uniform > 9, "a uniform draw would have passed"


@pytest.mark.parametrize("semi_hard", [True, False])
def test_easy_positive_takes_the_nearest_positive_and_the_nearest_negative(
    batch: tuple[Tensor, Tensor], semi_hard: bool
) -> None:
    points, labels = batch
    distance = torch.cdist(points, points).tolist()
    expected = []
    for anchor in range(12):
        positives, negatives = others(labels, anchor)
        positive = min(positives, key=lambda i: distance[anchor][i])
        beyond = [i for i in negatives if not semi_hard or distance[anchor][i] > distance[anchor][positive]]
        if beyond:
            expected.append((anchor, positive, min(beyond, key=lambda i: distance[anchor][i])))
    anchor_, positive_, again, negative_ = SAMPLERS["easy_positive"].build(semi_hard=semi_hard)(*batch)
    assert torch.equal(anchor_, again)
    assert list(zip(anchor_.tolist(), positive_.tolist(), negative_.tolist(), strict=True)) == expected


@pytest.mark.parametrize("epsilon", [0.0, 0.1])
def test_multi_similarity_keeps_what_the_other_side_comes_near(batch: tuple[Tensor, Tensor], epsilon: float) -> None:
    points, labels = batch
    similarity = (points @ points.T).tolist()
    near, far = [], []
    for anchor in range(12):
        positives, negatives = others(labels, anchor)
        highest = max(similarity[anchor][i] for i in negatives)
        lowest = min(similarity[anchor][i] for i in positives)
        near += [(anchor, i) for i in positives if similarity[anchor][i] - epsilon < highest]
        far += [(anchor, i) for i in negatives if similarity[anchor][i] + epsilon > lowest]
    one, other, third, fourth = SAMPLERS["multi_similarity"].build(epsilon=epsilon)(*batch)
    assert (pairs(one, other), pairs(third, fourth)) == (sorted(near), sorted(far))


@pytest.mark.parametrize("width", [8, 128, 512])
def test_distance_weighted_keeps_every_anchor_that_has_a_negative_however_wide_embeddings_are(width: int) -> None:
    """Two classes lie near each other, the others far: the weights of these two must not make 0 of all others."""
    draw = torch.Generator().manual_seed(0)
    centres = torch.randn(16, width, generator=draw)
    centres[1] = centres[0] + 0.2 * torch.randn(width, generator=draw)
    labels = torch.arange(16).repeat_interleave(4)
    points = torch.nn.functional.normalize(centres[labels] + 0.1 * torch.randn(64, width, generator=draw), dim=1)
    near = (torch.cdist(points, points) < 1.4) & (labels[:, None] != labels)
    anchor, positive, negative = SAMPLERS["distance_weighted"].build()(points, labels)
    assert set(anchor.tolist()) == set(torch.where(near.any(dim=1))[0].tolist())
    assert len(set(anchor.tolist())) > 50
    assert (labels[anchor] == labels[positive]).all() and (labels[anchor] != labels[negative]).all()
    assert near[anchor, negative].all()
