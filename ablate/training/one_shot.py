"""What embeddings are worth when something new is told by examples: triplet order, episodes, Omniglot's official runs.

Shapes: N images of a split, D embedding width, R runs, W ways of a run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ablate.catalogue.datasets.omniglot_runs import NUM_RUNS, WAYS
from ablate.metrics.one_shot import Episodes, one_shot_accuracy, sample_episodes
from ablate.metrics.triplets import Triplets, sample_triplets, triplet_accuracy
from ablate.training.data import SplitData, TrialData
from ablate.training.official_runs import open_official_runs
from ablate.training.spec import DataSpec
from ablate.training.streams import Stream, generator

NUM_TRIPLETS = 20_000
"""An accuracy of 0.99 then has a standard error of 0.07 points."""
NUM_QUERIES = 20_000
"""In as many episodes as that takes, 1,000 of 20 ways: an accuracy of 0.95 then has a standard error of 0.15 points."""

Embed = Callable[[SplitData], Tensor]
"""A split -> its embeddings [N, D]."""


def order_metrics(embeddings: Float[Tensor, "N D"], split: SplitData, seed: int) -> dict[str, float]:
    """triplet_accuracy over the same triplets in every epoch of every trial."""
    return {"triplet_accuracy": triplet_accuracy(embeddings, _triplets(split, seed))}


def episode_metrics(
    embeddings: Float[Tensor, "N D"], split: SplitData, episodes: tuple[int, int] | None, seed: int
) -> dict[str, float]:
    """one_shot_accuracy over the same episodes of (ways, shots) in every epoch of every trial; nothing without them."""
    return (
        {}
        if episodes is None
        else {"one_shot_accuracy": one_shot_accuracy(embeddings, _episodes(split, *episodes, seed))}
    )


def official_metrics(data: TrialData, spec: DataSpec, embed: Embed) -> dict[str, float]:
    """official_accuracy, `test/` of it, over the 400 trials of the official runs; nothing where there are none."""
    runs = open_official_runs(spec)
    if runs is None:
        return {}
    support, query = runs.parts["support"], runs.parts["query"]
    num_support = len(support.labels)
    images = torch.from_numpy(np.concatenate([support.images, query.images])).to(data.train.images.device)
    labels = torch.from_numpy(np.concatenate([support.labels, query.labels])).to(data.device)
    rows = torch.arange(len(images), device=images.device)
    runs_and_ways = rows[:num_support].view(NUM_RUNS, WAYS).to(data.device)
    episodes = Episodes(runs_and_ways[..., None], runs_and_ways + num_support)
    return {"official_accuracy": one_shot_accuracy(embed(SplitData(images, rows, labels)), episodes)}


@lru_cache(maxsize=2)  # val and test, as the pairs in `evaluate`
def _triplets(split: SplitData, seed: int) -> Triplets:
    return sample_triplets(split.labels, num_triplets=NUM_TRIPLETS, seed=_seed(seed, Stream.TRIPLETS))


@lru_cache(maxsize=2)
def _episodes(split: SplitData, ways: int, shots: int, seed: int) -> Episodes:
    num_episodes = math.ceil(NUM_QUERIES / ways)
    episode_seed = _seed(seed, Stream.EPISODES)
    return sample_episodes(split.labels, ways=ways, shots=shots, num_episodes=num_episodes, seed=episode_seed)


def _seed(seed: int, stream: Stream) -> int:
    return int(generator(seed, stream).integers(2**31))
