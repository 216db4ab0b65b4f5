"""The same network in other precisions than it trains in, to time it."""

from __future__ import annotations

import copy

import torch
from torch import nn

from ablate.cost.quantized import has_int8, quantized
from ablate.training.network import SiameseNetwork


def precisions(device: torch.device) -> tuple[str, ...]:
    """Those that a network can be timed in on this device."""
    return ("fp32", "bf16", "int8") if has_int8(device) else ("fp32", "bf16")


def in_precision(network: SiameseNetwork, precision: str) -> nn.Module:
    """A copy whose layers compute in fp32, in bf16 (autocast, as training does it) or in dynamic int8."""
    double = copy.deepcopy(network)
    double.precision = "bf16" if precision == "bf16" else "fp32"
    return quantized(double) if precision == "int8" else double
