"""What a miner chose reaches the loss in the form it learns from."""

from __future__ import annotations

import dataclasses
from itertools import product

import torch
from torch import Tensor, nn

from ablate.catalogue.backbones import ImageShape
from ablate.study.configuration import Component
from ablate.training.build import Parts, build
from ablate.training.tuples import choose_tuples, pairs_of
from tests.training.trials import CONFIGURATION, TRAINING


def parts_with(loss: str, sampler: str) -> Parts:
    choices = dataclasses.replace(CONFIGURATION, loss=Component(loss), sampler=Component(sampler))
    return build(choices, ImageShape(1, 4), training=TRAINING, goal="maximize", device=torch.device("cpu"))


def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    embeddings = nn.functional.normalize(torch.randn(12, 8, generator=generator), dim=1)
    return embeddings, torch.arange(4).repeat_interleave(3)


def test_pairs_of_triplets_are_each_pair_once() -> None:
    anchor, positive, negative = torch.tensor([0, 0, 4, 0]), torch.tensor([1, 1, 5, 2]), torch.tensor([4, 5, 0, 4])
    one, other, third, fourth = pairs_of(anchor, positive, negative, num_samples=6)
    positives = sorted(zip(one.tolist(), other.tolist(), strict=True))
    negatives = sorted(zip(third.tolist(), fourth.tolist(), strict=True))
    assert positives == sorted(set(zip(anchor.tolist(), positive.tolist(), strict=True)))
    assert negatives == sorted(set(zip(anchor.tolist(), negative.tolist(), strict=True)))


def test_no_triplets_make_no_pairs() -> None:
    none = torch.empty(0, dtype=torch.int64)
    assert [len(indices) for indices in pairs_of(none, none, none, num_samples=6)] == [0, 0, 0, 0]


def test_random_leaves_the_choice_to_the_loss() -> None:
    assert choose_tuples(parts_with("triplet", "random"), *batch()) is None


def test_batch_hard_gives_each_anchor_its_farthest_positive_and_nearest_negative() -> None:
    embeddings, labels = batch()
    chosen = choose_tuples(parts_with("triplet", "hard"), embeddings, labels)
    distance = torch.cdist(embeddings, embeddings).tolist()
    expected = []
    for anchor in range(12):
        own = [i for i in range(12) if labels[i] == labels[anchor] and i != anchor]
        others = [i for i in range(12) if labels[i] != labels[anchor]]
        farthest = max(own, key=lambda i: distance[anchor][i])
        expected.append((anchor, farthest, min(others, key=lambda i: distance[anchor][i])))
    assert chosen is not None
    assert sorted(zip(*(indices.tolist() for indices in chosen), strict=True)) == expected


def test_every_loss_gets_tuples_in_its_own_form_and_a_finite_gradient() -> None:
    losses, samplers = ("contrastive", "triplet", "info_nce", "circle"), ("hard", "semi_hard", "distance_weighted")
    embeddings, labels = batch()
    for loss, sampler in product(losses, samplers):
        parts = parts_with(loss, sampler)
        chosen = choose_tuples(parts, embeddings, labels)
        assert chosen is not None
        assert len(chosen) == (4 if parts.learns_from_pairs else 3), (loss, sampler)
        leaf = embeddings.clone().requires_grad_()
        torch.autograd.backward([parts.loss(leaf, labels, chosen)])
        assert leaf.grad is not None and leaf.grad.isfinite().all(), (loss, sampler)
