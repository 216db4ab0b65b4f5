"""Augmentations: training images changed at random, each in its own way; validation and test images never are.

A builder returns a function (images, draw) -> images that works on a whole batch at once and leaves its argument as it was.
Whatever is random comes from `draw`, numpy's, so that every device gets the same numbers.
Shapes: B images of a batch, C channels, H height, W width; pixels are normalised.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from ablate.catalogue.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Bool, Float, Float64, Int
    from torch import Tensor

    Augment = Callable[[Float[Tensor, "B C H W"], np.random.Generator], Float[Tensor, "B C H W"]]

AUGMENTATIONS: Registry[Augment] = Registry("augmentation", "ablate.catalogue.augmentations")


@AUGMENTATIONS.register("none", source="the images as they are")
def none() -> Augment:
    """Every image as it is, in every epoch."""
    return lambda images, draw: images


@AUGMENTATIONS.register("flip", source="Krizhevsky et al. 2012 (AlexNet), section 4.1: horizontal reflections")
def flip() -> Augment:
    """Mirrored left to right, each image with probability 0.5."""
    import torch

    def augment(images: Float[Tensor, "B C H W"], draw: np.random.Generator) -> Float[Tensor, "B C H W"]:
        turned = torch.from_numpy(draw.random(len(images)) < 0.5).to(images.device)
        return torch.where(turned[:, None, None, None], images.flip(3), images)

    return augment


@AUGMENTATIONS.register(
    "shift",
    space={"fraction": {"uniform": [0.05, 0.2]}},
    bounds={"fraction": (0.0, 0.5)},
    source="Krizhevsky et al. 2012 (AlexNet), section 4.1: translations",
)
def shift(*, fraction: float = 0.1) -> Augment:
    """Moved up or down and left or right by up to `fraction` of its size (0 to 0.5), rounded up to pixels; edges repeat."""
    import torch

    def augment(images: Float[Tensor, "B C H W"], draw: np.random.Generator) -> Float[Tensor, "B C H W"]:
        (batch, channels, height, width), device = images.shape, images.device

        def origins(size: int) -> Int[Tensor, "B S"]:
            """From which row or column of its image each pixel comes."""
            # rounded up, or a tenth of 8 pixels would move nothing; 1e-9: a tenth of 30 must stay 3
            most = math.ceil(fraction * size - 1e-9)
            moved = torch.from_numpy(draw.integers(-most, most, size=(batch, 1), endpoint=True)).to(device)
            return (torch.arange(size, device=device) - moved).clamp_(0, size - 1)

        rows, columns = origins(height) + height * torch.arange(batch, device=device)[:, None], origins(width)
        pixels = (rows[:, :, None] * width + columns[:, None, :]).flatten()
        flat = images.permute(0, 2, 3, 1).reshape(-1, channels)  # no copy: batches are channels_last
        return flat.index_select(0, pixels).view(batch, height, width, channels).permute(0, 3, 1, 2)

    return augment


@AUGMENTATIONS.register(
    "erase",
    space={"fraction": {"uniform": [0.1, 0.5]}},
    bounds={"fraction": (0.0, 1.0)},
    source="Zhong et al. 2017 (arXiv:1708.04896); here in every image, and filled with its mean",
)
def erase(*, fraction: float = 0.4) -> Augment:  # 0.4 and the aspects 0.3 to 1 / 0.3: the paper's
    """A rectangle of up to `fraction` of the area (0 to 1) is replaced by the image's mean; any aspect from 0.3 to 3.3."""
    import torch

    def augment(images: Float[Tensor, "B C H W"], draw: np.random.Generator) -> Float[Tensor, "B C H W"]:
        (batch, _, height, width), device = images.shape, images.device
        area, aspect = draw.uniform(0, fraction, batch), draw.uniform(0.3, 1 / 0.3, batch)

        def erased(size: int, share: Float64[np.ndarray, "B"]) -> Bool[Tensor, "B S"]:
            """Which rows or columns of each image lie in its rectangle; rounded down, so the area is not exceeded."""
            length = (share.clip(max=1) * size).astype(int)
            begin = draw.integers(0, size - length, endpoint=True)
            first, end = (torch.from_numpy(edge).to(device)[:, None] for edge in (begin, begin + length))
            place = torch.arange(size, device=device)
            return (place >= first) & (place < end)

        rows, columns = erased(height, (area * aspect) ** 0.5), erased(width, (area / aspect) ** 0.5)
        inside = rows[:, None, :, None] & columns[:, None, None, :]
        return torch.where(inside, images.mean(dim=(2, 3), keepdim=True), images)

    return augment
