"""Conv-4, the network of the few-shot literature, as it was published: nothing to set, so that its numbers compare."""

from __future__ import annotations

from ablate.catalogue.backbones.backbone import BACKBONES, Backbone, ImageShape


@BACKBONES.register("conv4", source="Vinyals et al. 2016 (arXiv:1606.04080), Snell et al. 2017 (arXiv:1703.05175)")
def conv4(image: ImageShape) -> Backbone:
    """Four blocks of 64 channels (3x3 convolution, batch norm, ReLU, 2x2 pooling); simple_cnn varies width and depth.

    64 features of a 28x28 image, 1600 of 84x84. Beside simple_cnn of this width and depth its convolutions have a bias, as in
    the authors' code. Pooling ends where one pixel is left: below 16 pixels.
    """
    from torch import nn

    layers: list[nn.Module] = []
    channels, size = image.channels, image.size
    for _ in range(4):
        layers += [nn.Conv2d(channels, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
        channels = 64
        if size >= 2:
            layers.append(nn.MaxPool2d(2))
            size //= 2
    return Backbone(nn.Sequential(*layers, nn.Flatten()), 64 * size**2)
