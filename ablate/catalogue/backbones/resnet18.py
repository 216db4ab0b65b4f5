"""ResNet-18 from torchvision, with a stem that does not throw small images away."""

from __future__ import annotations

from ablate.catalogue.backbones.backbone import BACKBONES, Backbone, ImageShape

LARGEST_SMALL_IMAGE = 64
"""Up to this size the stem keeps the resolution: 7x7/2 and pooling would leave 7x7 of a 28x28 image before any block."""


@BACKBONES.register("resnet18", source="He et al. 2016 (arXiv:1512.03385); stem for small images as in its section 4.2")
def resnet18(image: ImageShape) -> Backbone:
    """18 layers, 512 features; images up to 64 pixels get a 3x3 stem without pooling."""
    import torchvision
    from torch import nn

    network = torchvision.models.resnet18()
    small = image.size <= LARGEST_SMALL_IMAGE
    if small:
        network.conv1 = nn.Conv2d(image.channels, 64, 3, padding=1, bias=False)
        network.maxpool = nn.Identity()
    elif image.channels != 3:
        network.conv1 = nn.Conv2d(image.channels, 64, 7, stride=2, padding=3, bias=False)
    network.fc = nn.Identity()
    return Backbone(network, 512)
