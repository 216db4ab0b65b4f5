"""Samplers: which pairs and triplets of a P x K batch a loss learns from (miners, in pytorch-metric-learning's words).

A builder returns the miner that picks them, or None for `random`, where every pair and triplet of the batch counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablate.catalogue.registry import Registry

if TYPE_CHECKING:
    from torch import nn

SAMPLERS: Registry[nn.Module | None] = Registry("sampler", "ablate.catalogue.samplers")

NEEDS_LENGTH_1 = frozenset({"distance_weighted"})
"""Samplers whose weights are derived for points on the unit sphere: elsewhere they find nothing."""


@SAMPLERS.register("random", source="uniform: all tuples of a batch of random classes and images")
def random() -> None:
    """All pairs and triplets of a random batch: uniform sampling, without its variance."""
    return


@SAMPLERS.register("hard", source="Hermans et al. 2017 (arXiv:1703.07737), batch hard")
def hard() -> nn.Module:
    """For each anchor its farthest positive and its nearest negative."""
    from pytorch_metric_learning.miners import BatchHardMiner

    return BatchHardMiner()


@SAMPLERS.register(
    "semi_hard",
    space={"margin": {"uniform": [0.05, 0.5]}},
    bounds={"margin": (0.0, 2.0)},
    source="Schroff et al. 2015 (arXiv:1503.03832), section 3.2",
)
def semi_hard(*, margin: float = 0.2) -> nn.Module:
    """Negatives farther than the positive, but by less than `margin` (0 to 2)."""
    from pytorch_metric_learning.miners import TripletMarginMiner

    return TripletMarginMiner(margin=margin, type_of_triplets="semihard")


@SAMPLERS.register(
    "distance_weighted",
    space={"cutoff": {"uniform": [0.3, 0.7]}},
    bounds={"cutoff": (1e-3, 2.0), "nonzero_loss_cutoff": (1e-3, 2.0)},
    source="Wu et al. 2017 (arXiv:1706.07567), section 3",
)
def distance_weighted(*, cutoff: float = 0.5, nonzero_loss_cutoff: float = 1.4) -> nn.Module:
    """Negatives uniform in distance, none counted nearer than `cutoff` or farther than `nonzero_loss_cutoff`."""
    from ablate.catalogue.distance_weighted import WideDistanceWeightedMiner

    return WideDistanceWeightedMiner(cutoff=cutoff, nonzero_loss_cutoff=nonzero_loss_cutoff)


@SAMPLERS.register(
    "multi_similarity",
    space={"epsilon": {"uniform": [0.0, 0.3]}},
    bounds={"epsilon": (-2.0, 2.0)},
    source="Wang et al. 2019 (arXiv:1904.06627), section 4: pair mining",
)
def multi_similarity(*, epsilon: float = 0.1) -> nn.Module:  # 0.1: the paper's
    """Negatives more similar than the least similar positive, positives less than the nearest negative, within `epsilon`."""
    from pytorch_metric_learning.miners import MultiSimilarityMiner

    return MultiSimilarityMiner(epsilon=epsilon)


@SAMPLERS.register("easy_positive", source="Xuan et al. 2020 (arXiv:1904.04370), section 3: EPSHN, EPHN")
def easy_positive(*, semi_hard: bool = True) -> nn.Module:
    """For each anchor its nearest positive and the nearest negative, of those beyond the positive where `semi_hard`."""
    from pytorch_metric_learning.miners import BatchEasyHardMiner

    return BatchEasyHardMiner(pos_strategy="easy", neg_strategy="semihard" if semi_hard else "hard")
