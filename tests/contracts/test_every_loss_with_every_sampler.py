"""Every loss learns from what every sampler chooses: one step of training is finite and moves the network."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from ablate.catalogue.backbones import ImageShape
from ablate.catalogue.losses import LOSSES
from ablate.catalogue.samplers import SAMPLERS
from ablate.study.configuration import Component, Configuration
from ablate.training.build import build
from ablate.training.tuples import choose_tuples


@pytest.mark.parametrize(("loss", "sampler"), product(LOSSES.names, SAMPLERS.names))
def test_one_step_is_finite_and_moves_the_network(loss: str, sampler: str) -> None:
    torch.manual_seed(0)
    configuration = Configuration(
        backbone=Component("mlp", {"width": 16}),
        loss=Component(loss),
        sampler=Component(sampler),
        optimizer=Component("sgd", {"lr": 0.1}),
        schedule=Component("constant"),
        embedding_dim=8,
        batch_classes=6,
        batch_per_class=4,
        epochs=1,
    )
    parts = build(configuration, ImageShape(1, 8), goal="maximize", device=torch.device("cpu"))
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
