"""Dynamic int8 on the CPU: fully connected layers with weights of a byte each; convolutions stay as they are."""

from __future__ import annotations

import copy
import warnings

import torch
from torch import nn

from ablate.errors import AblateError


def quantized(network: nn.Module) -> nn.Module:
    """A copy on the CPU with int8 layers. Raises AblateError where this torch, or this processor, has none."""
    supported = [engine for engine in torch.backends.quantized.supported_engines if engine != "none"]
    with warnings.catch_warnings():
        # torch 2.15 calls all of torch.ao.quantization deprecated; its successor is a package of its own (torchao)
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            from torch.ao.quantization import quantize_dynamic
        except ImportError:
            supported = []
        if not supported:
            raise AblateError("no dynamic int8: this torch has no quantized layers\n  leave int8 out")
        made: nn.Module = quantize_dynamic(copy.deepcopy(network).cpu().eval(), {nn.Linear}, dtype=torch.qint8)
    return made
