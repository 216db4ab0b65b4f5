"""The Siamese network: backbone, head, and an embedding of length 1; both images of a pair go through the same weights.

Shapes: B images [C, H, W] or books [W], F features of the backbone, D embedding width, V views of each image.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ablate.catalogue.backbones import BACKBONES, Backbone, ItemShape
from ablate.study.configuration import VIEWS, Component


class SiameseNetwork(nn.Module):
    """Embeds images, or books, on the unit sphere, where the dot product of two is their cosine similarity."""

    def __init__(
        self,
        backbone: Backbone,
        embedding_dim: int,
        *,
        normalize: bool = True,
        precision: str = "auto",
        views: str = "one",
    ) -> None:
        super().__init__()
        self.normalize, self.precision, self.views = normalize, precision, views
        self.backbone = backbone.module
        self.head = nn.Linear(backbone.num_features, embedding_dim)

    @property
    def num_views(self) -> int:
        """V, passes through the network for one embedding, when it is not training."""
        return VIEWS[self.views]

    @property
    def width(self) -> int:
        """Numbers of an embedding, when it is not training: V * D."""
        return self.num_views * self.head.out_features

    def forward(self, images: Float[Tensor, "B *item"]) -> Float[Tensor, "B width"]:
        """Embeddings, in 32-bit floats whatever the precision of the layers: [B, D] in training, [B, V * D] otherwise.

        Of length 1, but for training where `normalize` is false: evaluation compares by cosine similarity in any case. Those
        of several views stand side by side, so that the similarity of two images is the mean of their views' similarities.
        """
        if self.training or self.views == "one":
            return self._embed(images)
        embeddings = self._embed(torch.cat(_turned(images, mirrored_only=self.views == "mirror")))
        # -1, not len(images): an exported network takes batches of any size
        side_by_side = embeddings.reshape(self.num_views, -1, self.head.out_features).transpose(0, 1).flatten(1)
        return side_by_side / math.sqrt(self.num_views)

    def _embed(self, images: Float[Tensor, "B *item"]) -> Float[Tensor, "B D"]:
        with self._precision(images.device.type):
            embeddings: Tensor = self.head(self.backbone(images)).float()
        return functional.normalize(embeddings, dim=1) if self.normalize or not self.training else embeddings

    def _precision(self, device: str) -> AbstractContextManager[object]:
        """Layers in 16-bit floats where asked for, also in evaluation: what is judged is what would be served."""
        low = self.precision == "bf16" or (self.precision == "auto" and device == "cuda")
        counted_only = device == "meta"  # torch has no autocast there, and FLOPs are the same
        return torch.autocast(device, torch.bfloat16) if low and not counted_only else nullcontext()


def _turned(images: Float[Tensor, "B C S S"], *, mirrored_only: bool) -> list[Float[Tensor, "B C S S"]]:
    """Each image and its mirror image, or both in all quarter turns: the symmetries of the square."""
    both = [images, images.flip(3)]
    if mirrored_only:
        return both
    upside_down = [view.flip(2) for view in both]
    return [turned for view in (*both, *upside_down) for turned in (view, view.transpose(2, 3))]


def build_network(
    backbone: Component,
    embedding_dim: int,
    image: ItemShape,
    *,
    normalize: bool = True,
    precision: str = "auto",
    views: str = "one",
) -> SiameseNetwork:
    """The network of a configuration, initialised from torch's global generator."""
    built = BACKBONES[backbone.name].build(image, **backbone.params)
    return SiameseNetwork(built, embedding_dim, normalize=normalize, precision=precision, views=views)
