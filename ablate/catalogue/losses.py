"""Losses: what a batch of embeddings is asked to become. One entry each; the work is pytorch-metric-learning's.

Embeddings are L2-normalised: distances lie in [0, 2], similarities in [-1, 1]; with `normalize: false` they are not, and a
cosine similarity becomes a dot product. A loss sees the B embeddings of a P x K batch, their labels, and the tuples that the
sampler chose (all of them for `random`); no valid tuple gives loss 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablate.catalogue.registry import Registry

if TYPE_CHECKING:
    from torch import nn

LOSSES: Registry[nn.Module] = Registry("loss", "ablate.catalogue.losses")


@LOSSES.register(
    "contrastive",
    space={"margin": {"uniform": [0.2, 2.0]}},
    bounds={"margin": (0.0, 2.0)},
    source="Hadsell et al. 2006, eq. 4; here with plain, not squared, distances",
)
def contrastive(*, margin: float = 1.0) -> nn.Module:
    """Positives at distance 0, negatives beyond `margin` (0 to 2)."""
    from pytorch_metric_learning.losses import ContrastiveLoss

    return ContrastiveLoss(pos_margin=0.0, neg_margin=margin)


@LOSSES.register(
    "triplet",
    space={"margin": {"uniform": [0.05, 1.0]}},
    bounds={"margin": (0.0, 2.0)},
    source="Schroff et al. 2015 (arXiv:1503.03832); here with plain, not squared, distances",
)
def triplet(*, margin: float = 0.2) -> nn.Module:
    """An anchor is nearer to its positive than to a negative by `margin` (0 to 2)."""
    from pytorch_metric_learning.losses import TripletMarginLoss

    return TripletMarginLoss(margin=margin)


@LOSSES.register(
    "cosine_embedding",
    space={"margin": {"uniform": [-0.5, 0.5]}},
    bounds={"margin": (-1.0, 1.0)},
    source="torch.nn.CosineEmbeddingLoss, averaged over the pairs that are not yet satisfied",
)
def cosine_embedding(*, margin: float = 0.0) -> nn.Module:
    """Positives at cosine similarity 1, negatives below `margin` (-1 to 1)."""
    from pytorch_metric_learning.distances import CosineSimilarity
    from pytorch_metric_learning.losses import ContrastiveLoss

    return ContrastiveLoss(pos_margin=1.0, neg_margin=margin, distance=CosineSimilarity())


@LOSSES.register(
    "info_nce",
    space={"temperature": {"log_uniform": [0.02, 0.5]}},
    bounds={"temperature": (1e-4, 100.0)},
    source="van den Oord et al. 2018 (arXiv:1807.03748); as NT-Xent, Chen et al. 2020 (arXiv:2002.05709)",
)
def info_nce(*, temperature: float = 0.07) -> nn.Module:  # 0.07: MoCo's temperature
    """Softmax over one positive against the anchor's negatives, similarities divided by `temperature` (above 0)."""
    from ablate.catalogue.ntxent import LinearNTXentLoss

    return LinearNTXentLoss(temperature=temperature)


@LOSSES.register(
    "circle",
    space={"m": {"uniform": [0.1, 0.5]}, "gamma": {"log_uniform": [16.0, 256.0]}},
    bounds={"m": (0.0, 1.0), "gamma": (1e-3, 1e4)},
    source="Sun et al. 2020 (arXiv:2002.10857)",
)
def circle(*, m: float = 0.4, gamma: float = 80.0) -> nn.Module:  # 0.4 and 80: the paper's, for retrieval
    """Pairs weighted by how far they are from their optimum; relaxation `m` (0 to 1), scale `gamma` (above 0)."""
    from pytorch_metric_learning.losses import CircleLoss

    return CircleLoss(m=m, gamma=gamma)
