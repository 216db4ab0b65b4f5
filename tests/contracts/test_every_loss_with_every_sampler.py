"""Every loss learns from what every sampler chooses: one step of training is finite and moves the network."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ablate.catalogue import losses
from ablate.catalogue.backbones import ImageShape
from ablate.catalogue.losses import CHOOSES_ITSELF, LOSSES
from ablate.catalogue.samplers import NEEDS_LENGTH_1, SAMPLERS
from ablate.study.configuration import Component, Configuration
from ablate.training.build import Parts, build
from ablate.training.tuples import choose_tuples
from tests.training.trials import TRAINING

UNIT_LOSSES = losses.NEEDS_LENGTH_1
"""Those that a study file refuses together with `normalize: false`."""
PAIRINGS = [
    (loss, sampler, True)
    for loss, sampler in product(LOSSES.names, SAMPLERS.names)
    if loss not in CHOOSES_ITSELF or sampler == "random"
]
PAIRINGS += [(loss, s, False) for loss, s, _ in PAIRINGS if not {loss, s} & (NEEDS_LENGTH_1 | UNIT_LOSSES)]


def parts_of(loss: str, sampler: str, *, normalize: bool) -> Parts:
    """On 6 classes x 4 images of 8x8."""
    torch.manual_seed(0)
    configuration = Configuration(
        backbone=Component("mlp", {"width": 16}),
        loss=Component(loss),
        sampler=Component(sampler),
        optimizer=Component("sgd", {"lr": 0.1}),
        schedule=Component("constant"),
        augmentation=Component("none"),
        embedding_dim=8,
        batch_classes=6,
        batch_per_class=4,
        epochs=1,
        normalize=normalize,
        image_size=8,
    )
    return build(configuration, ImageShape(1, 8), training=TRAINING, goal="maximize", device=torch.device("cpu"))


@pytest.mark.parametrize(("loss", "sampler", "normalize"), PAIRINGS)
def test_one_step_is_finite_and_moves_the_network(loss: str, sampler: str, normalize: bool) -> None:
    parts = parts_of(loss, sampler, normalize=normalize)
    before = [weight.detach().clone() for weight in parts.network.parameters()]
    labels = torch.arange(6).repeat_interleave(4)
    embeddings = parts.network(torch.randn(24, 1, 8, 8))
    value = parts.loss(embeddings, labels, choose_tuples(parts, embeddings, labels))
    value.backward()
    parts.optimizer.step()
    assert value.isfinite()
    after = list(parts.network.parameters())
    assert all(weight.isfinite().all() for weight in after)
    assert any(not torch.equal(old, new) for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("loss", LOSSES.names)
def test_the_length_of_an_embedding_counts_for_a_loss_exactly_where_nothing_is_normalized(loss: str) -> None:
    embeddings, labels = torch.randn(24, 8), torch.arange(6).repeat_interleave(4)
    for asked in (True,) if loss in UNIT_LOSSES else (True, False):
        criterion = parts_of(loss, "random", normalize=asked).loss
        value, longer, unit = (
            float(criterion(e, labels).detach()) for e in (embeddings, 1.5 * embeddings, normalize(embeddings))
        )
        assert (longer == pytest.approx(value), unit == pytest.approx(value)) == (asked, asked)


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS.names if name not in {"random", *NEEDS_LENGTH_1}])
def test_the_length_of_an_embedding_counts_for_a_sampler_exactly_where_nothing_is_normalized(sampler: str) -> None:
    generator = torch.Generator().manual_seed(0)
    embeddings, labels = torch.randn(24, 8, generator=generator), torch.arange(6).repeat_interleave(4)
    for asked in (True, False):
        miner = parts_of("triplet", sampler, normalize=asked).miner
        assert miner is not None
        raw, unit = (pairs(miner(e, labels)) for e in (embeddings, normalize(embeddings)))
        assert (raw == unit) == asked


def pairs(tuples: tuple[Tensor, ...]) -> list[list[tuple[int, int]]]:
    """The positive and the negative pairs of what a miner chose."""
    anchor, positive, *_, negative = tuples
    sides = (anchor, positive), (anchor if len(tuples) == 3 else tuples[2], negative)
    return [sorted(zip(one.tolist(), other.tolist(), strict=True)) for one, other in sides]
