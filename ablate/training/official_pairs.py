"""Verification by given pairs: where they come in folds, the threshold of each fold is chosen on all the others.

Source: View 2 of Labeled Faces in the Wild (Huang et al. 2007, UMass 07-49): mean accuracy of ten folds and its standard error.
Shapes: P pairs.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ablate.catalogue.datasets.official_pairs import OfficialPairs
from ablate.metrics.verification import Pairs, best_threshold


def on_device(pairs: OfficialPairs, device: torch.device) -> Pairs:
    """The pairs as tensors."""
    first, second, same, _ = (torch.from_numpy(column) for column in pairs.table.T.copy())
    return Pairs(first.to(device), second.to(device), same.bool().to(device))


def fold_metrics(similarity: Float[Tensor, "P"], pairs: OfficialPairs | None) -> dict[str, float]:
    """pair_accuracy as the mean over folds, its standard error, fpr and fnr, and the mean of the folds' thresholds.

    Empty where there are no folds: then the threshold comes from validation. The standard error is that of the folds, of one
    network: what another training would change is not in it.
    """
    if pairs is None or not pairs.fold.any():
        return {}
    folds = np.unique(pairs.fold)
    fold = torch.from_numpy(pairs.fold).to(similarity.device)
    same = torch.from_numpy(pairs.same).to(similarity.device)
    accuracies, thresholds, called_same = [], [], torch.zeros_like(same)
    for held_out in folds:
        inside = fold == int(held_out)
        threshold = best_threshold(similarity[~inside], same[~inside])
        called_same[inside] = similarity[inside].double() >= threshold
        accuracies.append(float((called_same == same)[inside].double().mean()))
        thresholds.append(threshold)
    return {
        "pair_accuracy": float(np.mean(accuracies)),
        "pair_accuracy_standard_error": float(np.std(accuracies, ddof=1)) / math.sqrt(len(folds)),
        "fpr": float(called_same[~same].double().mean()),
        "fnr": float((~called_same)[same].double().mean()),
        "threshold": float(np.mean(thresholds)),
    }
