"""Look at a trial through the weights of its best epoch: what its pictures are drawn from.

The draws have a seed of their own, so two trials that were judged on one split are seen by the same queries and samples.
Shapes: N items of a split, D embedding width, P pairs, S of them shown.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
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
    of_rows = (
        embeddings if items.ratings is None else embeddings[items.rows.cpu()]
    )  # of books: once for each who liked it
    sample = project(of_rows.numpy(), labels, seed=SEED)
    notes = [] if sample else ["the embeddings are one point, or too few: they have no projection"]
    visible = items.images.ndim == 4
    if not visible:
        notes.append(f"the items of {spec.data.name} are no images: pairs and neighbours cannot be shown")
    return Portrait(
        trial=spec.id,
        dataset=spec.data.name,
        split=split,
        epoch=int(trained.best["epoch"]),
        roc=_roc(similarity, same, threshold=threshold),
        pairs=_groups(items, Pairs(first, second, same), similarity, threshold=threshold) if visible else (),
        sample=sample,
        neighbours=_neighbours(items, embeddings, labels) if visible else None,
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
    """Same and different pairs, judged rightly and wrongly; shown are the first that were drawn, which are any."""
    accepted, groups = similarity.double() >= threshold, []
    for same in (True, False):
        for right in (True, False):
            of_kind = pairs.same == same
            members = (of_kind & (accepted == (same == right))).nonzero()[:, 0]
            shown = members[:PAIRS_SHOWN]
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
                )
            )
    return tuple(groups)


def _neighbours(items: SplitData, embeddings: Float[Tensor, "N D"], labels: Int[np.ndarray, "N"]) -> Neighbours | None:
    """None where no class has two items."""
    queries = torch.from_numpy(draw_queries(labels, most=QUERIES, seed=SEED))
    if len(queries) == 0:
        return None
    similarity, found = nearest(embeddings, queries, most=NEAREST)
    return Neighbours(
        queries=_images(items, queries),
        found=_images(items, found.flatten()).reshape(*found.shape, *items.images.shape[1:]),
        similarity=similarity.numpy(),
        right=labels[found.numpy()] == labels[queries.numpy()][:, None],
        num_items=len(labels) - 1,
        seed=SEED,
    )


def _images(items: SplitData, indices: Int[Tensor, "S"]) -> UInt8[np.ndarray, "S H W C"]:
    """As they were decoded, without normalisation."""
    rows = items.rows.cpu()[indices].to(items.images.device)
    return items.images[rows].cpu().numpy()
