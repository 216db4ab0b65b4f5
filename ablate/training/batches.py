"""P x K batches: P classes, K images of each, so that every anchor finds its positives and negatives in the batch.

Shapes: N images of the training split, S steps of an epoch, P classes, K images per class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ablate.training.streams import Stream, generator

Indices = npt.NDArray[np.int64]


def steps_of_epoch(num_images: int, *, classes: int, per_class: int) -> int:
    """As many P x K batches as show about `num_images`, at least one."""
    return max(1, round(num_images / (classes * per_class)))


@dataclass(frozen=True)
class Batches:
    """Which images each step of each epoch sees; depends on the labels, P, K and the seed alone."""

    order: Indices
    """[N] images sorted by class."""
    start: Indices
    """[classes] where each class begins in `order`."""
    size: Indices
    """[classes] images of each class."""
    classes: int
    """P."""
    per_class: int
    """K."""
    seed: int

    @classmethod
    def of(cls, labels: Indices, *, classes: int, per_class: int, seed: int) -> Batches:
        """Prepare for [N] class numbers; P is at most the number of classes."""
        _, start, size = np.unique(np.sort(labels), return_index=True, return_counts=True)
        assert classes <= len(size), f"{classes} classes per batch, but the split has {len(size)}"
        return cls(np.argsort(labels, kind="stable"), start, size, classes, per_class, seed)

    @property
    def steps(self) -> int:
        """S, steps of an epoch."""
        return steps_of_epoch(len(self.order), classes=self.classes, per_class=self.per_class)

    def epoch(self, epoch: int) -> Indices:
        """[S, P*K] indices into the split.

        Classes come in rounds of whole steps, each class once a round, but for the fewer than P that are left over, others
        each time. A class goes through its images in a random order that is new in each epoch, K at a time, and begins
        again at its end: no image is seen twice before each other one of its class was seen once. A class with fewer
        than K images repeats them.
        """
        draw = generator(self.seed, Stream.BATCHES, epoch)
        steps, num_classes = self.steps, len(self.size)
        steps_per_round = num_classes // self.classes
        rounds = np.broadcast_to(np.arange(num_classes), (math.ceil(steps / steps_per_round), num_classes))
        rounds = draw.permuted(rounds, axis=1)[:, : steps_per_round * self.classes]
        chosen = rounds.ravel()[: steps * self.classes]
        shuffled = self.order[np.lexsort((draw.random(len(self.order)), np.repeat(np.arange(num_classes), self.size)))]
        by_class = np.argsort(chosen, kind="stable")
        first_visit = np.searchsorted(chosen[by_class], np.arange(num_classes))
        visit = np.empty_like(chosen)
        visit[by_class] = np.arange(len(chosen)) - first_visit[chosen[by_class]]
        position = (visit[:, None] * self.per_class + np.arange(self.per_class)) % self.size[chosen][:, None]
        picked: Indices = shuffled[self.start[chosen][:, None] + position]
        return picked.reshape(steps, self.classes * self.per_class)
