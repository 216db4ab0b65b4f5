"""The Siamese network: backbone, head, and an embedding of length 1; both images of a pair go through the same weights.

Shapes: B images [C, H, W] or books [W], F features of the backbone, D embedding width.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ablate.catalogue.backbones import BACKBONES, Backbone, ItemShape
from ablate.study.configuration import Component


class SiameseNetwork(nn.Module):
    """Embeds images, or books, on the unit sphere, where the dot product of two is their cosine similarity."""

    def __init__(
        self, backbone: Backbone, embedding_dim: int, *, normalize: bool = True, precision: str = "auto"
    ) -> None:
        super().__init__()
        self.normalize, self.precision = normalize, precision
        self.backbone = backbone.module
        self.head = nn.Linear(backbone.num_features, embedding_dim)

    def forward(self, images: Float[Tensor, "B *item"]) -> Float[Tensor, "B D"]:
        """Embeddings, in 32-bit floats whatever the precision of the layers.

        Of length 1, but for training where `normalize` is false: evaluation compares by cosine similarity in any case.
        """
        with self._precision(images.device.type):
            embeddings: Tensor = self.head(self.backbone(images)).float()
        return functional.normalize(embeddings, dim=1) if self.normalize or not self.training else embeddings

    def _precision(self, device: str) -> AbstractContextManager[object]:
        """Layers in 16-bit floats where asked for, also in evaluation: what is judged is what would be served."""
        low = self.precision == "bf16" or (self.precision == "auto" and device == "cuda")
        counted_only = device == "meta"  # torch has no autocast there, and FLOPs are the same
        return torch.autocast(device, torch.bfloat16) if low and not counted_only else nullcontext()


def build_network(
    backbone: Component, embedding_dim: int, image: ItemShape, *, normalize: bool = True, precision: str = "auto"
) -> SiameseNetwork:
    """The network of a configuration, initialised from torch's global generator."""
    built = BACKBONES[backbone.name].build(image, **backbone.params)
    return SiameseNetwork(built, embedding_dim, normalize=normalize, precision=precision)
