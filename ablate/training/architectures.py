"""Static costs of every architecture in a study's space, without training any."""

from __future__ import annotations

from ablate.catalogue.backbones import ImageShape
from ablate.catalogue.datasets import DATASETS
from ablate.cost.flops import count_flops, count_params
from ablate.study.configuration import architecture
from ablate.study.study import Study
from ablate.training.network import build_network


def static_costs_of(study: Study) -> dict[str, dict[str, float]]:
    """Architecture -> parameters and FLOPs; empty where the space has more than can be listed."""
    found = study.space.architectures()
    if found is None:
        return {}
    channels = DATASETS[study.data.name].build(**study.data.params).channels
    image = ImageShape(channels, study.image_size)
    costs = {}
    for backbone, width in found:
        network = build_network(backbone, width, image)
        costs[architecture(backbone, width)] = {
            "cost/params": float(count_params(network)),
            "cost/flops": float(count_flops(network, image)),
        }
    return costs
