"""A convolutional network that widens as the image shrinks: most of its work is done on small maps, where it is cheap."""

from __future__ import annotations

from ablate.catalogue.backbones.backbone import BACKBONES, Backbone, ImageShape


@BACKBONES.register(
    "pyramid_cnn",
    space={"width": [16, 32]},
    bounds={"width": (1, 512), "depth": (1, 8)},
    source="blocks as of Simonyan & Zisserman 2015 (arXiv:1409.1556), with batch norm",
)
def pyramid_cnn(image: ImageShape, *, width: int = 16, depth: int = 4) -> Backbone:
    """`depth` blocks of two 3x3 convolutions, the first of one; `width` channels, twice as many with each next block.

    A block halves the image while that leaves 2 pixels or more: 1152 features of a 28x28 image with the defaults. The first
    block has one convolution, for one on the whole image takes longer than two on a quarter of it.
    """
    from torch import nn

    layers: list[nn.Module] = []
    channels, size = image.channels, image.size
    for block in range(depth):
        wide = width * 2**block
        for _ in range(min(block, 1) + 1):
            layers += [nn.Conv2d(channels, wide, 3, padding=1, bias=False), nn.BatchNorm2d(wide), nn.ReLU(inplace=True)]
            channels = wide
        if size >= 4:
            layers.append(nn.MaxPool2d(2))
            size //= 2
    return Backbone(nn.Sequential(*layers, nn.Flatten()), channels * size**2)
