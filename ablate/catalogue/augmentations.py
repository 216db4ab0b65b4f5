"""Augmentations: training images changed at random, each in its own way; validation and test images never are.

A builder returns a function (images, draw) -> images that works on a whole batch at once and leaves its argument as it was.
Whatever is random comes from `draw`, numpy's, so that every device gets the same numbers; torchvision's transforms would draw
from torch's generator, and once for a whole batch. Those of READS_PIXELS take Pixels as their first argument.
Shapes: B images of a batch, C channels, H height, W width; pixels are normalised.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ablate.catalogue.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Bool, Float, Float64, Int
    from torch import Tensor

    Augment = Callable[[Float[Tensor, "B C H W"], np.random.Generator], Float[Tensor, "B C H W"]]

AUGMENTATIONS: Registry[Augment] = Registry("augmentation", "ablate.catalogue.augmentations")

READS_PIXELS = frozenset({"jitter", "randaugment", "faces"})
"""Augmentations that must know what black and white are."""


class Pixels(NamedTuple):
    """The range of normalised pixels, of each channel."""

    black: Float[Tensor, "C"]
    white: Float[Tensor, "C"]

    def in_unit(
        self, images: Float[Tensor, "B C H W"], change: Callable[[Float[Tensor, "B C H W"]], Float[Tensor, "B C H W"]]
    ) -> Float[Tensor, "B C H W"]:
        """The images after `change`, which sees and gives pixels from 0 (black) to 1 (white)."""
        import torch

        black, span = self.black[:, None, None], (self.white - self.black)[:, None, None]
        # channel by channel: in channels_last order each operation would see three numbers at a time, and take thrice as long
        unit = torch.addcmul(-black / span, images.contiguous(), 1 / span).clamp_(0, 1)  # rounding leaves 1.0000001
        changed = torch.addcmul(black, change(unit), span)
        return changed.contiguous(memory_format=torch.channels_last)


@AUGMENTATIONS.register("none", source="the images as they are")
def none() -> Augment:
    """Every image as it is, in every epoch."""
    return lambda images, draw: images


MIRRORING = frozenset({"flip", "faces"})
"""Those that show images mirrored."""


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
    "erasing",
    space={"fraction": {"uniform": [0.1, 0.5]}},
    bounds={"fraction": (0.0, 1.0)},
    source="Zhong et al. 2017 (arXiv:1708.04896); here in every image, and filled with its mean",
)
def erasing(*, fraction: float = 0.4) -> Augment:  # 0.4 and the aspects 0.3 to 1 / 0.3: the paper's
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


@AUGMENTATIONS.register(
    "crop",
    space={"area": {"uniform": [0.16, 0.9]}},
    bounds={"area": (0.01, 1.0)},
    source="Szegedy et al. 2015 (arXiv:1409.4842), section 6; Musgrave et al. 2020 (arXiv:2003.08505) for metric learning",
)
def crop(*, area: float = 0.5) -> Augment:  # not Musgrave's 0.16: of 28 pixels it leaves 11
    """A part of `area` (0 to 1) to all of the image, of aspect 3/4 to 4/3, anywhere, made as large as the image was."""
    import numpy as np

    def augment(images: Float[Tensor, "B C H W"], draw: np.random.Generator) -> Float[Tensor, "B C H W"]:
        from ablate.catalogue.warp import identity, warp

        batch, sides = len(images), np.array([images.shape[3], images.shape[2]])
        share, aspect = draw.uniform(area, 1, batch), np.exp(draw.uniform(math.log(3 / 4), math.log(4 / 3), batch))
        kept = np.stack([share * aspect, share / aspect], axis=1).clip(max=1) ** 0.5  # of width and height
        maps = identity(batch)
        maps[:, 0, 0], maps[:, 1, 1] = kept.T
        maps[:, :, 2] = draw.uniform(-0.5, 0.5, (batch, 2)) * (1 - kept) * sides
        return warp(images, maps)

    return augment


@AUGMENTATIONS.register(
    "affine",
    space={"degrees": {"uniform": [0.0, 20.0]}, "scale": {"uniform": [0.0, 0.3]}, "fraction": {"uniform": [0.0, 0.2]}},
    bounds={"degrees": (0.0, 180.0), "scale": (0.0, 0.9), "fraction": (0.0, 0.5)},
    source="Koch et al. 2015, section 3.4: affine distortions of characters; here without shear, of every image",
)
def affine(*, degrees: float = 10.0, scale: float = 0.1, fraction: float = 0.05) -> Augment:
    """Turned by up to `degrees`, smaller or larger by up to `scale` (0 to 0.9), moved by up to `fraction` of its size."""
    import numpy as np

    def augment(images: Float[Tensor, "B C H W"], draw: np.random.Generator) -> Float[Tensor, "B C H W"]:
        from ablate.catalogue.warp import turned, warp

        batch, sides = len(images), np.array([images.shape[3], images.shape[2]])
        turn, size = draw.uniform(-degrees, degrees, batch), draw.uniform(1 - scale, 1 + scale, batch)
        return warp(images, turned(turn, scale=size, shift=draw.uniform(-fraction, fraction, (batch, 2)) * sides))

    return augment


@AUGMENTATIONS.register(
    "jitter",
    space={"strength": {"uniform": [0.1, 0.6]}},
    bounds={"strength": (0.0, 1.0)},
    source="torchvision's ColorJitter as in MoCo v2 (Chen et al. 2020, arXiv:2003.04297), without hue and always in this order",
)
def jitter(pixels: Pixels, *, strength: float = 0.4) -> Augment:  # 0.4: MoCo v2's
    """Brightness, contrast and, of colour images, saturation times 1 - `strength` to 1 + `strength` (0 to 1) each."""
    import torch

    def augment(images: Float[Tensor, "B C H W"], draw: np.random.Generator) -> Float[Tensor, "B C H W"]:
        from ablate.catalogue.colours import brighter, in_contrast, saturated

        amounts = torch.from_numpy(draw.uniform(1 - strength, 1 + strength, (3, len(images)))).to(images)
        return pixels.in_unit(
            images, lambda unit: saturated(in_contrast(brighter(unit, amounts[0]), amounts[1]), amounts[2])
        )

    return augment


@AUGMENTATIONS.register(
    "randaugment",
    space={"operations": {"int": [1, 3]}, "magnitude": {"uniform": [3.0, 15.0]}},
    bounds={"operations": (1, 14), "magnitude": (0.0, 30.0)},
    source="Cubuk et al. 2020 (arXiv:1909.13719), with torchvision's fourteen operations; edges repeat",
)
def randaugment(pixels: Pixels, *, operations: int = 2, magnitude: float = 9.0) -> Augment:  # torchvision's
    """For each image so many `operations`, drawn of fourteen that move or recolour it, of `magnitude` (0 to 30)."""

    def augment(images: Float[Tensor, "B C H W"], draw: np.random.Generator) -> Float[Tensor, "B C H W"]:
        from ablate.catalogue.randaugment import rand_augment

        def change(unit: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
            return rand_augment(unit, draw, operations=operations, magnitude=magnitude)

        return pixels.in_unit(images, change)

    return augment


@AUGMENTATIONS.register(
    "faces",
    space={"strength": {"uniform": [0.3, 2.0]}},
    bounds={"strength": (0.0, 3.0)},
    source="flip, affine and jitter, one after the other",
)
def faces(pixels: Pixels, *, strength: float = 1.0) -> Augment:
    """Flip; affine of 10 degrees, scale 0.1, fraction 0.05; jitter of 0.2: those two times `strength` (0 to 3)."""
    moved = affine(degrees=10 * strength, scale=0.1 * strength, fraction=0.05 * strength)
    parts = (flip(), moved, jitter(pixels, strength=0.2 * strength))

    def augment(images: Float[Tensor, "B C H W"], draw: np.random.Generator) -> Float[Tensor, "B C H W"]:
        for part in parts:
            images = part(images, draw)
        return images

    return augment
