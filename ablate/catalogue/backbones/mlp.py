"""A fully connected network on raw pixels: the floor that any convolution must beat."""

from __future__ import annotations

from ablate.catalogue.backbones.backbone import BACKBONES, Backbone, ImageShape


@BACKBONES.register(
    "mlp",
    space={"width": [128, 256, 512], "depth": {"int": [1, 3]}},
    bounds={"width": (1, 65536), "depth": (1, 100)},
    source="Rumelhart et al. 1986; with batch norm, Ioffe & Szegedy 2015",
)
def mlp(image: ImageShape, *, width: int = 256, depth: int = 2, batch_norm: bool = True) -> Backbone:
    """`depth` fully connected layers of `width` units on the flattened image."""
    from torch import nn

    layers: list[nn.Module] = [nn.Flatten()]
    features = image.channels * image.size**2
    for _ in range(depth):
        norm = [nn.BatchNorm1d(width)] if batch_norm else []
        layers += [nn.Linear(features, width), *norm, nn.ReLU(inplace=True)]
        features = width
    return Backbone(nn.Sequential(*layers), features)
