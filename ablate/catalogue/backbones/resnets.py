"""Residual networks from torchvision, with stems that do not throw small images away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablate.catalogue.backbones.backbone import BACKBONES, Backbone, ImageShape
from ablate.catalogue.backbones.state_dict import load_weights
from ablate.catalogue.backbones.stems import first_convolution, halvings_left_out

if TYPE_CHECKING:
    from torchvision.models import ResNet


@BACKBONES.register("resnet18", source="He et al. 2016 (arXiv:1512.03385); stem up to 32 pixels as in its section 4.2")
def resnet18(image: ImageShape, *, pretrained: bool | str = False) -> Backbone:
    """18 layers, 512 features; up to 64 pixels the stem does not pool, up to 32 it is a 3x3 convolution.

    `pretrained` at 32 pixels or less: all weights but those of the first convolution, which is another one.
    """
    import torchvision

    return _features(torchvision.models.resnet18(), image, name="resnet18", pretrained=pretrained)


@BACKBONES.register("resnet50", source="He et al. 2016 (arXiv:1512.03385); stem up to 32 pixels as in its section 4.2")
def resnet50(image: ImageShape, *, pretrained: bool | str = False) -> Backbone:
    """50 layers, 2048 features; up to 64 pixels the stem does not pool, up to 32 it is a 3x3 convolution.

    `pretrained` at 32 pixels or less: all weights but those of the first convolution, which is another one.
    """
    import torchvision

    return _features(torchvision.models.resnet50(), image, name="resnet50", pretrained=pretrained)


def _features(network: ResNet, image: ImageShape, *, name: str, pretrained: bool | str) -> Backbone:
    """`network` without its classifier, with the stem for images of this shape."""
    from torch import nn

    left_out, num_features = halvings_left_out(image.size), network.fc.in_features
    if left_out == 2:
        network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    if left_out:
        network.maxpool = nn.Identity()
    network.conv1 = first_convolution(network.conv1, image.channels)
    network.fc = nn.Identity()
    drawn = ("conv1.weight",) if left_out == 2 else ()
    load_weights(network, name, pretrained, classifier="fc.", drawn=drawn)
    return Backbone(network, num_features)
