"""Static costs of architectures: what is known of a network before it trains."""

from __future__ import annotations

import torch
from torch import nn

from ablate.catalogue.backbones import ItemShape
from ablate.catalogue.datasets import DATASETS, item_shape
from ablate.cost.activations import activation_mib
from ablate.cost.flops import count_flops, count_params
from ablate.cost.weights import weights_mib
from ablate.study.configuration import Architecture
from ablate.study.study import Study
from ablate.training.network import build_network

_counted: dict[tuple[str, ItemShape], dict[str, float]] = {}


def static_costs(name: str, network: nn.Module, image: ItemShape) -> dict[str, float]:
    """What `catalogue.costs` calls counted; done once per process and architecture, in shapes alone."""
    if (name, image) not in _counted:
        flops, size = count_flops(network, image), weights_mib(network)
        _counted[name, image] = {
            "cost/params": float(count_params(network)),
            "cost/flops": float(flops),
            "cost/macs": flops / 2,
            "cost/activation_mib": activation_mib(network, image),
            "cost/weights_mib": size["fp32"],
            "cost/weights_bf16_mib": size["bf16"],
            "cost/weights_int8_mib": size["int8"],
        }
    return _counted[name, image]


def static_costs_of(study: Study) -> dict[str, dict[str, float]]:
    """The costs of every architecture in a study's space; empty where the space has more than can be listed."""
    found: list[Architecture] = []
    for space in study.spaces:
        architectures = space.architectures()
        if architectures is None:
            return {}
        found += architectures
    dataset = DATASETS[study.data.name].build(**study.data.params)
    costs = {}
    for architecture in found:
        image = item_shape(dataset, architecture.image_size)
        with torch.device("meta"):  # no weights are drawn
            network = build_network(architecture.backbone, architecture.embedding_dim, image, views=architecture.views)
        costs[architecture.name] = static_costs(architecture.name, network, image)
    return costs
