"""A network written as one file: safetensors, ONNX or TorchScript."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from ablate.errors import ModelError
from ablate.serve.onnx_model import INPUT, INSTALL, OUTPUT

ONNX_LIBRARIES = ("onnx", "onnxscript", "onnxruntime")
"""The first two write a model, the third runs it to check it."""


def check_kind(kind: str) -> None:
    """Raise ModelError where a library that the format needs is missing."""
    lacking = [name for name in ONNX_LIBRARIES if kind == "onnx" and importlib.util.find_spec(name) is None]
    if lacking:
        raise ModelError(f"--format onnx: not installed: {', '.join(lacking)}\n  {INSTALL}")


def write_weights(network: nn.Module, images: Tensor, path: Path, *, kind: str) -> None:
    """Write `network` as it is in evaluation; `images` [B, C, S, S], of two at least, show what it is given.

    Every kind takes batches of any size. Warnings of a trace that may not hold for other images are left out: the caller
    compares embeddings.
    """
    network = network.eval()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _WRITERS[kind](network, images, path)


def _safetensors(network: nn.Module, images: Tensor, path: Path) -> None:
    path.write_bytes(save({name: tensor.contiguous() for name, tensor in network.state_dict().items()}))


def _onnx(network: nn.Module, images: Tensor, path: Path) -> None:
    batch = ({0: torch.export.Dim("batch")},)
    program = torch.onnx.export(
        network, (images,), input_names=[INPUT], output_names=[OUTPUT], dynamic_shapes=batch, dynamo=True, verbose=False
    )
    assert program is not None, "it is None only where a file is named"
    model = program.model_proto
    for node in [*model.graph.node, *(node for function in model.functions for node in function.node)]:
        del node.metadata_props[:]  # torch 2.15 notes there which source files of this machine a node came from
    path.write_bytes(model.SerializeToString())


def _torchscript(network: nn.Module, images: Tensor, path: Path) -> None:
    # check_trace would run the network three times more, to compare what the caller compares on real images
    traced = torch.jit.trace(network, images, check_trace=False)  # type: ignore[no-untyped-call]
    torch.jit.save(traced, path)


_WRITERS: dict[str, Callable[[nn.Module, Tensor, Path], None]] = {
    "safetensors": _safetensors,
    "onnx": _onnx,
    "torchscript": _torchscript,
}
