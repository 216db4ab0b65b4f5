"""Warps: every image of a batch through an affine map of its own, between pixels by bilinear weights; edges repeat.

Maps are [B, 2, 3], numpy's, in pixels from the image's centre: from a place (x to the right, y down, 1) in the result to the
place in the image that is seen there. Shapes: B images of a batch, C channels, H height, W width.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn.functional import grid_sample


def warp(images: Float[Tensor, "B C H W"], maps: Float64[np.ndarray, "B 2 3"]) -> Float[Tensor, "B C H W"]:
    """The images through `maps`, in channels_last order."""
    height, width = images.shape[2:]
    rows, columns = np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    axes = []
    for (of_x, of_y, constant), size in zip(maps.transpose(1, 2, 0), (width, height), strict=True):  # x, then y
        across, down = np.outer(of_x, columns), np.outer(of_y, rows) + constant[:, None]
        one, other = (torch.from_numpy(part * 2 / size).to(images.device, images.dtype) for part in (across, down))
        axes.append(other[:, :, None] + one[:, None, :])  # from -1 to 1, as grid_sample counts
    # channel by channel: sampling in channels_last order takes more than twice as long
    grid = torch.stack(axes, dim=3)
    seen = grid_sample(images.contiguous(), grid, mode="bilinear", padding_mode="border", align_corners=False)
    return seen.contiguous(memory_format=torch.channels_last)


def identity(batch: int) -> Float64[np.ndarray, "B 2 3"]:
    """Maps that change nothing."""
    return np.broadcast_to(np.eye(2, 3), (batch, 2, 3)).copy()


def turned(
    degrees: Float64[np.ndarray, "B"], *, scale: Float64[np.ndarray, "B"], shift: Float64[np.ndarray, "B 2"]
) -> Float64[np.ndarray, "B 2 3"]:
    """Maps that turn the picture clockwise, make it `scale` times as large and move it by `shift` pixels (x, y)."""
    cos, sin = np.cos(np.radians(degrees)) / scale, np.sin(np.radians(degrees)) / scale
    back = np.stack([np.stack([cos, sin], axis=1), np.stack([-sin, cos], axis=1)], axis=1)
    return np.concatenate([back, -back @ shift[:, :, None]], axis=2)
