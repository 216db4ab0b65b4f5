"""What a backbone is: a module from images [B, C, H, W] to features [B, F], and F."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ablate.catalogue.registry import Registry

if TYPE_CHECKING:
    from torch import nn


class ImageShape(NamedTuple):
    """Of one image, as the network gets it."""

    channels: int
    """1 grey, 3 colour."""
    size: int
    """Height and width in pixels."""


class Backbone(NamedTuple):
    """A feature extractor; the head that follows it makes the embedding."""

    module: nn.Module
    """[B, C, H, W] -> [B, F]."""
    num_features: int
    """F."""


BACKBONES: Registry[Backbone] = Registry("backbone", "ablate.catalogue.backbones")
