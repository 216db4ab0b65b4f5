"""Changes of colour, each image by its own amount; the numbers are those of torchvision.transforms.v2.functional.

torchvision takes one amount for a whole batch; here it is a tensor [B]. Pixels are from 0 (black) to 1 (white).
Shapes: B images of a batch, C channels, H height, W width.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import conv2d

Images = Float[Tensor, "B C H W"]
Amounts = Float[Tensor, "B"]


def brighter(images: Images, amount: Amounts) -> Images:
    """Times `amount`: 0 is black, 1 as it is."""
    return (images * _each(amount)).clamp_(0, 1)


def in_contrast(images: Images, amount: Amounts) -> Images:
    """0 is the mean grey of the image, 1 as it is."""
    return _blend(images, _grey(images).mean(dim=(1, 2, 3), keepdim=True), amount)


def saturated(images: Images, amount: Amounts) -> Images:
    """0 is grey, 1 as it is; what has not three channels stays."""
    return _blend(images, _grey(images), amount) if images.shape[1] == 3 else images


def sharper(images: Images, amount: Amounts) -> Images:
    """0 is smoothed, 1 as it is; the outermost pixels stay."""
    channels = images.shape[1]
    kernel = torch.ones(channels, 1, 3, 3, dtype=images.dtype, device=images.device)
    kernel[:, :, 1, 1] = 5
    smooth = images.clone()
    smooth[:, :, 1:-1, 1:-1] = conv2d(images, kernel / 13, groups=channels)
    return _blend(images, smooth, amount)


def posterized(images: Images, bits: Int[Tensor, "B"]) -> Images:
    """Only the highest `bits` (0 to 8) of each pixel's eight."""
    step = _each(2.0 ** (8 - bits))
    return (_levels(images) / step).floor_() * step / 255


def solarized(images: Images, threshold: Amounts) -> Images:
    """Pixels from `threshold` on are inverted."""
    return torch.where(images >= _each(threshold), 1 - images, images)


def stretched(images: Images) -> Images:
    """Each channel from its darkest pixel at 0 to its brightest at 1; one of a single grey stays."""
    low, high = images.amin(dim=(2, 3), keepdim=True), images.amax(dim=(2, 3), keepdim=True)
    return torch.where(high > low, (images - low) / torch.where(high > low, high - low, 1.0), images)


def equalized(images: Images) -> Images:
    """Each channel's 256 levels spread so that all are about equally frequent, as PIL does it."""
    batch, channels = images.shape[:2]
    levels = _levels(images).long().flatten(2).flatten(0, 1)
    counts = torch.zeros(batch * channels, 256, dtype=torch.long, device=images.device)
    counts.scatter_add_(1, levels, torch.ones_like(levels))
    last = levels.amax(dim=1, keepdim=True)
    step = (counts.sum(dim=1, keepdim=True) - counts.gather(1, last)) // 255
    below = counts.cumsum(dim=1) - counts
    table = ((below + step // 2) // step.clamp(min=1)).clamp_(0, 255)
    spread = torch.where(step > 0, table.gather(1, levels), levels)
    return (spread.to(images.dtype) / 255).view_as(images)


def _each(amount: Tensor) -> Tensor:
    return amount[:, None, None, None]


def _grey(images: Images) -> Float[Tensor, "B 1 H W"]:
    if images.shape[1] != 3:
        return images.mean(dim=1, keepdim=True)
    red, green, blue = images.unbind(dim=1)
    return (0.2989 * red + 0.587 * green + 0.114 * blue).unsqueeze(1)  # ITU-R 601-2, with torchvision's digits


def _blend(images: Images, other: Tensor, amount: Amounts) -> Images:
    """`other` at 0, `images` at 1, and beyond."""
    return torch.lerp(other.expand_as(images), images, _each(amount)).clamp_(0, 1)


def _levels(images: Images) -> Images:
    """0 to 255, whole numbers."""
    return (images * 255).round_()
