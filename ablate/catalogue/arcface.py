"""ArcFace whose gradient stays finite where an embedding meets its class: there the library's arc cosine has none."""

from __future__ import annotations

import math

import torch
from pytorch_metric_learning.losses import ArcFaceLoss
from torch import Tensor

_LARGEST = 1 - 1e-6  # an angle of 0.08 degrees; in 32 bits 1 - 1e-8 is 1


class StableArcFaceLoss(ArcFaceLoss):  # type: ignore[misc]
    """The library's loss, with a margin in radians."""

    def __init__(self, num_classes: int, embedding_dim: int, *, margin: float, scale: float) -> None:
        super().__init__(num_classes, embedding_dim, margin=math.degrees(margin), scale=scale)

    def get_angles(self, cosine_of_target_classes: Tensor) -> Tensor:
        """In radians; never quite 0 or pi."""
        return torch.acos(cosine_of_target_classes.clamp(-_LARGEST, _LARGEST))
