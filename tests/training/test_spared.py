"""False negatives: whatever the sampler, no two books that one reader did not dislike are pushed apart."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ablate.catalogue.samplers import SAMPLERS
from ablate.metrics.ratings import Ratings
from ablate.training.build import Parts
from ablate.training.tuples import choose_tuples
from tests.contracts.test_every_loss_with_every_sampler import parts_of

P, K = 6, 4
LABELS = torch.arange(P).repeat_interleave(K)


def spared(share: float) -> Tensor:
    """A symmetric choice of pairs of different labels."""
    draw = torch.rand(P * K, P * K, generator=torch.Generator().manual_seed(1))
    return (torch.maximum(draw, draw.T) > 1 - share) & (LABELS[:, None] != LABELS)


def embeddings(spread: float = 3.0) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(P, 8, generator=generator)
    return normalize(centres[LABELS] + spread * torch.randn(P * K, 8, generator=generator), dim=1)


def negatives(tuples: tuple[Tensor, ...]) -> set[tuple[int, int]]:
    anchor, negative = (tuples[0], tuples[2]) if len(tuples) == 3 else tuples[2:]
    return set(zip(anchor.tolist(), negative.tolist(), strict=True))


def chosen(parts: Parts, hidden: Tensor | None) -> tuple[Tensor, ...]:
    torch.manual_seed(0)
    tuples = choose_tuples(parts, embeddings(), LABELS, hidden)
    assert tuples is not None
    return tuples


@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("loss", ["contrastive", "triplet", "circle"])
@pytest.mark.parametrize("sampler", SAMPLERS.names)
def test_no_spared_pair_is_a_negative_and_positives_are_of_one_reader(sampler: str, loss: str, share: float) -> None:
    hidden = spared(share)
    tuples = chosen(parts_of(loss, sampler, normalize=True), hidden)
    anchor, negative = torch.tensor(sorted(negatives(tuples))).T
    assert not hidden[anchor, negative].any() and (LABELS[anchor] != LABELS[negative]).all()
    assert (LABELS[tuples[0]] == LABELS[tuples[1]]).all() and (tuples[0] != tuples[1]).all()


@pytest.mark.parametrize("loss", ["contrastive", "triplet"])
def test_random_takes_every_other_pair_of_the_batch(loss: str) -> None:
    hidden = spared(0.4)
    found = negatives(chosen(parts_of(loss, "random", normalize=True), hidden))
    everything = product(range(P * K), repeat=2)
    assert found == {(i, j) for i, j in everything if LABELS[i] != LABELS[j] and not hidden[i, j]}


def test_hard_takes_the_nearest_negative_that_is_left() -> None:
    """Where the nearest is spared, the next one is mined; the anchor is not lost."""
    hidden = spared(0.5)
    tuples = chosen(parts_of("triplet", "hard", normalize=True), hidden)
    distance = torch.cdist(embeddings(), embeddings())
    allowed = (LABELS[:, None] != LABELS) & ~hidden
    expected = {(i, int(distance[i].masked_fill(~allowed[i], 9.0).argmin())) for i in range(P * K) if allowed[i].any()}
    assert len(expected) == P * K and negatives(tuples) == expected


@pytest.mark.parametrize("sampler", SAMPLERS.names)
@pytest.mark.parametrize("loss", ["contrastive", "triplet", "info_nce", "circle"])
def test_where_everything_is_spared_the_loss_is_finite(loss: str, sampler: str) -> None:
    parts = parts_of(loss, sampler, normalize=True)
    points = embeddings().requires_grad_()
    value = parts.loss(points, LABELS, choose_tuples(parts, points, LABELS, LABELS[:, None] != LABELS))
    value.backward()
    assert value.isfinite() and points.grad is not None and points.grad.isfinite().all()


@pytest.mark.parametrize("sampler", SAMPLERS.names)
def test_sparing_nothing_chooses_as_without(sampler: str) -> None:
    parts = parts_of("triplet", sampler, normalize=True)
    torch.manual_seed(0)
    points = embeddings()
    without = parts.miner(points, LABELS) if parts.miner is not None else None
    with_none = chosen(parts, torch.zeros(P * K, P * K, dtype=torch.bool))
    if without is None:
        assert len(with_none[0]) == P * K * (K - 1) * (P - 1) * K
    else:
        assert all(torch.equal(a, b) for a, b in zip(without, with_none, strict=True))


def test_the_miner_is_left_as_it_was() -> None:
    parts = parts_of("triplet", "hard", normalize=True)
    chosen(parts, spared(0.5))
    assert parts.miner is not None and len(parts.miner.distance._forward_hooks) == 0  # type: ignore[union-attr]


@pytest.mark.parametrize("sampler", SAMPLERS.names)
def test_what_readers_have_rated_spares_no_positive_and_every_sampler_finds_tuples(sampler: str) -> None:
    """Of its own books each reader has rated both: a mask that counted them would hide all positives from a miner."""
    book = torch.arange(P * K)
    both = torch.tensor([1 * K, 2 * K + 1])  # reader 0 likes these of readers 1 and 2, too
    reader, books = torch.cat([LABELS, torch.zeros(2, dtype=torch.int64)]), torch.cat([book, both])
    order = (reader * P * K + books).argsort()
    ratings = Ratings(reader[order], books[order], torch.full_like(books, 5), num_books=P * K)
    hidden = ratings.spared(LABELS, book)
    assert hidden.any() and not hidden[LABELS[:, None] == LABELS].any()
    tuples = chosen(parts_of("triplet", sampler, normalize=True), hidden)
    assert len(tuples[0]) > 0 and (LABELS[tuples[0]] == LABELS[tuples[1]]).all()
