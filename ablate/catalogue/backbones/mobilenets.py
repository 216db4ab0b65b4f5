"""MobileNetV3 from torchvision: small and large, with strides that do not throw small images away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablate.catalogue.backbones.backbone import BACKBONES, Backbone, ImageShape
from ablate.catalogue.backbones.state_dict import load_weights
from ablate.catalogue.backbones.stems import first_convolution, halvings_left_out, keep_resolution

MOMENTUM = 0.1
"""Of the running statistics of batch norm: torch's. torchvision's 0.01 forgets over thousands of steps; after some hundred,
validation would still see those of the first weights (8 epochs of digits: MAP@R 0.06 instead of 0.41, with equal weights)."""

if TYPE_CHECKING:
    from torchvision.models import MobileNetV3


@BACKBONES.register("mobilenet_v3_small", source="Howard et al. 2019 (arXiv:1905.02244)")
def mobilenet_v3_small(image: ImageShape, *, pretrained: bool | str = False) -> Backbone:
    """Depthwise convolutions for phones, 576 features; up to 64 pixels the first stride is 1, up to 32 the first two."""
    import torchvision

    network = torchvision.models.mobilenet_v3_small()
    return _features(network, image, name="mobilenet_v3_small", pretrained=pretrained)


@BACKBONES.register("mobilenet_v3_large", source="Howard et al. 2019 (arXiv:1905.02244)")
def mobilenet_v3_large(image: ImageShape, *, pretrained: bool | str = False) -> Backbone:
    """Depthwise convolutions for phones, 960 features; up to 64 pixels the first stride is 1, up to 32 the first two."""
    import torchvision

    network = torchvision.models.mobilenet_v3_large()
    return _features(network, image, name="mobilenet_v3_large", pretrained=pretrained)


def _features(network: MobileNetV3, image: ImageShape, *, name: str, pretrained: bool | str) -> Backbone:
    """`network` up to its last pooling; both fully connected layers of the classifier are left out."""
    from torch import nn

    num_features = network.classifier[0].in_features
    network.features[0][0] = first_convolution(network.features[0][0], image.channels)
    keep_resolution(network.features, halvings_left_out(image.size))
    network.classifier = nn.Identity()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = MOMENTUM
    load_weights(network, name, pretrained, classifier="classifier.")
    return Backbone(network, num_features)
