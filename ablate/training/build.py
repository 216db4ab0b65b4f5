"""From a configuration to the parts that train: augmentation, network, loss, miner, optimizer, schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from ablate.catalogue.augmentations import AUGMENTATIONS, READS_PIXELS, Pixels
from ablate.catalogue.backbones import ItemShape
from ablate.catalogue.losses import HAS_WEIGHTS, LOSSES, Sizes
from ablate.catalogue.optimizers import OPTIMIZERS
from ablate.catalogue.rates import Rates
from ablate.catalogue.samplers import SAMPLERS
from ablate.catalogue.schedules import SCHEDULES, Course
from ablate.study.configuration import Component, Configuration
from ablate.training.network import SiameseNetwork, build_network
from ablate.training.put_off import put_off

put_off("scipy.stats")  # pytorch-metric-learning imports it for a function no loss here calls: 0.8 s a start


@dataclass(frozen=True, eq=False)
class TrainingSplit:
    """What the parts of a trial must know of the images they learn from."""

    num_classes: int
    steps: int
    """Of one epoch."""
    pixels: Pixels
    """Where black and white lie."""


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
    schedule: Rates
    clip_norm: float
    """Most that a gradient's norm may be; 0: as it is."""

    def step(self) -> None:
        """Move the weights along their gradients, at the rate of the schedule."""
        if self.clip_norm:
            for group in self.optimizer.param_groups:  # apart: large gradients of proxies must not slow the network
                clip_grad_norm_(group["params"], self.clip_norm)
        self.schedule.begin_step()
        self.optimizer.step()

    def weights(self) -> dict[str, Tensor]:
        """Of network and loss, under `network.` and `loss.`; not copies."""
        network = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        return network | {f"loss.{name}": tensor for name, tensor in self.loss.state_dict().items()}

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """The inverse of `weights`."""
        for prefix, module in (("network.", self.network), ("loss.", self.loss)):
            module.load_state_dict({n.removeprefix(prefix): t for n, t in weights.items() if n.startswith(prefix)})


def build(
    configuration: Configuration, image: ItemShape, *, training: TrainingSplit, goal: str, device: torch.device
) -> Parts:
    """The parts of one trial on `device`; weights are drawn from torch's global generator."""
    from pytorch_metric_learning.losses import GenericPairLoss

    backbone, loss, sampler = configuration.backbone, configuration.loss, configuration.sampler
    optimizer, schedule, augmentation = configuration.optimizer, configuration.schedule, configuration.augmentation
    network = build_network(
        backbone,
        configuration.embedding_dim,
        image,
        normalize=configuration.normalize,
        precision=configuration.precision,
        views=configuration.views,
    )
    network = network.to(device).to(memory_format=torch.channels_last)
    sizes = (Sizes(training.num_classes, configuration.embedding_dim),) if loss.name in HAS_WEIGHTS else ()
    criterion = LOSSES[loss.name].build(*sizes, **loss.params).to(device)
    miner = SAMPLERS[sampler.name].build(**sampler.params)
    if not configuration.normalize:
        _compare_as_they_are(criterion, miner)
    groups = [{"params": list(network.parameters())}, *_own_group(loss, criterion)]
    follow = OPTIMIZERS[optimizer.name].build(groups, **optimizer.params)
    course = Course(configuration.epochs, training.steps, goal)
    return Parts(
        augment=AUGMENTATIONS[augmentation.name].build(
            *((training.pixels,) if augmentation.name in READS_PIXELS else ()), **augmentation.params
        ),
        network=network,
        loss=criterion,
        miner=miner,
        learns_from_pairs=isinstance(criterion, GenericPairLoss),
        optimizer=follow,
        schedule=SCHEDULES[schedule.name].build(follow, course, **schedule.params),
        clip_norm=configuration.clip_norm,
    )


def _own_group(loss: Component, criterion: nn.Module) -> list[dict[str, Any]]:
    """The loss's own weights with the rate they learn at, none of them decayed: that is said of the network's."""
    if loss.name not in HAS_WEIGHTS:
        return []
    lr = loss.params.get("lr", LOSSES[loss.name].parameters["lr"].default)
    return [{"params": list(criterion.parameters()), "lr": lr, "weight_decay": 0.0}]


def _compare_as_they_are(*components: nn.Module | None) -> None:
    """Let no loss or miner normalise embeddings by itself, as pytorch-metric-learning's distances all do by default.

    Where one asks for cosine similarities (info_nce, cosine_embedding, circle), it then gets dot products.
    """
    from pytorch_metric_learning.distances import BaseDistance

    for component in components:
        for part in component.modules() if component is not None else ():
            if isinstance(part, BaseDistance):
                part.normalize_embeddings = False
