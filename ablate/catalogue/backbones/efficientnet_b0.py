"""EfficientNet-B0 from torchvision, with strides that do not throw small images away."""

from __future__ import annotations

from ablate.catalogue.backbones.backbone import BACKBONES, Backbone, ImageShape
from ablate.catalogue.backbones.state_dict import load_weights
from ablate.catalogue.backbones.stems import first_convolution, halvings_left_out, keep_resolution


@BACKBONES.register("efficientnet_b0", source="Tan & Le 2019 (arXiv:1905.11946)")
def efficientnet_b0(image: ImageShape, *, pretrained: bool | str = False) -> Backbone:
    """Depth, width and size in balance, 1280 features; up to 64 pixels the first stride is 1, up to 32 the first two.

    While it trains, whole residual branches are left out at random (stochastic depth), up to 20 % of the last.
    """
    import torchvision
    from torch import nn

    network = torchvision.models.efficientnet_b0()
    network.features[0][0] = first_convolution(network.features[0][0], image.channels)
    keep_resolution(network.features, halvings_left_out(image.size))
    network.classifier = nn.Identity()
    load_weights(network, "efficientnet_b0", pretrained, classifier="classifier.")
    return Backbone(network, 1280)
