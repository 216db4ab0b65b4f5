"""The Siamese network: backbone, head, and an embedding of length 1; both images of a pair go through the same weights.

Shapes: B images [C, H, W] or books [W], F features of the backbone, D embedding width.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ablate.catalogue.backbones import BACKBONES, Backbone, ItemShape
from ablate.study.configuration import Component


class SiameseNetwork(nn.Module):
    """Embeds images, or books, on the unit sphere, where the dot product of two is their cosine similarity."""

    def __init__(self, backbone: Backbone, embedding_dim: int, *, normalize: bool = True) -> None:
        super().__init__()
        self.normalize = normalize
        self.backbone = backbone.module
        self.head = nn.Linear(backbone.num_features, embedding_dim)

    def forward(self, images: Float[Tensor, "B *item"]) -> Float[Tensor, "B D"]:
        """Embeddings, in 32-bit floats whatever the precision of the layers.

        Of length 1, but for training where `normalize` is false: evaluation compares by cosine similarity in any case.
        """
        embeddings: Tensor = self.head(self.backbone(images)).float()
        return functional.normalize(embeddings, dim=1) if self.normalize or not self.training else embeddings


def build_network(
    backbone: Component, embedding_dim: int, image: ItemShape, *, normalize: bool = True
) -> SiameseNetwork:
    """The network of a configuration, initialised from torch's global generator."""
    return SiameseNetwork(BACKBONES[backbone.name].build(image, **backbone.params), embedding_dim, normalize=normalize)
