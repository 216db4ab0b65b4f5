"""VGG-16: torchvision's convolutions, without the three fully connected layers behind them."""

from __future__ import annotations

from collections import OrderedDict

from ablate.catalogue.backbones.backbone import BACKBONES, Backbone, ImageShape
from ablate.catalogue.backbones.state_dict import load_weights
from ablate.catalogue.backbones.stems import first_convolution, halvings_left_out


@BACKBONES.register("vgg16", source="Simonyan & Zisserman 2015 (arXiv:1409.1556); batch norm as torchvision's vgg16_bn")
def vgg16(image: ImageShape, *, batch_norm: bool = True, pretrained: bool | str = False) -> Backbone:
    """13 convolutions, 512 features; up to 64 pixels the last pooling is left out, up to 32 the last two.

    Of the published 138 million weights 124 are in the fully connected layers, for 0.8 % of the arithmetic; the mean over the
    last feature map stands in their place. Without `batch_norm` it is the network of the paper, which is hard to train anew.
    """
    from torch import nn
    from torchvision.models.vgg import cfgs, make_layers

    layers = make_layers(cfgs["D"], batch_norm=batch_norm)
    layers[0] = first_convolution(layers[0], image.channels)
    pools = [index for index, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
    for index in pools[len(pools) - halvings_left_out(image.size) :]:
        layers[index] = nn.Identity()
    for layer in layers:
        # as torchvision's class VGG draws them, which would draw the classifier, too: a second, and half a gigabyte
        if isinstance(layer, nn.Conv2d) and layer.bias is not None:
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    parts = {"features": layers, "pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten()}
    network = nn.Sequential(OrderedDict(parts))
    load_weights(network, "vgg16_bn" if batch_norm else "vgg16", pretrained, classifier="classifier.")
    return Backbone(network, 512)
