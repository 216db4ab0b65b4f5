"""Resizing while decoding: what every data set with images does the same way.

Shapes: N images, H height, W width, C channels (1 or 3), S the size asked for.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image


def resize(image: Image.Image, size: int) -> npt.NDArray[np.uint8]:
    """[S, S, C] of one picture in mode L or RGB; of one that is not square, the middle of its longer side."""
    side = min(image.size)
    if image.size != (side, side):
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    if side != size:
        # Pillow widens the bilinear kernel with the factor, so strokes thinner than a pixel fade instead of breaking
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.uint8).reshape(size, size, -1)


def resize_all(images: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """[N, S, S, 1] of grey pictures [N, H, W]."""
    if images.shape[1:] == (size, size):
        return images[..., None]
    return np.stack([resize(Image.fromarray(image), size) for image in images])
