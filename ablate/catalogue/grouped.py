"""Sums over the members of groups: each anchor's negatives are summed once, not anew for each of its positives.

Shapes: N values, G groups.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def logsumexp_by(values: Float[Tensor, "N"], group: Int[Tensor, "N"], num_groups: int) -> Float[Tensor, "G"]:
    """log(sum(exp(values))) within each group; a group without values gets a number so low that softplus makes it 0."""
    lowest = torch.finfo(values.dtype).min / 2  # -inf would make the gradient NaN
    largest = torch.full((num_groups,), lowest, dtype=values.dtype, device=values.device)
    largest = largest.scatter_reduce(0, group, values.detach(), "amax")
    total = torch.zeros_like(largest).index_add(0, group, (values - largest[group]).exp())
    empty = total == 0
    return torch.where(empty, lowest, torch.where(empty, 1.0, total).log() + largest)
