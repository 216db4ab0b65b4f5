"""The size of what is served: weights and buffers, in MiB, by the precision they are kept in.

int8 is symmetric and weight-only, a scale in fp32 for each row (Jacob et al. 2018, arXiv:1712.05877, section 3); vectors
(biases, normalisation) stay in fp32. Sizes are counted, nothing is quantised: what that costs in accuracy they do not say.
"""

from __future__ import annotations

from torch import Tensor, nn

from ablate.cost.memory import MIB


def weights_mib(network: nn.Module) -> dict[str, float]:
    """MiB by precision: fp32, bf16, int8. Counters of whole numbers keep their size in all of them."""
    tensors = [*network.parameters(), *network.buffers()]  # each once, also where two layers share one
    return {
        "fp32": sum(map(_fp32, tensors)) / MIB,
        "bf16": sum(_fp32(tensor) // 2 if tensor.is_floating_point() else _fp32(tensor) for tensor in tensors) / MIB,
        "int8": sum(map(_int8, tensors)) / MIB,
    }


def _fp32(tensor: Tensor) -> int:
    """Bytes."""
    return tensor.numel() * (4 if tensor.is_floating_point() else tensor.element_size())


def _int8(tensor: Tensor) -> int:
    """Bytes."""
    if tensor.ndim < 2 or not tensor.is_floating_point():
        return _fp32(tensor)
    return tensor.numel() + 4 * tensor.shape[0]
