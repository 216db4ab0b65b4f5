"""The parts of a trial fit together."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ablate.catalogue.backbones import ImageShape
from ablate.catalogue.losses import LOSSES
from ablate.study.configuration import Component, Configuration
from ablate.training.build import Parts, build
from ablate.training.streams import Stream, seed_everything
from tests.training.trials import CNN, CONFIGURATION, TRAINING


def build_on_cpu(configuration: Configuration) -> Parts:
    seed_everything(0, Stream.WEIGHTS)
    return build(configuration, ImageShape(1, 8), training=TRAINING, goal="maximize", device=torch.device("cpu"))


def test_the_optimizer_follows_every_weight_of_network_and_loss_once() -> None:
    parts = build_on_cpu(replace(CONFIGURATION, backbone=CNN))
    followed = [id(weight) for group in parts.optimizer.param_groups for weight in group["params"]]
    assert len(followed) == len(set(followed))
    assert set(followed) == {id(weight) for weight in [*parts.network.parameters(), *parts.loss.parameters()]}


@pytest.mark.parametrize("loss", [entry.name for entry in LOSSES])
def test_another_loss_starts_from_the_same_network(loss: str) -> None:
    first = build_on_cpu(CONFIGURATION).network.state_dict()
    other = build_on_cpu(replace(CONFIGURATION, loss=Component(loss))).network.state_dict()
    assert first.keys() == other.keys()
    assert all(torch.equal(first[name], other[name]) for name in first)


def test_weights_come_back_whole() -> None:
    parts, other = build_on_cpu(CONFIGURATION), build_on_cpu(CONFIGURATION)
    with torch.no_grad():
        for tensor in parts.weights().values():
            tensor.add_(1)
    other.load_weights(parts.weights())
    assert all(torch.equal(tensor, other.weights()[name]) for name, tensor in parts.weights().items())
    names = [*parts.network.state_dict()]
    assert [name for name in parts.weights() if name.startswith("network.")] == [f"network.{name}" for name in names]


def test_parameters_reach_the_components() -> None:
    choices = replace(
        CONFIGURATION,
        optimizer=Component("sgd", {"lr": 0.3, "momentum": 0.5}),
        loss=Component("triplet", {"margin": 0.7}),
        sampler=Component("semi_hard", {"margin": 0.4}),
    )
    parts = build_on_cpu(choices)
    assert (parts.optimizer.param_groups[0]["lr"], parts.optimizer.param_groups[0]["momentum"]) == (0.3, 0.5)
    assert parts.loss.margin == 0.7
    assert parts.miner is not None and parts.miner.margin == 0.4
