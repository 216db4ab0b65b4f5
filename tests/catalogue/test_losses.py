"""The losses on small batches, against their papers' formulas written as plain loops; shapes: B samples, D width."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import pytest
import torch
from pytorch_metric_learning.losses import LiftedStructureLoss, NPairsLoss
from torch import Tensor, nn
from torch.nn.functional import normalize

from ablate.catalogue.lifted import LinearLiftedStructureLoss
from ablate.catalogue.losses import LOSSES, Sizes
from ablate.catalogue.npairs import AllNPairsLoss

P, K, D = 3, 4, 5
SIZES = Sizes(num_classes=P + 1, embedding_dim=D)
"""One class more than the batch has."""


def batch(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(P * K, D, generator=generator, dtype=torch.float64)
    return normalize(points, dim=1), torch.arange(P).repeat(K)  # classes in turn: nothing may rely on their order


def dot(one: Tensor, other: Tensor) -> float:
    return float(torch.dot(one, other))


def cosine(one: Tensor, other: Tensor) -> float:
    return dot(one, other) / float(one.norm() * other.norm())


def pairs_of(labels: Tensor, anchor: int) -> tuple[list[int], list[int]]:
    """An anchor's positives and negatives."""
    others = [i for i in range(len(labels)) if i != anchor]
    return [i for i in others if labels[i] == labels[anchor]], [i for i in others if labels[i] != labels[anchor]]


def with_weights(name: str, **params: float) -> tuple[nn.Module, Tensor]:
    """A loss of SIZES, in 64 bits, and the one tensor that it learns."""
    torch.manual_seed(3)
    loss = LOSSES[name].build(SIZES, **params).double()
    (weights,) = loss.parameters()
    return loss, weights.detach()


def value_of(loss: nn.Module) -> float:
    return float(loss(*batch(), None).detach())


def mean_above_0(losses: list[float]) -> float:
    above = [loss for loss in losses if loss > 0]
    assert 0 < len(above) < len(losses), "all pairs count, or none: the mean over the others is not seen"
    return sum(above) / len(above)


def test_contrastive_is_the_distance_of_positives_and_what_negatives_lack_to_the_margin() -> None:
    points, labels = batch()
    near, far = [], []
    for anchor in range(P * K):
        positives, negatives = pairs_of(labels, anchor)
        near += [float((points[anchor] - points[i]).norm()) for i in positives]
        far += [max(0.0, 1.3 - float((points[anchor] - points[i]).norm())) for i in negatives]
    expected = sum(near) / len(near) + mean_above_0(far)
    assert value_of(LOSSES["contrastive"].build(margin=1.3)) == pytest.approx(expected)


def test_triplet_is_the_hinge_of_both_distances_averaged_over_the_triplets_that_break_it() -> None:
    points, labels = batch()
    losses = []
    for anchor in range(P * K):
        for positive, negative in product(*pairs_of(labels, anchor)):
            near, far = (float((points[anchor] - points[i]).norm()) for i in (positive, negative))
            losses.append(max(0.0, near - far + 0.25))
    assert value_of(LOSSES["triplet"].build(margin=0.25)) == pytest.approx(mean_above_0(losses))


def test_cosine_embedding_is_torchs_pair_by_pair() -> None:
    points, labels = batch()
    near, far = [], []
    for anchor in range(P * K):
        positives, negatives = pairs_of(labels, anchor)
        near += [1 - dot(points[anchor], points[i]) for i in positives]
        far += [max(0.0, dot(points[anchor], points[i]) - 0.2) for i in negatives]
    expected = sum(near) / len(near) + mean_above_0(far)
    assert value_of(LOSSES["cosine_embedding"].build(margin=0.2)) == pytest.approx(expected)
    one, other = points[[0, 0]], points[[P, 1]]  # a positive and a negative
    torchs = nn.CosineEmbeddingLoss(margin=0.2, reduction="none")(one, other, torch.tensor([1, -1]))
    assert torchs.tolist() == pytest.approx([near[0], max(0.0, dot(points[0], points[1]) - 0.2)])


def test_circle_is_equation_6_of_each_anchor() -> None:
    points, labels = batch()
    m, gamma, losses = 0.3, 4.0, []
    for anchor in range(P * K):
        positives, negatives = pairs_of(labels, anchor)
        near = [dot(points[anchor], points[i]) for i in positives]
        far = [dot(points[anchor], points[i]) for i in negatives]
        pull = sum(math.exp(-gamma * max(0.0, 1 + m - s) * (s - (1 - m))) for s in near)
        push = sum(math.exp(gamma * max(0.0, s + m) * (s - m)) for s in far)
        losses.append(math.log(1 + push * pull))
    assert value_of(LOSSES["circle"].build(m=m, gamma=gamma)) == pytest.approx(sum(losses) / len(losses))


def test_multi_similarity_is_a_soft_maximum_over_the_positives_and_one_over_the_negatives_of_each_anchor() -> None:
    points, labels = batch()
    total = 0.0
    for anchor in range(P * K):
        positives, negatives = pairs_of(labels, anchor)
        near = sum(math.exp(-3 * (dot(points[anchor], points[i]) - 0.4)) for i in positives)
        far = sum(math.exp(20 * (dot(points[anchor], points[i]) - 0.4)) for i in negatives)
        total += math.log(1 + near) / 3 + math.log(1 + far) / 20
    loss = LOSSES["multi_similarity"].build(alpha=3.0, beta=20.0, base=0.4)
    assert value_of(loss) == pytest.approx(total / (P * K))


def test_margin_compares_every_distance_of_a_triplet_with_the_boundary_of_the_anchors_class() -> None:
    loss, boundary = with_weights("margin", margin=0.3, beta=0.9)
    assert boundary.tolist() == pytest.approx([0.9] * SIZES.num_classes)
    boundary += torch.tensor([0.0, 0.2, -0.3, 0.1])
    points, labels = batch()
    total, counted = 0.0, 0
    for anchor in range(P * K):
        beta = float(boundary[labels[anchor]])
        for positive, negative in product(*pairs_of(labels, anchor)):
            near = max(0.0, float((points[anchor] - points[positive]).norm()) - beta + 0.3)
            far = max(0.0, beta - float((points[anchor] - points[negative]).norm()) + 0.3)
            total, counted = total + near + far, counted + (near > 0) + (far > 0)
    assert 0 < counted < 2 * P * K * (K - 1) * (P - 1) * K
    assert value_of(loss) == pytest.approx(total / counted)


def test_proxy_anchor_pulls_a_proxys_own_images_and_pushes_all_others() -> None:
    loss, proxies = with_weights("proxy_anchor", margin=0.2, alpha=7.0)
    points, labels = batch()
    pulls, pushes = [], []
    for number, proxy in enumerate(proxies):
        near = [math.exp(-7 * (cosine(x, proxy) - 0.2)) for x, c in zip(points, labels, strict=True) if c == number]
        far = [math.exp(7 * (cosine(x, proxy) + 0.2)) for x, c in zip(points, labels, strict=True) if c != number]
        pulls += [math.log(1 + sum(near))] * bool(near)
        pushes.append(math.log(1 + sum(far)))
    assert (len(pulls), len(pushes)) == (P, P + 1)
    assert value_of(loss) == pytest.approx(sum(pulls) / len(pulls) + sum(pushes) / len(pushes))


def cross_entropy(scores: Callable[[Tensor, int], list[float]]) -> float:
    """Mean over the batch, of the scores that `scores` gives a point of a class."""
    points, labels = batch()
    losses = []
    for point, label in zip(points, labels.tolist(), strict=True):
        found = scores(point, label)
        losses.append(-math.log(math.exp(found[label]) / sum(map(math.exp, found))))
    return sum(losses) / len(losses)


def test_arcface_adds_the_margin_in_radians_to_the_angle_of_the_true_class() -> None:
    loss, weights = with_weights("arcface", margin=0.4, scale=9.0)

    def scores(point: Tensor, label: int) -> list[float]:
        angles = [math.acos(cosine(point, column)) for column in weights.T]
        assert angles[label] + 0.4 < math.pi
        return [9 * math.cos(angle + 0.4 * (number == label)) for number, angle in enumerate(angles)]

    assert value_of(loss) == pytest.approx(cross_entropy(scores), rel=1e-5)


def test_normalized_softmax_divides_cosines_by_the_temperature() -> None:
    loss, weights = with_weights("normalized_softmax", temperature=0.2)
    assert value_of(loss) == pytest.approx(cross_entropy(lambda x, _: [cosine(x, c) / 0.2 for c in weights.T]))


def test_soft_triple_takes_the_nearest_centres_of_each_class() -> None:
    loss, centers = with_weights("soft_triple", centers=3, scale=6.0, gamma=0.25, margin=0.15)

    def scores(point: Tensor, label: int) -> list[float]:
        found = []
        for number in range(SIZES.num_classes):
            near = [cosine(point, center) for center in centers.T[3 * number : 3 * number + 3]]
            share = [math.exp(s / 0.25) for s in near]
            soft = sum(s * w for s, w in zip(near, share, strict=True)) / sum(share)
            found.append(6 * (soft - 0.15 * (number == label)))
        return found

    assert value_of(loss) == pytest.approx(cross_entropy(scores))


def test_supcon_averages_the_logarithms_over_an_anchors_positives() -> None:
    points, labels = batch()
    losses = []
    for anchor in range(P * K):
        positives, negatives = pairs_of(labels, anchor)
        share = {i: math.exp(dot(points[anchor], points[i]) / 0.3) for i in (*positives, *negatives)}
        losses.append(-sum(math.log(share[i] / sum(share.values())) for i in positives) / len(positives))
    assert value_of(LOSSES["supcon"].build(temperature=0.3)) == pytest.approx(sum(losses) / len(losses))


def test_n_pairs_is_the_mean_over_every_way_to_take_one_pair_of_each_class() -> None:
    points, labels = batch()
    members = [[i for i in range(P * K) if labels[i] == c] for c in range(P)]
    losses = []
    for one, other in product(range(K), repeat=2):
        for c in range(P) if one != other else ():
            share = [math.exp(5 * dot(points[members[c][one]], points[members[n][other]])) for n in range(P)]
            losses.append(-math.log(share[c] / sum(share)))
    assert len(losses) == K * (K - 1) * P
    assert value_of(AllNPairsLoss(scale=5.0)) == pytest.approx(sum(losses) / len(losses))


def test_n_pairs_of_two_images_a_class_is_the_librarys_loss_in_both_directions() -> None:
    points, labels = batch()
    points, labels = points[: 2 * P], labels[: 2 * P]
    ours = AllNPairsLoss(scale=1.0)(points, labels)
    there, back = NPairsLoss()(points, labels), NPairsLoss()(points.flip(0), labels.flip(0))
    torch.testing.assert_close(ours, (there + back) / 2)


@pytest.mark.parametrize("margin", [0.3, 1.0])
def test_lifted_structure_and_its_gradient_are_the_librarys(margin: float) -> None:
    for tuples in (
        None,
        tuple(
            torch.tensor(part) for part in ([0, 3, 1], [3, 6, 4], [0, 0, 6, 2], [1, 2, 7, 1])
        ),  # 1 and 4: no negative
    ):
        found = []
        for kind in (LiftedStructureLoss, LinearLiftedStructureLoss):
            points, labels = batch()
            points.requires_grad_()
            loss = kind(neg_margin=margin)(points, labels, tuples)
            loss.backward()
            assert points.grad is not None
            found.append((loss.detach(), points.grad))
        torch.testing.assert_close(found[1], found[0])
