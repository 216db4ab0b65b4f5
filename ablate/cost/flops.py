"""Size and arithmetic of an architecture: parameters, and floating-point operations to embed one image or book.

Counted by torch's own FlopCounterMode: matrix products and convolutions, a multiply-add as 2 operations. Not counted: biases,
normalisation, activations, pooling (below 2 % in the networks of the catalogue), and looking up the embedding of a token.
"""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ablate.catalogue.backbones import ItemShape
from ablate.cost.examples import examples


def count_params(network: nn.Module) -> int:
    """Trainable weights."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


def count_flops(network: nn.Module, image: ItemShape) -> int:
    """Operations of one forward pass for one image, counted on the meta device: nothing is computed."""
    meta = copy.deepcopy(network).to("meta").eval()
    sample = examples(image, 1, torch.device("meta"))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        meta(sample)
    return int(counter.get_total_flops())
