"""Losses: what a batch of embeddings is asked to become. One entry each; the work is pytorch-metric-learning's.

Embeddings are L2-normalised: distances lie in [0, 2], similarities in [-1, 1]; with `normalize: false` they are not, and a
cosine similarity becomes a dot product. A loss sees the B embeddings of a P x K batch, their labels, and the tuples that the
sampler chose (all of them for `random`); no valid tuple gives loss 0.

A loss with weights of its own takes Sizes as its first argument and has a parameter `lr`, at which these weights learn
(`training/build.py` reads it): the optimizer's rate, made for a whole network, moves proxies far too slowly.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from ablate.catalogue.registry import Registry

if TYPE_CHECKING:
    from torch import nn

LOSSES: Registry[nn.Module] = Registry("loss", "ablate.catalogue.losses")


class Sizes(NamedTuple):
    """What a loss with weights of its own is built for."""

    num_classes: int
    """Classes of the training split; its labels are 0 to num_classes - 1."""
    embedding_dim: int


_PROXIES = "compares embeddings with class weights that it learns, not with each other"

HAS_WEIGHTS = frozenset({"margin", "proxy_anchor", "arcface", "normalized_softmax", "soft_triple"})
"""Losses with weights of their own: they take Sizes, and `lr`."""

NEEDS_LENGTH_1 = frozenset({"arcface"})
"""Losses that read an angle from a dot product."""

CHOOSES_ITSELF = {
    **dict.fromkeys(("proxy_anchor", "arcface", "normalized_softmax", "soft_triple"), _PROXIES),
    "n_pairs": "makes its tuples of the whole batch",
}
"""Losses that learn from all of a batch, with the reason: pairs and triplets that a sampler picks mean nothing to them."""

# 0.01: of the proxies in Kim et al. 2020 (section 4.2) and of the centres in Qian et al. 2019 (their code), both with Adam
_PROXY_LR = {"lr": {"log_uniform": [1.0e-3, 1.0e-1]}}
_BOUNDS_LR = {"lr": (1e-12, 100.0)}


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


@LOSSES.register(
    "multi_similarity",
    space={
        "alpha": {"log_uniform": [1.0, 16.0]},
        "beta": {"log_uniform": [16.0, 80.0]},
        "base": {"uniform": [0.2, 0.9]},
    },
    bounds={"alpha": (1e-3, 1e4), "beta": (1e-3, 1e4), "base": (-1.0, 1.0)},
    source="Wang et al. 2019 (arXiv:1904.06627), section 4",
)
def multi_similarity(*, alpha: float = 2.0, beta: float = 50.0, base: float = 0.5) -> nn.Module:  # their code's
    """Soft maxima of an anchor's positives below and negatives above similarity `base`, sharpened by `alpha` and `beta`."""
    from pytorch_metric_learning.losses import MultiSimilarityLoss

    return MultiSimilarityLoss(alpha=alpha, beta=beta, base=base)


@LOSSES.register(
    "margin",
    space={"margin": {"uniform": [0.05, 0.5]}, "beta": {"uniform": [0.6, 1.3]}, "lr": {"log_uniform": [1e-4, 1e-1]}},
    bounds={"margin": (0.0, 2.0), "beta": (0.0, 2.0), **_BOUNDS_LR},
    source="Wu et al. 2017 (arXiv:1706.07567), section 4, with a learned boundary for each class",
)
def margin(sizes: Sizes, *, margin: float = 0.2, beta: float = 1.2, lr: float = 5e-4) -> nn.Module:
    """Positives nearer than a boundary by `margin`, negatives farther; each class learns its own, from `beta`, at rate `lr`."""
    from pytorch_metric_learning.losses import MarginLoss

    return MarginLoss(margin=margin, beta=beta, learn_beta=True, num_classes=sizes.num_classes)


@LOSSES.register(
    "supcon",
    space={"temperature": {"log_uniform": [0.02, 0.5]}},
    bounds={"temperature": (1e-4, 100.0)},
    source="Khosla et al. 2020 (arXiv:2004.11362), eq. 2",
)
def supcon(*, temperature: float = 0.1) -> nn.Module:  # 0.1: the paper's
    """Softmax over all others of the batch, its logarithm averaged over the anchor's positives; divided by `temperature`."""
    from pytorch_metric_learning.losses import SupConLoss

    return SupConLoss(temperature=temperature)


@LOSSES.register(
    "lifted_structure",
    space={"margin": {"uniform": [0.2, 1.5]}},
    bounds={"margin": (0.0, 2.0)},
    source="Song et al. 2016 (arXiv:1511.06452), eq. 4",
)
def lifted_structure(*, margin: float = 1.0) -> nn.Module:
    """Every positive pair against all negatives of both its ends, which are to be `margin` (0 to 2) away."""
    from ablate.catalogue.lifted import LinearLiftedStructureLoss

    return LinearLiftedStructureLoss(neg_margin=margin)


@LOSSES.register(
    "n_pairs",
    space={"scale": {"log_uniform": [4.0, 64.0]}},
    bounds={"scale": (1e-3, 1e4)},
    source="Sohn 2016 (NIPS), section 3.2, over every way to take a pair of each class from the batch",
)
def n_pairs(*, scale: float = 16.0) -> nn.Module:  # the paper's is 1, of embeddings of any length (`normalize: false`)
    """Softmax over one positive against one image of each other class, similarities multiplied by `scale`."""
    from ablate.catalogue.npairs import AllNPairsLoss

    return AllNPairsLoss(scale=scale)


@LOSSES.register(
    "proxy_anchor",
    space={"margin": {"uniform": [0.0, 0.4]}, "alpha": {"log_uniform": [8.0, 64.0]}, **_PROXY_LR},
    bounds={"margin": (0.0, 1.0), "alpha": (1e-3, 1e4), **_BOUNDS_LR},
    source="Kim et al. 2020 (arXiv:2003.13911), eq. 4",
)
def proxy_anchor(sizes: Sizes, *, margin: float = 0.1, alpha: float = 32.0, lr: float = 0.01) -> nn.Module:
    """Each class's proxy against the whole batch, by `margin`, scale `alpha`; proxies learn at rate `lr`."""
    from pytorch_metric_learning.losses import ProxyAnchorLoss

    return ProxyAnchorLoss(*sizes, margin=margin, alpha=alpha)


@LOSSES.register(
    "arcface",
    space={"margin": {"uniform": [0.1, 0.5]}, "scale": {"log_uniform": [8.0, 64.0]}, **_PROXY_LR},
    bounds={"margin": (0.0, 1.5), "scale": (1e-3, 1e4), **_BOUNDS_LR},
    source="Deng et al. 2019 (arXiv:1801.07698), eq. 3",
)
def arcface(sizes: Sizes, *, margin: float = 0.5, scale: float = 64.0, lr: float = 0.01) -> nn.Module:  # the paper's
    """Classification by cosines times `scale`; the true class's angle counts `margin` radians more; classes learn at `lr`."""
    from pytorch_metric_learning.losses import ArcFaceLoss

    return ArcFaceLoss(*sizes, margin=math.degrees(margin), scale=scale)


@LOSSES.register(
    "normalized_softmax",
    space={"temperature": {"log_uniform": [0.02, 0.5]}, **_PROXY_LR},
    bounds={"temperature": (1e-4, 100.0), **_BOUNDS_LR},
    source="Zhai & Wu 2019 (arXiv:1811.12649), section 3",
)
def normalized_softmax(sizes: Sizes, *, temperature: float = 0.05, lr: float = 0.01) -> nn.Module:  # 0.05: the paper's
    """Classification by cosines divided by `temperature` (above 0); the weights of the classes learn at rate `lr`."""
    from pytorch_metric_learning.losses import NormalizedSoftmaxLoss

    return NormalizedSoftmaxLoss(*sizes, temperature=temperature)


@LOSSES.register(
    "soft_triple",
    space={"scale": {"log_uniform": [8.0, 64.0]}, "margin": {"uniform": [0.0, 0.2]}, **_PROXY_LR},
    bounds={"centers": (1, 100), "scale": (1e-3, 1e4), "gamma": (1e-3, 1e3), "margin": (0.0, 1.0), **_BOUNDS_LR},
    source="Qian et al. 2019 (arXiv:1909.05235), section 3, without the regulariser that merges centres",
)
def soft_triple(
    sizes: Sizes, *, centers: int = 10, scale: float = 20.0, gamma: float = 0.1, margin: float = 0.01, lr: float = 0.01
) -> nn.Module:  # all of them the paper's
    """Classification by the nearest of `centers` of each class, softened by `gamma`, by `margin`; they learn at rate `lr`."""
    from pytorch_metric_learning.losses import SoftTripleLoss

    return SoftTripleLoss(*sizes, centers_per_class=centers, la=scale, gamma=gamma, margin=margin)
