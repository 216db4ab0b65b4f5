"""The Siamese network: backbone, head, and an embedding of length 1; both images of a pair go through the same weights.

Shapes: B images, C channels, H height, W width, F features of the backbone, D embedding width.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ablate.catalogue.backbones import BACKBONES, Backbone, ImageShape
from ablate.study.configuration import Component


class SiameseNetwork(nn.Module):
    """Embeds images on the unit sphere, where the dot product of two is their cosine similarity."""

    def __init__(self, backbone: Backbone, embedding_dim: int) -> None:
        super().__init__()
        self.backbone = backbone.module
        self.head = nn.Linear(backbone.num_features, embedding_dim)

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """Embeddings of length 1, in 32-bit floats whatever the precision of the layers."""
        return functional.normalize(self.head(self.backbone(images)).float(), dim=1)


def build_network(backbone: Component, embedding_dim: int, image: ImageShape) -> SiameseNetwork:
    """The network of a configuration, initialised from torch's global generator."""
    return SiameseNetwork(BACKBONES[backbone.name].build(image, **backbone.params), embedding_dim)
