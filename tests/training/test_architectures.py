"""Static costs are counted once and are those of the network that trains."""

from __future__ import annotations

import pytest
from torch import nn

from ablate.catalogue.backbones import ImageShape
from ablate.cost.flops import count_flops, count_params
from ablate.training import architectures
from ablate.training.architectures import static_costs
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
    assert costs == {"cost/params": count_params(network), "cost/flops": count_flops(network, image)}
    assert static_costs("cnn", network, image) == costs
    assert len(calls) == 1
    larger = ImageShape(1, 16)
    assert static_costs("cnn", build_network(CNN, 8, larger), larger)["cost/flops"] > costs["cost/flops"]
