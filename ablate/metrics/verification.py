"""Verification: are two items of the same class? Accuracy at a threshold, and the ROC curve over all thresholds.

Source: the protocol of Labeled Faces in the Wild (Huang et al. 2007, UMass 07-49); ROC as in Fawcett 2006,
"An introduction to ROC analysis". scikit-learn's roc_auc_score gives the same numbers and is the tests' oracle; it is
not imported here because that costs a training process 1.0 s (two cores, compiled bytecode, torch already imported).
Shapes: N items, P pairs, T distinct similarities, C = T + 1 points of the ROC curve.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of items by their index; the pairs of the same class come first."""

    first: Int[Tensor, "P"]
    second: Int[Tensor, "P"]
    same: Bool[Tensor, "P"]
    """Whether both items have one label."""


def sample_pairs(labels: Int[Tensor, "N"], *, num_pairs: int, seed: int) -> Pairs:
    """Half pairs of the same class, half of different ones (an odd one is different), uniform over all such pairs.

    The same labels and seed give the same pairs on every device. No item is paired with itself, and no pair, in either
    order, is drawn again before every pair of its kind was drawn once. Uniform over pairs means that a class counts
    with the square of its size. ValueError where one of the two kinds does not exist.
    """
    generator = torch.Generator().manual_seed(seed)
    order = labels.cpu().argsort(stable=True)
    _, class_sizes = torch.unique(labels.cpu(), return_counts=True)
    if len(class_sizes) < 2 or int(class_sizes.max()) < 2:
        raise ValueError(
            f"{len(labels)} items of {len(class_sizes)} classes do not make both kinds of pairs\n"
            "  verification needs two classes, one of them with two items"
        )
    # Along `order`, what comes after an item is first the rest of its class, then all the items of later classes.
    place = torch.arange(len(order))
    class_end = class_sizes.cumsum(0).repeat_interleave(class_sizes)
    num_same = num_pairs // 2
    same = _draw(place + 1, class_end - place - 1, num_same, generator)
    different = _draw(class_end, len(order) - class_end, num_pairs - num_same, generator)
    first, second = order[torch.cat([same, different], dim=1)].to(labels.device)
    return Pairs(first, second, torch.arange(num_pairs, device=labels.device) < num_same)


def _draw(
    first_partner: Int[Tensor, "N"], num_partners: Int[Tensor, "N"], num: int, generator: torch.Generator
) -> Int[Tensor, "2 num"]:
    """Pairs drawn from all pairs of an item with one of its `num_partners`, which stand side by side."""
    up_to_item = num_partners.cumsum(0)
    pair = _draw_numbers(int(up_to_item[-1]), num, generator)
    item = torch.searchsorted(up_to_item, pair, right=True)
    pair_of_item = pair - (up_to_item - num_partners)[item]
    return torch.stack([item, first_partner[item] + pair_of_item])


def _draw_numbers(total: int, num: int, generator: torch.Generator) -> Int[Tensor, "num"]:
    """Numbers below `total`; none comes back before all have come."""
    if total <= 2 * num:
        rounds = math.ceil(num / total)
        return torch.cat([torch.randperm(total, generator=generator) for _ in range(rounds)])[:num]
    drawn = torch.empty(0, dtype=torch.int64)  # a permutation of all pairs of 60,000 items would take 14 GB
    while len(drawn) < num:
        drawn = torch.unique(torch.cat([drawn, torch.randint(total, (num,), generator=generator)]))
    return drawn[torch.randperm(len(drawn), generator=generator)[:num]]


def best_threshold(similarity: Float[Tensor, "P"], same: Bool[Tensor, "P"]) -> float:
    """The threshold that judges most pairs rightly when `similarity >= threshold` means the same class.

    It lies midway between two neighbouring similarities, so that it carries over to other pairs; where accepting all is
    best, it is the lowest similarity, where accepting none, the next number above the highest. Of equally good
    thresholds it is the highest.
    """
    score, true_accepts, false_accepts = _roc(similarity, same)
    right = true_accepts - false_accepts  # plus the number of different pairs, the same for every threshold
    best = int((right == right.max()).nonzero()[0])
    if best == 0:
        return math.nextafter(float(score[0]), math.inf)
    if best == len(score):
        return float(score[-1])
    return float(score[best - 1] + score[best]) / 2


def verification_metrics(
    similarity: Float[Tensor, "P"], same: Bool[Tensor, "P"], *, threshold: float
) -> dict[str, float]:
    """pair_accuracy, fpr, fnr, auc, eer and tpr_at_fpr_1e-3, each in 0..1; the error rates are better when lower.

    `threshold` belongs to pair_accuracy, fpr (different pairs called the same) and fnr (same pairs called different) alone,
    and was chosen on other pairs; a pair at the threshold counts as same.
    Pairs of equal similarity are accepted together: a constant similarity has auc 0.5 and eer 0.5. The equal error rate
    is interpolated between two points of the curve; tpr_at_fpr_1e-3 is not: it is the highest true-accept rate of a
    threshold with at most one false accept per thousand different pairs, so below a thousand of them it allows none.
    """
    _, true_accepts, false_accepts = _roc(similarity, same)
    tpr = true_accepts / true_accepts[-1]
    fpr = false_accepts / false_accepts[-1]
    called_same = similarity.double() >= threshold
    return {
        "pair_accuracy": float((called_same == same).double().mean()),
        "fpr": float(called_same[~same].double().mean()),
        "fnr": float((~called_same)[same].double().mean()),
        "auc": float(torch.trapezoid(tpr, fpr)),
        "eer": _equal_error_rate(tpr, fpr),
        "tpr_at_fpr_1e-3": float(tpr[fpr <= 1e-3].max()),
    }


@dataclass(frozen=True, eq=False)
class RocCurve:
    """True against false accepts, each a share of their kind; the first point accepts none, the last all."""

    threshold: Float[Tensor, "C"]
    """Descending from infinity; accepted is what is at or above it."""
    fpr: Float[Tensor, "C"]
    tpr: Float[Tensor, "C"]


def roc_curve(similarity: Float[Tensor, "P"], same: Bool[Tensor, "P"]) -> RocCurve:
    """The points of every threshold that judges differently; pairs of equal similarity are accepted together."""
    score, true_accepts, false_accepts = _roc(similarity, same)
    threshold = torch.nn.functional.pad(score, (1, 0), value=math.inf)
    return RocCurve(threshold, false_accepts / false_accepts[-1], true_accepts / true_accepts[-1])


def _equal_error_rate(tpr: Float[Tensor, "C"], fpr: Float[Tensor, "C"]) -> float:
    """Where false accepts (fpr) and false rejects (1 - tpr) are equally frequent: 0 for a perfect split, 1 at worst."""
    excess = fpr - (1 - tpr)  # rises from -1, nothing accepted, to 1, everything accepted
    after = int((excess >= 0).nonzero()[0])
    step = -excess[after - 1] / (excess[after] - excess[after - 1])
    return float(torch.lerp(fpr[after - 1], fpr[after], step))


def _roc(
    similarity: Float[Tensor, "P"], same: Bool[Tensor, "P"]
) -> tuple[Float[Tensor, "T"], Float[Tensor, "C"], Float[Tensor, "C"]]:
    """Distinct similarities, descending, and the true and false accepts at and above the first 0, 1, ..., T of them."""
    if not similarity.isfinite().all():
        raise ValueError("the similarities hold NaN or infinity; no threshold parts them\n  look for a diverged loss")
    if same.all() or not same.any():
        kind = "no pairs" if len(same) == 0 else f"{len(same)} pairs, all of one kind,"
        raise ValueError(f"{kind} cannot judge verification\n  give pairs of the same class and of different classes")
    score, inverse, num_pairs = torch.unique(similarity.double(), return_inverse=True, return_counts=True)
    num_same = torch.zeros_like(score).index_add_(0, inverse, same.double())
    true_accepts = torch.nn.functional.pad(num_same.flip(0).cumsum(0), (1, 0))
    accepts = torch.nn.functional.pad(num_pairs.flip(0).cumsum(0).double(), (1, 0))
    return score.flip(0), true_accepts, accepts - true_accepts
