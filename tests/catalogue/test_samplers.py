"""What the samplers with rules of their own choose, against plain loops over a small batch."""

from __future__ import annotations

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
