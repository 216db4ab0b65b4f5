"""The Siamese network: embeddings of length 1."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ablate.catalogue.backbones import ImageShape
from ablate.study.configuration import VIEWS, Component
from ablate.training.architectures import static_costs
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
    images, made = torch.randn(5, 1, 8, 8), {}
    for precision in ("auto", "fp32", "bf16"):
        torch.manual_seed(0)
        network = build_network(CNN, 64, ImageShape(1, 8), precision=precision).eval()
        seen: list[torch.dtype] = []
        network.head.register_forward_hook(lambda module, given, out, seen=seen: seen.append(out.dtype))
        made[precision] = network(images)
        assert seen == [torch.bfloat16 if precision == "bf16" else torch.float32]
        assert made[precision].dtype == torch.float32 and network.head.weight.dtype == torch.float32
        torch.testing.assert_close(made[precision].norm(dim=1), torch.ones(5))
    assert torch.equal(made["auto"], made["fp32"])  # on a CPU
    assert not torch.equal(made["bf16"], made["fp32"])
    torch.testing.assert_close(made["bf16"], made["fp32"], atol=0.02, rtol=0)


@pytest.mark.parametrize(("views", "count"), [("one", 1), ("mirror", 2), ("turns", 8)])
def test_the_similarity_of_two_images_is_the_mean_over_their_views(views: str, count: int) -> None:
    torch.manual_seed(0)
    network = build_network(CNN, 12, ImageShape(1, 8), views=views).eval()
    one = build_network(CNN, 12, ImageShape(1, 8)).eval()
    one.load_state_dict(network.state_dict())
    images = torch.randn(5, 1, 8, 8)
    embeddings = network(images)
    assert embeddings.shape == (5, network.width) == (5, 12 * count)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(5))
    # by another road: numpy's turns, one view after the other
    mirrored = [images, images.flip(3)][: min(count, 2)]
    turned = [torch.from_numpy(np.rot90(view.numpy(), k, (2, 3)).copy()) for view in mirrored for k in range(4)]
    by_hand = [one(view) @ one(view).T for view in (turned if views == "turns" else mirrored)]
    assert len(by_hand) == count
    torch.testing.assert_close(embeddings @ embeddings.T, torch.stack(by_hand).mean(dim=0))
    assert network.train()(images).shape == (5, 12), "training sees one view"


def test_views_are_paid_for_in_arithmetic_but_not_in_weights() -> None:
    counted = {
        views: static_costs(views, build_network(CNN, 12, ImageShape(1, 8), views=views), ImageShape(1, 8))
        for views in VIEWS
    }
    for views, passes in VIEWS.items():
        assert counted[views]["cost/flops"] == passes * counted["one"]["cost/flops"]
        assert counted[views]["cost/params"] == counted["one"]["cost/params"]


def test_gradients_of_bfloat16_layers_are_those_of_32_bits_but_for_rounding() -> None:
    images, gradients = torch.randn(5, 1, 8, 8), {}
    for precision in ("fp32", "bf16"):
        torch.manual_seed(0)
        network = build_network(CNN, 64, ImageShape(1, 8), precision=precision)
        network(images)[:, 0].sum().backward()
        assert network.head.weight.grad is not None and network.head.weight.grad.dtype == torch.float32
        gradients[precision] = network.head.weight.grad.flatten()
    assert torch.cosine_similarity(gradients["bf16"], gradients["fp32"], dim=0) > 0.99


def test_the_same_seed_draws_the_same_weights() -> None:
    networks = []
    for _ in range(2):
        torch.manual_seed(5)
        networks.append(build_network(CNN, 8, ImageShape(1, 8)).state_dict())
    assert len(networks[0]) == 14
    assert all(torch.equal(networks[0][name], networks[1][name]) for name in networks[0])
