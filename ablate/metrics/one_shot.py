"""One-shot classification: shown K examples each of N new classes, which of them is a further image of?

Source: Lake et al. 2015 (Science 350), N = 20 and K = 1; episodes as in Vinyals et al. 2016 (arXiv:1606.04080); with K
above 1 a class is the mean of its examples, its prototype, as in Snell et al. 2017 (arXiv:1703.05175).
Shapes: I items, D embedding width, E episodes, N ways (classes of an episode), K shots (examples of a class).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

TIE = 1e-6
"""Similarities that differ by no more count as equal: a dot product of unit vectors in 32 bits is off by some 1e-7."""
_CHUNK_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class Episodes:
    """Classification tasks, as indices of items; no item is twice in an episode."""

    support: Int[Tensor, "E N K"]
    """The examples that are shown of each class."""
    query: Int[Tensor, "E N"]
    """One further item of each class, to be told."""


def sample_episodes(labels: Int[Tensor, "I"], *, ways: int, shots: int, num_episodes: int, seed: int) -> Episodes:
    """Each episode draws `ways` classes, and of each `shots` examples and a query, uniformly and without repetition.

    The same labels and seed give the same episodes on every device. Classes with fewer than `shots` + 1 items take no part;
    ValueError where fewer than `ways` are left.
    """
    draw, of_item = np.random.default_rng(seed), labels.cpu().numpy()
    order = np.argsort(of_item, kind="stable")
    _, start, size = np.unique(of_item[order], return_index=True, return_counts=True)
    start, size = start[size > shots], size[size > shots]
    if len(size) < ways:
        raise ValueError(
            f"episodes of {ways} ways and {shots} shots need {ways} classes of {shots + 1} items, but there are {len(size)}\n"
            "  set ways or shots lower"
        )
    classes = _distinct(np.full(num_episodes, len(size)), ways, draw)
    places = _distinct(size[classes].ravel(), shots + 1, draw).reshape(num_episodes, ways, shots + 1)
    items = torch.from_numpy(order[start[classes][..., None] + places]).to(labels.device)
    return Episodes(items[..., :shots], items[..., shots])


def _distinct(limits: npt.NDArray[np.int64], count: int, draw: np.random.Generator) -> npt.NDArray[np.int64]:
    """For each limit, `count` different numbers below it, in random order; [len(limits), count]."""
    drawn = np.empty((len(limits), 0), np.int64)
    for taken in range(count):
        number = draw.integers(limits - taken)
        for earlier in np.sort(drawn, axis=1).T:  # the n-th of those that are left: step over each taken one below it
            number += number >= earlier
        drawn = np.column_stack([drawn, number])
    return drawn


@torch.no_grad()
def one_shot_accuracy(embeddings: Float[Tensor, "I D"], episodes: Episodes, *, chunk: int | None = None) -> float:
    """Share of the queries that are told rightly: their class has the prototype with the highest cosine similarity.

    A prototype is the mean of the examples' embeddings of length 1; with one shot that is the example itself. Where m
    prototypes are equally near (see TIE) and the right one is among them, the query counts 1/m: a constant embedding scores
    1/N. ValueError where an embedding is not finite. `chunk` is the number of episodes at once; None takes as many as
    fit 64 MiB.
    """
    if not embeddings.isfinite().all():
        raise ValueError("the embeddings hold NaN or infinity; nothing can be told\n  look for a diverged loss")
    unit = functional.normalize(embeddings.float(), dim=1)
    num_episodes, ways, shots = episodes.support.shape
    size = chunk or max(1, _CHUNK_BYTES // (4 * ways * ((shots + 2) * unit.shape[1] + 2 * ways)))
    total = torch.zeros((), dtype=torch.float64, device=unit.device)
    for support, query in zip(torch.split(episodes.support, size), torch.split(episodes.query, size), strict=True):
        prototypes = functional.normalize(unit[support].mean(dim=2), dim=2)
        similarity = unit[query] @ prototypes.mT  # [episodes, query, class]
        nearest = similarity >= similarity.amax(dim=2, keepdim=True) - TIE
        right = nearest.diagonal(dim1=1, dim2=2)  # query n is of class n
        total += (right.double() / nearest.sum(dim=2)).sum()
    return float(total) / (num_episodes * ways)
