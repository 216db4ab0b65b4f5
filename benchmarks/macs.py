"""Multiply-adds of one image of 224 pixels: our counter against the figures that are published of five networks.

    python benchmarks/macs.py

Our backbones lack the classifier, which the published figures count: its fully connected layers multiply and add once a weight,
and are added. Prints a table in Markdown; the last column is what torchvision's metadata say of its weights.
"""

from __future__ import annotations

import torch
import torchvision
from torch import nn

from ablate.catalogue.backbones import BACKBONES, ImageShape
from ablate.cost.flops import count_flops

IMAGE = ImageShape(3, 224)
PUBLISHED = {
    "resnet18": ("resnet18", "ResNet18_Weights", 1.814),
    "resnet50": ("resnet50", "ResNet50_Weights", 4.089),
    "vgg16": ("vgg16_bn", "VGG16_BN_Weights", 15.47),
    "mobilenet_v3_small": ("mobilenet_v3_small", "MobileNet_V3_Small_Weights", 0.0565),
    "efficientnet_b0": ("efficientnet_b0", "EfficientNet_B0_Weights", 0.386),
}
"""Backbone -> its name in torchvision, its weights there, and its published GMACs."""


def gmacs(backbone: str, name: str) -> tuple[float, float]:
    """Of the backbone, and of the classifier that torchvision's network has behind it."""
    with torch.device("meta"):
        ours = BACKBONES[backbone].build(IMAGE).module
        theirs = torchvision.models.get_model(name)
    classifier = theirs.fc if "resnet" in name else theirs.classifier
    layers = [layer for layer in classifier.modules() if isinstance(layer, nn.Linear)]
    return count_flops(ours, IMAGE) / 2e9, sum(layer.weight.numel() for layer in layers) / 1e9


def main() -> None:
    """One row a network."""
    print("| network | backbone (GMAC) | classifier | ours | published | ratio | torchvision's metadata |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for backbone, (name, weights, published) in PUBLISHED.items():
        own, classifier = gmacs(backbone, name)
        card = getattr(torchvision.models, weights).DEFAULT.meta["_ops"]
        ours = own + classifier
        figures = f"{own:.4f} | {classifier:.4f} | {ours:.4f} | {published:.4g} | {ours / published:.4f} | {card:.3f}"
        print(f"| {backbone} | {figures} |")


if __name__ == "__main__":
    main()
