"""Static costs are counted once and are those of the network that trains."""

from __future__ import annotations

from itertools import product

import pytest
from torch import nn

from ablate.catalogue.backbones import ImageShape
from ablate.catalogue.costs import COSTS
from ablate.cost.flops import count_flops, count_params
from ablate.study.load import parse_study
from ablate.training import architectures
from ablate.training.architectures import static_costs, static_costs_of
from ablate.training.network import build_network
from tests.training.trials import CNN


def test_an_architecture_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(architectures, "_counted", {})
    calls: list[ImageShape] = []

    def count(network: nn.Module, image: ImageShape) -> int:
        calls.append(image)
        return count_flops(network, image)

    monkeypatch.setattr(architectures, "count_flops", count)
    image = ImageShape(1, 8)
    network = build_network(CNN, 8, image)
    costs = static_costs("cnn", network, image)
    assert set(costs) == {name for name, cost in COSTS.items() if cost.known == "counted"}
    assert (costs["cost/params"], costs["cost/flops"]) == (count_params(network), count_flops(network, image))
    assert costs["cost/macs"] == costs["cost/flops"] / 2
    assert static_costs("cnn", network, image) == costs
    assert len(calls) == 1
    larger = ImageShape(1, 16)
    assert static_costs("cnn", build_network(CNN, 8, larger), larger)["cost/flops"] > costs["cost/flops"]


def test_every_architecture_of_a_study_is_counted_on_images_of_its_own_size() -> None:
    space = "{backbone: {mlp: {width: 16, depth: 1, batch_norm: [true, false]}}, embedding_dim: 4, image_size: [8, 10]}"
    text = f"study: s\ndata: {{name: digits}}\nspace: {space[:-1]}, loss: triplet, batch: {{classes: 4}}}}\n"
    found = static_costs_of(parse_study(text, "f.yaml"))
    expected = {}
    for norm, size in product((True, False), (8, 10)):
        weights = size * size * 16 + 16 + 16 * 4 + 4 + (2 * 16 if norm else 0)  # batch norm: a scale and a shift each
        flops = 2 * (size * size * 16 + 16 * 4)
        name = f"mlp width=16 depth=1 batch_norm={norm} image_size={size} dim=4"
        expected[name] = {"cost/params": weights, "cost/flops": flops}
    counted = {name: {key: costs[key] for key in ("cost/params", "cost/flops")} for name, costs in found.items()}
    assert counted == expected
