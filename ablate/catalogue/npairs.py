"""N-pairs over a whole P x K batch: pytorch-metric-learning's loss takes one pair of each class and leaves the other images.

Each way to take the i-th image of every class as anchor and its j-th as positive is an N-pair problem of the paper (N = P).
This is their mean, so every image learns; for K = 2 it is the library's loss in both directions.
Shapes: B = P x K samples, D embedding width.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from pytorch_metric_learning.losses import NPairsLoss
from torch import Tensor
from torch.nn.functional import cross_entropy


class AllNPairsLoss(NPairsLoss):  # type: ignore[misc]
    """Softmax over an anchor's positive and the images in the same place of the other classes; similarities times `scale`."""

    def __init__(self, *, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def compute_loss(
        self, embeddings: Float[Tensor, "B D"], labels: Int[Tensor, "B"], *_: object
    ) -> dict[str, Any]:  # tuples that a sampler chose are refused by the study file
        classes = len(torch.unique(labels))
        per_class, left = divmod(len(labels), classes)
        assert left == 0, f"{len(labels)} images are no whole number of each of {classes} classes"
        if per_class == 1:
            return dict(self.zero_losses())
        similarity = self.scale * self.distance(embeddings)[:, labels.argsort(stable=True)][labels.argsort(stable=True)]
        # [anchor's class, anchor's place, candidate's class, candidate's place] -> one row of candidates for each problem
        logits = similarity.view(classes, per_class, classes, per_class).permute(1, 3, 0, 2)
        places = torch.arange(per_class, device=labels.device)
        logits = logits[places[:, None] != places].reshape(-1, classes)  # no image is its own positive
        target = torch.arange(classes, device=labels.device).repeat(per_class * (per_class - 1))
        losses = cross_entropy(logits, target, reduction="none")
        return {"loss": {"losses": losses.mean(), "indices": None, "reduction_type": "already_reduced"}}
