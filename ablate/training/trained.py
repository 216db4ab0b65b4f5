"""The network of a trial as its best epoch left it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from ablate.errors import StoreError
from ablate.training import checkpoint
from ablate.training.data import TrialData
from ablate.training.network import SiameseNetwork, build_network
from ablate.training.spec import TrialSpec


@dataclass(frozen=True, eq=False)
class Trained:
    """A network and what its validation said."""

    network: SiameseNetwork
    best: Mapping[str, float]
    """Metrics of the best epoch, `epoch` among them."""


def trained_network(spec: TrialSpec, data: TrialData) -> Trained:
    """The best weights of a trial's checkpoint, on the device of `data`. Raises StoreError where there is none."""
    found = checkpoint.load(Path(spec.folder))  # where it has been brought once the trial was complete
    if found is None and spec.checkpoints:
        found = checkpoint.load(spec.place)
    if found is None:
        raise StoreError(
            f"trial {spec.id} has no checkpoint in {spec.folder}\n"
            "  weights are kept of complete trials and of those that still run: name one of these"
        )
    configuration = spec.configuration
    network = build_network(
        configuration.backbone,
        configuration.embedding_dim,
        data.shape,
        precision=configuration.precision,
        views=configuration.views,
    )
    network = network.to(data.device).to(memory_format=torch.channels_last)
    network.load_state_dict(dict(found.best_weights))
    return Trained(network, found.progress.best)
