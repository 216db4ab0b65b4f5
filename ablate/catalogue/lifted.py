"""Lifted structure in linear time: pytorch-metric-learning's loss, but each anchor's negatives are summed once.

The same numbers (tests/catalogue/test_lifted.py): the library makes a table of every positive pair with every negative pair
of the batch, 896 x 15,360 for 16 classes x 8 images.
Shapes: P positive pairs, N negative pairs.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from pytorch_metric_learning.losses import LiftedStructureLoss
from torch import Tensor

from ablate.catalogue.grouped import logsumexp_by


class LinearLiftedStructureLoss(LiftedStructureLoss):  # type: ignore[misc]
    """`(log(sum_n exp(m - d_an) + sum_n exp(m - d_pn)) + d_ap)_+ ^ 2 / 2`, averaged over positive pairs that are not 0."""

    def _compute_loss(
        self,
        pos_pairs: Float[Tensor, "P"],
        neg_pairs: Float[Tensor, "N"],
        indices_tuple: tuple[Int[Tensor, "P"], Int[Tensor, "P"], Int[Tensor, "N"], Int[Tensor, "N"]],
    ) -> dict[str, Any]:
        anchor, positive, anchor_of_negative, _ = indices_tuple
        if len(anchor) == 0 or len(anchor_of_negative) == 0:
            return dict(self.zero_losses())
        num_anchors = int(torch.stack([anchor.max(), positive.max(), anchor_of_negative.max()]).max()) + 1
        near = logsumexp_by(self.distance.margin(self.neg_margin, neg_pairs), anchor_of_negative, num_anchors)
        has_negatives = torch.zeros(num_anchors, dtype=torch.bool, device=anchor.device)
        has_negatives[anchor_of_negative] = True
        both = torch.logaddexp(near[anchor], near[positive])
        both = torch.where(
            has_negatives[anchor] | has_negatives[positive], both, 0.0
        )  # the library's, where neither has
        losses = torch.relu(both + self.distance.margin(pos_pairs, self.pos_margin)) ** 2 / 2  # each pair comes twice
        return {"loss": {"losses": losses, "indices": (anchor, positive), "reduction_type": "pos_pair"}}
