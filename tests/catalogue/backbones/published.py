"""Weights as torchvision publishes them, but random: files of the real names in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn

from ablate.catalogue.backbones.weights import PUBLISHED, hub_folder

NETWORKS: dict[str, Callable[[], nn.Module]] = {name: getattr(torchvision.models, name) for name in PUBLISHED}


def publish(network: str, *, seed: int = 9) -> dict[str, Tensor]:
    """Write the state dict of torchvision's randomly drawn network where torch.hub would keep the published one."""
    torch.manual_seed(seed)
    path = hub_folder() / PUBLISHED[network]
    path.parent.mkdir(parents=True, exist_ok=True)
    return save(network, path)


def save(network: str, path: Path) -> dict[str, Tensor]:
    """Write torchvision's network, whole, and give its state."""
    state = NETWORKS[network]().state_dict()
    # whether statistics arrive can only be seen where they are not those of every new network
    state |= {name: torch.rand_like(tensor) + 0.5 for name, tensor in state.items() if "running" in name}
    torch.save(state, path)
    return state
