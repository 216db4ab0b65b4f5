"""What is measured once a study's trials are over: latency of each architecture, and the test split for the best trial."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ablate.catalogue.backbones import ImageShape, ItemShape
from ablate.cost.latency import LOOKS, Latency, cached_latency, look_again
from ablate.cost.throughput import best_throughput
from ablate.study.configuration import Configuration
from ablate.training import evaluate
from ablate.training.data import load_data
from ablate.training.fresh import fresh_start
from ablate.training.network import SiameseNetwork, build_network
from ablate.training.precisions import in_precision, precisions
from ablate.training.spec import TrialSpec
from ablate.training.trained import trained_network


def measure_architectures(configurations: Mapping[str, Configuration], spec: TrialSpec) -> dict[str, dict[str, float]]:
    """Latency of each network for batches of 1 and 32, and what the study asks for, in `cost/...` names.

    The caller sees to it that nothing else runs.
    """
    device = fresh_start(seed=spec.seed, cpus=spec.cpus, gpus=spec.gpus)
    shape = load_data(spec.data, device).shape
    found: dict[tuple[str, int], Latency] = {}
    for look in (cached_latency, *[look_again] * LOOKS):  # all of them, before any is looked at again
        for key, configuration in configurations.items():
            network, image = _network_of(configuration, shape)
            for batch in (1, 32):
                found[key, batch] = look(network, image, key=key, batch=batch, device=device)
    measured = {}
    for key, configuration in configurations.items():
        network, image = _network_of(configuration, shape)
        one, many = found[key, 1], found[key, 32]
        measured[key] = {
            **{f"cost/latency_ms_{short}": ms for short, ms in one.by_name.items()},
            **{f"cost/latency_batch32_ms_{short}": ms for short, ms in many.by_name.items()},
            **_asked_for(network, image, key, device, spec.measure),
        }
    return measured


def _network_of(configuration: Configuration, shape: ItemShape) -> tuple[SiameseNetwork, ItemShape]:
    """The network, and what it embeds: images of its own size where `shape` is that of images."""
    image = shape._replace(size=configuration.image_size) if isinstance(shape, ImageShape) else shape
    network = build_network(
        configuration.backbone,
        configuration.embedding_dim,
        image,
        precision=configuration.precision,
        views=configuration.views,
    )
    return network, image


def _asked_for(
    network: SiameseNetwork, image: ItemShape, key: str, device: torch.device, measure: tuple[str, ...]
) -> dict[str, float]:
    """What `cost.measure` names; what does not run on this device is left out."""
    found = {}
    if "throughput" in measure:
        found["cost/throughput_per_second"] = best_throughput(network, image, device=device).per_second
    for precision in set(measure) & set(precisions(device)):
        other = in_precision(network, precision)
        one = cached_latency(other, image, key=f"{key} in {precision}", batch=1, device=device)
        found[f"cost/latency_{precision}_ms_p50"] = one.p50_ms
    return found


def read_test(spec: TrialSpec) -> dict[str, float]:
    """The test split's metrics in `test/...` names, by the weights of the trial's best epoch and validation's threshold."""
    device = fresh_start(seed=spec.seed, cpus=spec.cpus, gpus=spec.gpus)
    data = load_data(spec.data, device)
    trained = trained_network(spec, data)
    return evaluate.read_test(trained.network, data, spec.data, threshold=trained.best["val/threshold"])
