"""Stems for small images: how far a network may shrink its images, and a first convolution for any number of channels.

The networks of the catalogue were made for 224 pixels and shrink them 32 times. Of a 28x28 image that would leave one pixel,
long before the last layer; so they shrink images up to 64 pixels 16 times, up to 32 pixels 8 times: 3x3 pixels or more are
left of all images from 24 pixels on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

SMALL, TINY = 64, 32
"""The largest images, in pixels, that are shrunk 16 and 8 times."""


def halvings_left_out(size: int) -> int:
    """How many of a network's five halvings an image of `size` pixels goes without: 2, 1 or 0."""
    return 2 if size <= TINY else 1 if size <= SMALL else 0


def first_convolution(like: nn.Conv2d, channels: int) -> nn.Conv2d:
    """`like`, for images with `channels`; it is `like` itself where that fits, else drawn anew as torchvision draws all."""
    from torch import nn

    if like.in_channels == channels:
        return like
    kernel, stride, padding = like.kernel_size[0], like.stride[0], like.padding[0]
    assert isinstance(padding, int), "padding by a word is not copied"
    bias = like.bias is not None
    made = nn.Conv2d(channels, like.out_channels, kernel, stride=stride, padding=padding, bias=bias)
    nn.init.kaiming_normal_(made.weight, mode="fan_out", nonlinearity="relu")
    if made.bias is not None:
        nn.init.zeros_(made.bias)
    return made


def keep_resolution(network: nn.Module, halvings: int) -> None:
    """The first `halvings` convolutions that halve the image no longer do; no weight changes its shape."""
    from torch import nn

    strided = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d) and layer.stride == (2, 2)]
    for layer in strided[:halvings]:
        layer.stride = (1, 1)
