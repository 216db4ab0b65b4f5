"""Models that torch runs: safetensors, into a network of the catalogue, and TorchScript, which brings its own."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file
from torch import nn

from ablate.catalogue.backbones import ImageShape
from ablate.errors import ModelError
from ablate.serve.description import Description
from ablate.study.configuration import Component
from ablate.training.network import build_network

if TYPE_CHECKING:
    from ablate.serve.model import Floats, Run


def open_safetensors(weights: Path, description: Description) -> Run:
    """The network that `description` names, with these weights. Raises ModelError where they are not its own."""
    network, preprocessing = description.network, description.preprocessing
    built = build_network(
        Component(network.backbone, network.params),
        network.embedding_dim,
        ImageShape(preprocessing.channels, preprocessing.image_size),
        precision="fp32",
        views=network.views,
    )
    try:
        built.load_state_dict(load_file(weights))
    except RuntimeError as error:  # torch's for names or shapes that differ
        why = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{weights} holds the weights of another network than {network.backbone} is here ({why})\n"
            "  use the version of ablate that exported it, or export it again"
        ) from None
    return _run(built.to(memory_format=torch.channels_last))


def open_torchscript(weights: Path) -> Run:
    """The network in a file of `torch.jit.save`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch 2.15 would have torch.export's format instead
        return _run(torch.jit.load(weights, map_location="cpu"))  # type: ignore[no-untyped-call]


def _run(network: nn.Module) -> Run:
    network.eval()

    @torch.inference_mode()
    def run(images: Floats) -> Floats:
        embeddings: Floats = network(torch.from_numpy(images)).numpy()
        return embeddings

    return run
