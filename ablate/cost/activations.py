"""Activation memory: what training keeps of each image of a batch until its gradients are computed.

Counted on the meta device from the tensors that autograd saves, each storage once, weights and inputs left out. It is what an
image adds to a batch's memory; what an inference or the backward pass holds for a moment is not in it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ablate.catalogue.backbones import ItemShape
from ablate.cost.examples import examples
from ablate.cost.memory import MIB
from ablate.cost.meta import on_meta


def activation_mib(network: nn.Module, image: ItemShape) -> float:
    """MiB that one more image adds, in fp32: the difference of two batches, so that what a batch keeps once is not in it."""
    meta = on_meta(network).train()
    return (_saved(meta, image, batch=3) - _saved(meta, image, batch=2)) / MIB


def _saved(network: nn.Module, image: ItemShape, *, batch: int) -> int:
    """Bytes."""
    given = examples(image, batch, torch.device("meta"))
    known = {_storage(tensor) for tensor in (given, *network.parameters(), *network.buffers())}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if _storage(tensor) not in known:
            kept[_storage(tensor)] = tensor  # held, or a later tensor could get the same address
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(given)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def _storage(tensor: Tensor) -> int:
    """What tensors that share their memory have in common; on the meta device they have no address."""
    return int(tensor.untyped_storage()._cdata)
