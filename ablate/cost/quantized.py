"""Dynamic int8 on the CPU: fully connected layers with weights of a byte each; convolutions stay as they are."""

from __future__ import annotations

import copy
import warnings
from importlib.util import find_spec

import torch
from torch import nn


def has_int8(device: torch.device) -> bool:
    """Whether this torch has quantized layers for the device."""
    engines = [engine for engine in torch.backends.quantized.supported_engines if engine != "none"]
    return device.type == "cpu" and bool(engines) and find_spec("torch.ao.quantization") is not None


def quantized(network: nn.Module) -> nn.Module:
    """A copy on the CPU with int8 layers, where `has_int8`."""
    with warnings.catch_warnings():
        # torch 2.15 calls all of torch.ao.quantization deprecated; its successor is a package of its own (torchao)
        warnings.simplefilter("ignore")
        from torch.ao.quantization import quantize_dynamic

        double = copy.deepcopy(network).cpu().eval()
        made: nn.Module = quantize_dynamic(double, {nn.Linear}, dtype=torch.qint8)  # type: ignore[no-untyped-call]
    return made
