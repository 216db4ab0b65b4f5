"""Distance weighted sampling for any embedding width: pytorch-metric-learning's miner loses anchors where it is large.

That one subtracts the largest log weight of the whole batch before it exponentiates: from some 256 dimensions on, one near
negative makes 0 of all weights of other anchors, which then get no triplet (at 512 four of five). Only an anchor's own
weights are compared with each other, so here each anchor's largest is subtracted.
Shapes: B samples, D embedding width.
"""

from __future__ import annotations

import math

from jaxtyping import Float, Int
from pytorch_metric_learning.miners import DistanceWeightedMiner
from pytorch_metric_learning.utils.loss_and_miner_utils import get_random_triplet_indices
from torch import Tensor


class WideDistanceWeightedMiner(DistanceWeightedMiner):  # type: ignore[misc]
    """A negative of an anchor is drawn by the inverse density of its distance on the unit sphere (Wu et al. 2017)."""

    def mine(
        self,
        embeddings: Float[Tensor, "B D"],
        labels: Int[Tensor, "B"],
        ref_emb: Float[Tensor, "B D"],
        ref_labels: Int[Tensor, "B"],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Anchors, positives and negatives; without those anchors that have no negative nearer than `nonzero_loss_cutoff`."""
        width = embeddings.shape[1]
        distance = self.distance(embeddings, ref_emb).clamp(min=self.cutoff)
        log_weight = (2 - width) * distance.log() - (width - 3) / 2 * (1 - distance**2 / 4).log()
        counts = (labels[:, None] != ref_labels) & (distance < self.nonzero_loss_cutoff) & log_weight.isfinite()
        log_weight = log_weight.masked_fill(~counts, -math.inf)
        largest = log_weight.amax(dim=1, keepdim=True).nan_to_num(neginf=0.0)
        triplets: tuple[Tensor, Tensor, Tensor] = get_random_triplet_indices(
            labels, ref_labels=ref_labels, weights=(log_weight - largest).exp()
        )
        return triplets
