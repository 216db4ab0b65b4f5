"""Random streams: one seed, but split, weights, batches, mining and augmentation do not disturb each other.

A change of the loss thus leaves the data order as it was, and a trial that continues from its checkpoint draws what it would
have drawn: batches, mining and augmentation start anew in each epoch, from (seed, stream, epoch).
"""

from __future__ import annotations

import random
from enum import IntEnum

import numpy as np
import torch


class Stream(IntEnum):
    """The number that keeps streams of one seed apart; the split's is 0 (`study.splits`)."""

    WEIGHTS = 1
    BATCHES = 2
    MINING = 3
    PAIRS = 4
    AUGMENTATION = 5
    EPISODES = 6
    TRIPLETS = 7
    WORKERS = 8
    """What the network draws in training, on workers other than the first."""


def generator(seed: int, stream: Stream, epoch: int = 0) -> np.random.Generator:
    """A generator of its own for (seed, stream, epoch)."""
    return np.random.default_rng(np.random.SeedSequence([seed, int(stream), epoch]))


def seed_everything(seed: int, stream: Stream, epoch: int = 0) -> None:
    """Set the global generators of Python, NumPy and torch (all devices), which initialisation and miners draw from."""
    state = int(generator(seed, stream, epoch).integers(2**32))
    random.seed(state)
    np.random.seed(state)
    torch.default_generator.manual_seed(state)
    # torch.manual_seed also queues a call, with its stack, for every kind of device that is not in use: 1 ms, for ever
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(state)
