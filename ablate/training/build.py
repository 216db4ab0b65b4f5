"""From a configuration to the parts that train: augmentation, network, loss, miner, optimizer, schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ablate.catalogue.augmentations import AUGMENTATIONS
from ablate.catalogue.backbones import ItemShape
from ablate.catalogue.losses import LOSSES
from ablate.catalogue.optimizers import OPTIMIZERS
from ablate.catalogue.samplers import SAMPLERS
from ablate.catalogue.schedules import SCHEDULES
from ablate.study.configuration import Configuration
from ablate.training.network import SiameseNetwork, build_network
from ablate.training.put_off import put_off

put_off("scipy.stats")  # pytorch-metric-learning imports it for a function no loss here calls: 0.8 s a start


@dataclass(frozen=True)
class Parts:
    """Everything that a training step touches."""

    augment: Callable[[Tensor, np.random.Generator], Tensor]
    """(images [B, C, H, W], where to draw from) -> images to train on."""
    network: SiameseNetwork
    loss: nn.Module
    """(embeddings [B, D], labels [B], tuples) -> scalar; may have weights of its own."""
    miner: nn.Module | None
    """(embeddings, labels) -> index tuples; None takes all."""
    learns_from_pairs: bool
    """Whether the loss looks at pairs, not at triplets."""
    optimizer: Optimizer
    schedule: LRScheduler

    def weights(self) -> dict[str, Tensor]:
        """Of network and loss, under `network.` and `loss.`; not copies."""
        network = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        return network | {f"loss.{name}": tensor for name, tensor in self.loss.state_dict().items()}

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """The inverse of `weights`."""
        for prefix, module in (("network.", self.network), ("loss.", self.loss)):
            module.load_state_dict({n.removeprefix(prefix): t for n, t in weights.items() if n.startswith(prefix)})


def build(configuration: Configuration, image: ItemShape, *, goal: str, device: torch.device) -> Parts:
    """The parts of one trial on `device`; weights are drawn from torch's global generator."""
    from pytorch_metric_learning.losses import GenericPairLoss

    backbone, loss, sampler = configuration.backbone, configuration.loss, configuration.sampler
    optimizer, schedule, augmentation = configuration.optimizer, configuration.schedule, configuration.augmentation
    network = build_network(backbone, configuration.embedding_dim, image, normalize=configuration.normalize)
    network = network.to(device).to(memory_format=torch.channels_last)
    criterion = LOSSES[loss.name].build(**loss.params).to(device)
    miner = SAMPLERS[sampler.name].build(**sampler.params)
    if not configuration.normalize:
        _compare_as_they_are(criterion, miner)
    weights = [*network.parameters(), *criterion.parameters()]
    follow = OPTIMIZERS[optimizer.name].build(weights, **optimizer.params)
    rate = SCHEDULES[schedule.name].build(follow, configuration.epochs, goal, **schedule.params)
    augment = AUGMENTATIONS[augmentation.name].build(**augmentation.params)
    return Parts(augment, network, criterion, miner, isinstance(criterion, GenericPairLoss), follow, rate)


def _compare_as_they_are(*components: nn.Module | None) -> None:
    """Let no loss or miner normalise embeddings by itself, as pytorch-metric-learning's distances all do by default.

    Where one asks for cosine similarities (info_nce, cosine_embedding, circle), it then gets dot products.
    """
    from pytorch_metric_learning.distances import BaseDistance

    for component in components:
        for part in component.modules() if component is not None else ():
            if isinstance(part, BaseDistance):
                part.normalize_embeddings = False
