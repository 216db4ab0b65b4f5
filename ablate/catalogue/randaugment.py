"""RandAugment: for each image some operations of fourteen, drawn with equal chances, all of one magnitude.

Source: Cubuk et al. 2020 (arXiv:1909.13719), with the fourteen operations and strengths of torchvision's RandAugment. Edges
repeat where an image is moved, and what is random is drawn for each image, not once for the batch.
Shapes: B images of a batch, C channels, H height, W width.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from ablate.catalogue import colours
from ablate.catalogue.warp import identity, turned, warp

HIGHEST = 30
"""Of the magnitudes, as in the paper."""
OPERATIONS = (
    *("nothing", "shear_x", "shear_y", "move_x", "move_y", "turn"),
    *("brightness", "colour", "contrast", "sharpness", "posterize", "solarize", "stretch", "equalize"),
)
_WARPS = OPERATIONS[1:6]
_COLOURS: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    # `way` is -1 or 1, `share` the magnitude from 0 to 1; 0.9: torchvision's
    "brightness": lambda images, way, share: colours.brighter(images, 1 + 0.9 * share * way),
    "colour": lambda images, way, share: colours.saturated(images, 1 + 0.9 * share * way),
    "contrast": lambda images, way, share: colours.in_contrast(images, 1 + 0.9 * share * way),
    "sharpness": lambda images, way, share: colours.sharper(images, 1 + 0.9 * share * way),
    "posterize": lambda images, way, share: colours.posterized(images, (8 - round(4 * share)) * torch.ones_like(way)),
    "solarize": lambda images, way, share: colours.solarized(images, (1 - share) * torch.ones_like(way)),
    "stretch": lambda images, way, share: colours.stretched(images),
    "equalize": lambda images, way, share: colours.equalized(images),
}


def rand_augment(
    images: Float[Tensor, "B C H W"], draw: np.random.Generator, *, operations: int, magnitude: float
) -> Float[Tensor, "B C H W"]:
    """Pixels from 0 (black) to 1 (white), those of the result too."""
    chosen = draw.integers(len(OPERATIONS), size=(operations, len(images)))
    ways = draw.choice([-1.0, 1.0], size=(operations, len(images)))
    images = images.clone()
    for which, way in zip(chosen, ways, strict=True):
        for number, name in enumerate(OPERATIONS):
            rows = np.flatnonzero(which == number)
            if name in _COLOURS and len(rows):
                at, amount = torch.from_numpy(rows).to(images.device), torch.from_numpy(way[rows])
                amount = amount.to(images.device, images.dtype)
                images[at] = _COLOURS[name](images[at], amount, magnitude / HIGHEST)
        rows = np.flatnonzero((which >= 1) & (which <= len(_WARPS)))
        if len(rows):  # all that move pixels, at once
            at = torch.from_numpy(rows).to(images.device)
            images[at] = warp(images[at], _maps(which[rows], way[rows] * magnitude / HIGHEST, images.shape))
    return images


def _maps(
    which: np.ndarray[tuple[int], np.dtype[np.int64]], strength: Float64[np.ndarray, "B"], shape: torch.Size
) -> Float64[np.ndarray, "B 2 3"]:
    """`strength` from -1 to 1; the most is a shear of 0.3, a move by 150/331 of the size, and 30 degrees."""
    maps = identity(len(which))
    still = np.zeros((len(which), 2))
    name = np.array(OPERATIONS)[which]
    turns = turned(30 * strength, scale=np.ones(len(which)), shift=still)
    maps[name == "turn"] = turns[name == "turn"]
    for operation, row, column, most in (
        ("shear_x", 0, 1, 0.3),
        ("shear_y", 1, 0, 0.3),
        ("move_x", 0, 2, 150 / 331 * shape[3]),
        ("move_y", 1, 2, 150 / 331 * shape[2]),
    ):
        maps[name == operation, row, column] = most * strength[name == operation]
    return maps
