"""Evaluation: embed a split and say how good the embeddings are by cosine similarity, in the metrics of its protocol.

Shapes: N images of a split, D embedding width, P pairs.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from ablate.catalogue.metrics import PROTOCOLS, RETRIEVAL
from ablate.metrics.ranking import leave_one_out_metrics
from ablate.metrics.reader_pairs import sample_reader_pairs
from ablate.metrics.retrieval import retrieval_metrics
from ablate.metrics.verification import Pairs, best_threshold, sample_pairs, verification_metrics
from ablate.training.data import SplitData, TrialData
from ablate.training.failures import Diverged
from ablate.training.network import SiameseNetwork
from ablate.training.official_pairs import fold_metrics, on_device
from ablate.training.one_shot import episode_metrics, official_metrics, order_metrics
from ablate.training.spec import DataSpec
from ablate.training.streams import Stream, generator
from ablate.training.workers import ALONE, Workers

CHUNK = 512
"""Views of images embedded at once: enough to fill a device, few enough for its memory."""
NUM_PAIRS = 10_000
"""Half of them of one class: a true-positive rate at 0.1 % false ones then rests on 5 pairs; an accuracy moves by 0.5 %."""


@torch.inference_mode()
def embed(network: SiameseNetwork, data: TrialData, split: SplitData, workers: Workers = ALONE) -> Float[Tensor, "N D"]:
    """Embeddings of a whole split, of length 1 also where the network trains without: it is in evaluation mode.

    D is the network's `width`. Each of `workers` embeds its share, and gets those of all.
    """
    network.eval()
    device, count = data.device, len(split.labels)
    chunks = torch.split(torch.arange(count, device=device)[workers.share(count)], CHUNK // network.num_views)
    none = torch.empty(0, network.width, device=device)  # a share may be empty
    own = torch.cat([none, *(network(data.batch(split, indices)) for indices in chunks if len(indices))])
    return workers.gather_split(own, count)


def evaluate(
    network: SiameseNetwork,
    data: TrialData,
    split: SplitData,
    *,
    protocol: str,
    seed: int,
    threshold: float | None = None,
    workers: Workers = ALONE,
) -> dict[str, float]:
    """The protocol's metrics without a prefix, and `threshold`, the similarity from which a pair is called the same.

    Raises Diverged where the embeddings are not finite.
    `threshold` is given for the test split: it was chosen on validation. Without one it is chosen on these very pairs.
    """
    embeddings = embed(network, data, split.judged(), workers)
    if not embeddings.isfinite().all():
        raise Diverged("the embeddings are no longer finite; a smaller learning rate may help")
    metrics = retrieval_metrics(embeddings, split.labels) if RETRIEVAL[0] in PROTOCOLS[protocol] else {}
    if split.ratings is not None:
        metrics = leave_one_out_metrics(embeddings, split.ratings)
    else:
        metrics |= order_metrics(embeddings, split, seed) | episode_metrics(embeddings, split, data.episodes, seed)
    pairs = pairs_of(split, seed)
    similarity = (embeddings[pairs.first] * embeddings[pairs.second]).sum(dim=1)
    if threshold is None:
        threshold = best_threshold(similarity, pairs.same)
    metrics |= verification_metrics(similarity, pairs.same, threshold=threshold)
    return metrics | {"threshold": threshold} | fold_metrics(similarity, split.pairs)


def read_test(
    network: SiameseNetwork, data: TrialData, spec: DataSpec, *, threshold: float, workers: Workers = ALONE
) -> dict[str, float]:
    """The test split's metrics in `test/...` names; `threshold` was chosen on validation."""
    metrics = evaluate(
        network, data, data.test, protocol=spec.protocol, seed=spec.test_seed, threshold=threshold, workers=workers
    )
    metrics |= official_metrics(data, spec, lambda split: embed(network, data, split, workers))
    return {f"test/{name}": value for name, value in metrics.items()}


@lru_cache(maxsize=2)  # val and test: the same pairs judge every epoch of every trial, and drawing them takes 3 ms
def pairs_of(split: SplitData, seed: int) -> Pairs:
    """The pairs that judge a split."""
    if split.pairs is not None:
        return on_device(split.pairs, split.labels.device)
    drawn_by = int(generator(seed, Stream.PAIRS).integers(2**31))
    if split.ratings is not None:
        return sample_reader_pairs(split.ratings, num_pairs=NUM_PAIRS, seed=drawn_by)
    return sample_pairs(split.labels, num_pairs=NUM_PAIRS, seed=drawn_by)
