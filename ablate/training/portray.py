"""Look at a trial through the weights of its best epoch: what its pictures are drawn from.

The draws have a seed of their own, so two trials that were judged on one split are seen by the same queries and samples.
Shapes: N items of a split, D embedding width, P pairs, S of them shown.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from ablate.metrics.verification import Pairs, roc_curve, verification_metrics
from ablate.training.data import SplitData, load_data
from ablate.training.evaluate import embed, pairs_of
from ablate.training.fresh import fresh_start
from ablate.training.neighbours import draw_queries, nearest
from ablate.training.portrait import Neighbours, PairGroup, Portrait, Roc
from ablate.training.projections import project
from ablate.training.spec import TrialSpec
from ablate.training.trained import trained_network

SEED = 0
"""Draws queries and samples."""
PAIRS_SHOWN = 8
"""Of each of the four groups."""
QUERIES = 8
NEAREST = 10


def portray(spec: TrialSpec, split: str = "val") -> Portrait:
    """What the trial's best weights make of `split`, val or test.

    Raises StoreError where it has no checkpoint, DataError where the data are missing.
    """
    device = fresh_start(seed=spec.seed, cpus=spec.cpus, gpus=spec.gpus if torch.cuda.is_available() else 0.0)
    data = load_data(spec.data, device)
    trained = trained_network(spec, data)
    items = {"val": data.val, "test": data.test}[split]
    embeddings, labels = embed(trained.network, data, items.judged()).cpu(), items.labels.cpu().numpy()
    pairs = pairs_of(items, {"val": spec.data.seed, "test": spec.data.test_seed}[split])
    first, second, same = pairs.first.cpu(), pairs.second.cpu(), pairs.same.cpu()
    similarity = (embeddings[first] * embeddings[second]).sum(dim=1)
    threshold = trained.best["val/threshold"]
    # a book once for each who liked it
    of_rows = embeddings if items.ratings is None else embeddings[items.rows.cpu()]
    sample = project(of_rows.numpy(), labels, seed=SEED)
    notes = [] if sample else ["the embeddings are one point, or too few: they have no projection"]
    if sample and items.names and items.ratings is None:
        sample = replace(sample, names=items.names)
    return Portrait(
        trial=spec.id,
        dataset=spec.data.name,
        split=split,
        epoch=int(trained.best["epoch"]),
        roc=_roc(similarity, same, threshold=threshold),
        pairs=_groups(items, Pairs(first, second, same), similarity, threshold=threshold),
        sample=sample,
        neighbours=_neighbours(items, embeddings),
        notes=tuple(notes),
    )


def _roc(similarity: Float[Tensor, "P"], same: Tensor, *, threshold: float) -> Roc:
    curve = roc_curve(similarity, same)
    accepted = similarity.double() >= threshold
    there = float(accepted[~same].double().mean()), float(accepted[same].double().mean())
    return Roc(
        thresholds=curve.threshold.numpy(),
        fpr=curve.fpr.numpy(),
        tpr=curve.tpr.numpy(),
        auc=verification_metrics(similarity, same, threshold=threshold)["auc"],
        threshold=threshold,
        at_threshold=there,
        num_pairs=len(same),
    )


def _groups(
    items: SplitData, pairs: Pairs, similarity: Float[Tensor, "P"], *, threshold: float
) -> tuple[PairGroup, ...]:
    """Same and different pairs, judged rightly and wrongly; shown are the first that were drawn, which are any.

    Where there are few of a kind, the same pair is drawn several times: it is shown once.
    """
    accepted, groups = similarity.double() >= threshold, []
    for same in (True, False):
        for right in (True, False):
            of_kind = pairs.same == same
            members = (of_kind & (accepted == (same == right))).nonzero()[:, 0]
            ends = zip(pairs.first[members].tolist(), pairs.second[members].tolist(), strict=True)
            once = {frozenset(pair): place for place, pair in reversed(list(enumerate(ends)))}
            shown = members[sorted(once.values())[:PAIRS_SHOWN]]
            shown = shown[similarity[shown].argsort()]
            groups.append(
                PairGroup(
                    same=same,
                    right=right,
                    count=len(members),
                    total=int(of_kind.sum()),
                    similarity=similarity[shown].numpy(),
                    first=_images(items, pairs.first[shown]),
                    second=_images(items, pairs.second[shown]),
                    first_names=_names(items, pairs.first[shown]),
                    second_names=_names(items, pairs.second[shown]),
                )
            )
    return tuple(groups)


def _neighbours(items: SplitData, embeddings: Float[Tensor, "N D"]) -> Neighbours | None:
    """None where no class has two items. Of books, those that somebody of the split liked find others among all books."""
    labels, ratings = items.labels.cpu().numpy(), items.ratings
    queries = torch.from_numpy(draw_queries(labels, most=QUERIES, seed=SEED))
    if len(queries) == 0:
        return None
    if ratings is not None:
        queries = torch.from_numpy(np.unique(items.rows.cpu()[queries].numpy()))
    similarity, found = nearest(embeddings, queries, most=NEAREST)
    images = _images(items, found.flatten())
    return Neighbours(
        queries=_images(items, queries),
        found=None if images is None else images.reshape(*found.shape, *images.shape[1:]),
        query_names=_names(items, queries),
        found_names=tuple(_names(items, each) for each in found),
        similarity=similarity.numpy(),
        right=np.stack([_alike(items, query, each) for query, each in zip(queries, found, strict=True)]),
        num_items=len(embeddings) - 1,
        seed=SEED,
    )


def _alike(items: SplitData, query: Int[Tensor, ""], found: Int[Tensor, "K"]) -> Bool[np.ndarray, "K"]:
    """Which of `found` are of the query's class; of books, which a reader liked who liked the query."""
    labels, rows = items.labels.cpu(), items.rows.cpu()
    if items.ratings is None:
        return (labels[found] == labels[query]).numpy()
    fans = labels[rows == query]
    return torch.isin(found, rows[torch.isin(labels, fans)]).numpy()


def _images(items: SplitData, indices: Int[Tensor, "S"]) -> UInt8[np.ndarray, "S H W C"] | None:
    """As they were decoded, without normalisation; None of books."""
    if items.ratings is not None:
        return None
    rows = items.rows.cpu()[indices].to(items.images.device)
    return items.images[rows].cpu().numpy()


def _names(items: SplitData, indices: Int[Tensor, "S"]) -> tuple[str, ...]:
    """What people call the classes of images; of books, their titles."""
    what, numbers = ("class", items.labels.cpu()[indices]) if items.ratings is None else ("book", indices)
    known = items.names or {}
    return tuple(known.get(number, f"{what} {number}") for number in numbers.tolist())
