"""Official pairs judge the test; validation is judged by pairs of its own people, drawn as the official ones were.

Source: Huang et al. 2007 (UMass 07-49), section on forming pairs: a person is drawn, then two of her pictures; or two
people, then a picture of each. Everybody counts alike: drawn from all pairs, those of a person with 500 pictures would be
nearly all pairs of one person, and the threshold would be made for him.
Shapes: N images of validation, P pairs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ablate.catalogue.datasets import Part
from ablate.catalogue.datasets.official_pairs import OfficialPairs
from ablate.errors import DataError
from ablate.study.splits import STREAM, Indices, Splits

NUM_PAIRS = 10_000
"""Of validation, half of them of one person; more than there are is no harm: a pair may come twice."""


def with_official_pairs(splits: Splits, parts: Mapping[str, Part], *, protocol: str, seed: int) -> Splits:
    """The splits with their pairs, and a digest that covers them; unchanged but under `verification` with official pairs."""
    test = parts[splits.test.part]
    if protocol != "verification" or test.pairs is None:
        return splits
    assert len(splits.test.indices) == len(test.labels), "official pairs count in the whole part, not in a share of it"
    rng = np.random.default_rng(np.random.SeedSequence([seed, STREAM, 2]))
    val = _draw(np.asarray(parts[splits.val.part].labels)[splits.val.indices], rng)
    digest = hashlib.sha256(splits.digest.encode())
    for pairs in (val, test.pairs):
        digest.update(pairs.table.astype("<i8").tobytes())
    return Splits(
        splits.train,
        replace(splits.val, pairs=val),
        replace(splits.test, pairs=test.pairs),
        digest.hexdigest()[: len(splits.digest)],
    )


def _draw(labels: Indices, rng: np.random.Generator) -> OfficialPairs:
    """Half pairs of one class, half of two, each class as likely as each other; positions in `labels`."""
    order = np.argsort(labels, kind="stable")
    _, start, size = np.unique(labels[order], return_index=True, return_counts=True)
    several = np.flatnonzero(size > 1)
    if len(several) == 0:
        raise DataError(
            f"none of the {len(size)} classes held out for validation has two images, so no threshold can be chosen\n"
            "  raise data.val_fraction"
        )
    num = NUM_PAIRS // 2
    one = rng.choice(several, num)
    place = rng.integers(size[one])
    other = (place + rng.integers(1, size[one])) % size[one]
    left = rng.integers(len(size), size=num)
    right = (left + rng.integers(1, len(size), size=num)) % len(size)
    first = np.concatenate([start[one] + place, start[left] + rng.integers(size[left])])
    second = np.concatenate([start[one] + other, start[right] + rng.integers(size[right])])
    return OfficialPairs(order[first], order[second], np.arange(2 * num) < num, np.zeros(2 * num, dtype=np.int64))
