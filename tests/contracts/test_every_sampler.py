"""What every sampler owes to the loss: tuples whose positives are of the anchor's class and whose negatives are not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ablate.catalogue.registry import Entry
from ablate.catalogue.samplers import NEEDS_LENGTH_1, SAMPLERS

every_sampler = pytest.mark.parametrize("entry", SAMPLERS, ids=SAMPLERS.names)


def batch(num_classes: int, per_class: int, *, spread: float) -> tuple[Tensor, Tensor]:
    """Embeddings [B, 16] around one centre per class, and their classes in random order."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(num_classes).repeat_interleave(per_class)
    labels = labels[torch.randperm(len(labels), generator=generator)]
    centres = torch.randn(num_classes, 16, generator=generator)
    points = centres[labels] + spread * torch.randn(len(labels), 16, generator=generator)
    return normalize(points, dim=1), labels


@every_sampler
@pytest.mark.parametrize(("num_classes", "per_class"), [(2, 2), (8, 4), (16, 2)])
@pytest.mark.parametrize("spread", [0.1, 1.0, 5.0], ids=["trained", "half", "untrained"])
def test_positives_are_of_the_anchors_class_and_negatives_of_another(
    entry: Entry, num_classes: int, per_class: int, spread: float
) -> None:
    embeddings, labels = batch(num_classes, per_class, spread=spread)
    miner = entry.build()
    if miner is None:
        return  # all tuples of the batch: the loss makes them itself
    tuples = miner(embeddings, labels)
    assert len(tuples) in (3, 4)
    assert all(((part >= 0) & (part < len(labels))).all() for part in tuples)
    if len(tuples) == 3:
        anchor, positive, negative = tuples
        anchor_of_negative = anchor
    else:
        anchor, positive, anchor_of_negative, negative = tuples
    assert (labels[anchor] == labels[positive]).all() and (anchor != positive).all()
    assert (labels[anchor_of_negative] != labels[negative]).all()


@every_sampler
def test_an_untrained_batch_gives_something_to_learn_from(entry: Entry) -> None:
    embeddings, labels = batch(8, 4, spread=5.0)
    miner = entry.build()
    assert miner is None or len(miner(embeddings, labels)[0]) > 0


@every_sampler
@pytest.mark.parametrize(("num_classes", "per_class"), [(1, 6), (6, 1)], ids=["one class", "no positives"])
def test_a_batch_without_tuples_is_survived(entry: Entry, num_classes: int, per_class: int) -> None:
    embeddings, labels = batch(num_classes, per_class, spread=1.0)
    miner = entry.build()
    if miner is not None:
        anchor, *_, negative = miner(embeddings, labels)
        assert len(anchor) == 0 or len(negative) == 0


@every_sampler
def test_sampling_asks_for_no_gradient(entry: Entry) -> None:
    embeddings, labels = batch(4, 4, spread=1.0)
    embeddings.requires_grad_()
    miner = entry.build()
    assert miner is None or not any(part.requires_grad for part in miner(embeddings, labels))


@every_sampler
def test_needs_length_1_names_exactly_the_samplers_that_find_nothing_off_the_sphere(entry: Entry) -> None:
    """A study with `normalize: false` is refused with those, and only with those."""
    embeddings, labels = batch(8, 4, spread=1.0)
    miner = entry.build()
    if miner is None:
        assert entry.name not in NEEDS_LENGTH_1
        return
    miner.distance.normalize_embeddings = False
    found = len(miner(embeddings, labels)[0]) > 0, len(miner(embeddings * 100, labels)[0]) > 0
    assert found == (True, entry.name not in NEEDS_LENGTH_1)


def test_needs_length_1_names_nothing_that_is_not_there() -> None:
    assert set(SAMPLERS.names) >= NEEDS_LENGTH_1
