"""The Siamese network: embeddings of length 1."""

from __future__ import annotations

import pytest
import torch

from ablate.catalogue.backbones import ImageShape
from ablate.study.configuration import Component
from ablate.training.network import build_network
from tests.training.trials import CNN


@pytest.mark.parametrize("backbone", [CNN, Component("mlp", {"width": 16})])
def test_embeddings_have_length_one_and_the_width_asked_for(backbone: Component) -> None:
    embeddings = build_network(backbone, 12, ImageShape(3, 9))(torch.randn(5, 3, 9, 9) * 100)
    assert embeddings.shape == (5, 12)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(5))


def test_without_normalisation_only_training_sees_the_lengths_that_the_head_gives() -> None:
    network = build_network(CNN, 12, ImageShape(1, 8), normalize=False)
    images = torch.randn(5, 1, 8, 8)
    head: list[torch.Tensor] = []
    network.head.register_forward_hook(lambda module, given, made: head.append(made))
    raw = network.train()(images)
    assert torch.equal(raw, head[-1])
    assert not torch.allclose(raw.norm(dim=1), torch.ones(5), atol=0.1)
    unit = network.eval()(images)
    torch.testing.assert_close(unit, torch.nn.functional.normalize(head[-1], dim=1))


def test_embeddings_are_32_bit_floats_of_length_one_when_the_layers_run_in_bfloat16() -> None:
    network = build_network(CNN, 64, ImageShape(1, 8)).eval()
    with torch.autocast("cpu", torch.bfloat16):
        embeddings = network(torch.randn(5, 1, 8, 8))
    assert embeddings.dtype == torch.float32
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(5))


def test_the_same_seed_draws_the_same_weights() -> None:
    networks = []
    for _ in range(2):
        torch.manual_seed(5)
        networks.append(build_network(CNN, 8, ImageShape(1, 8)).state_dict())
    assert len(networks[0]) == 14
    assert all(torch.equal(networks[0][name], networks[1][name]) for name in networks[0])
