"""A small convolutional network: blocks of convolution, batch norm, ReLU and pooling."""

from __future__ import annotations

from ablate.catalogue.backbones.backbone import BACKBONES, Backbone, ImageShape


@BACKBONES.register(
    "simple_cnn",
    space={"width": [32, 64]},
    bounds={"width": (1, 4096), "depth": (1, 16), "convolutions": (1, 8)},
    source="the four blocks of Vinyals et al. 2016 (arXiv:1606.04080)",
)
def simple_cnn(
    image: ImageShape, *, width: int = 64, depth: int = 4, batch_norm: bool = True, convolutions: int = 1
) -> Backbone:
    """`depth` blocks of 3x3 convolutions with `width` channels; each halves the image while it has 2 pixels or more."""
    from torch import nn

    layers: list[nn.Module] = []
    channels, size = image.channels, image.size
    for _ in range(depth):
        for _ in range(convolutions):
            norm = [nn.BatchNorm2d(width)] if batch_norm else []  # it brings a bias, so the convolution needs none
            layers += [nn.Conv2d(channels, width, 3, padding=1, bias=not batch_norm), *norm, nn.ReLU(inplace=True)]
            channels = width
        if size >= 2:
            layers.append(nn.MaxPool2d(2))
            size //= 2
    return Backbone(nn.Sequential(*layers, nn.Flatten()), width * size**2)
