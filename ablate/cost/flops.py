"""Size and arithmetic of an architecture: parameters, and floating-point operations to embed one image or book.

Counted by torch's own FlopCounterMode: matrix products and convolutions, a multiply-add as 2 operations. Not counted: biases,
normalisation, activations, pooling (below 2 % in the networks of the catalogue), and looking up the embedding of a token;
`uncounted` names them for any network.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from ablate.catalogue.backbones import ItemShape
from ablate.cost.examples import examples
from ablate.cost.meta import on_meta

_MOVES = {
    *("_to_copy", "_unsafe_view", "cat", "clone", "constant_pad_nd", "copy", "copy_", "repeat", "stack"),
    *("embedding", "gather", "index", "index_select"),
    *("arange", "empty", "empty_like", "fill_", "full", "full_like", "lift_fresh", "ones", "ones_like"),
    *("scalar_tensor", "zeros", "zeros_like"),
}
"""Operators that copy, look up or allocate: there is no arithmetic in them."""


def count_params(network: nn.Module) -> int:
    """Trainable weights."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


def count_flops(network: nn.Module, image: ItemShape) -> int:
    """Operations of one forward pass for one image, counted on the meta device: nothing is computed."""
    meta = on_meta(network).eval()
    sample = examples(image, 1, torch.device("meta"))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        meta(sample)
    return int(counter.get_total_flops())


def uncounted(network: nn.Module, image: ItemShape) -> dict[str, int]:
    """Operators that `count_flops` takes for nothing -> the numbers they put out for one image, the largest first."""
    meta = on_meta(network).eval()
    sample = examples(image, 1, torch.device("meta"))
    # The counter goes first, so that what arrives behind it is what it has taken apart, and has or has not counted.
    with _Seen() as seen, FlopCounterMode(display=False), torch.no_grad():
        meta(sample)
    return dict(seen.numbers.most_common())


class _Seen(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes operators that the counter does not know."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.numbers: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if func.overloadpacket not in flop_registry and not func.is_view and name not in _MOVES:
            first = made[0] if isinstance(made, (tuple, list)) else made
            self.numbers[name] += first.numel() if isinstance(first, torch.Tensor) else 0
        return made
