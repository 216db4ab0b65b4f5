"""Warps: every image of a batch through an affine map of its own, between pixels by bilinear weights; edges repeat.

Maps are [B, 2, 3], numpy's, in pixels from the image's centre: from a place (x to the right, y down, 1) in the result to the
place in the image that is seen there. Shapes: B images of a batch, C channels, H height, W width.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample


def warp(images: Float[Tensor, "B C H W"], maps: Float64[np.ndarray, "B 2 3"]) -> Float[Tensor, "B C H W"]:
    """The images through `maps`, in channels_last order."""
    height, width = images.shape[2:]
    size = np.array([width, height]) / 2
    in_halves = np.concatenate([maps[:, :, :2] * size, maps[:, :, 2:]], axis=2) / size[:, None]  # as affine_grid counts
    theta = torch.from_numpy(in_halves).to(images.device, images.dtype)
    grid = affine_grid(theta, list(images.shape), align_corners=False)
    seen = grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
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
