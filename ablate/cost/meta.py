"""A network's double on the meta device, where passes are carried out in shapes alone: to count, nothing is computed."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn

Module = TypeVar("Module", bound=nn.Module)


def on_meta(network: Module) -> Module:
    """A copy without weights; to copy them first would take longer than to count (0.1 s for 150 MiB)."""
    double: dict[int, object] = {}
    for weight in network.parameters():
        empty = torch.empty_like(weight, device="meta")
        double[id(weight)] = nn.Parameter(empty, requires_grad=weight.requires_grad)
    for buffer in network.buffers():
        double[id(buffer)] = torch.empty_like(buffer, device="meta")
    return copy.deepcopy(network, double)
