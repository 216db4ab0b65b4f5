"""Tensors of several workers, each seen by all, with their gradient.

Shapes: W workers.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor


class _Gather(torch.autograd.Function):
    """Forth: everybody's tensor to everybody. Back: the sum over workers of the gradients for this worker's own."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        gathered = own.new_empty(dist.get_world_size(), *own.shape)
        dist.all_gather(list(gathered.unbind()), own.contiguous())
        return gathered

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        summed = gradients[0].contiguous()
        dist.all_reduce(summed)
        return summed[dist.get_rank()]


def gather(own: Float[Tensor, "*shape"]) -> Float[Tensor, "W *shape"]:
    """The tensors of all workers, by rank; all have one shape. Each worker goes on to compute the same of them."""
    gathered: Tensor = _Gather.apply(own)
    return gathered
