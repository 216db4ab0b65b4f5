"""Splits: which images train, which choose among trials (val), and which are read once at the end (test).

Protocols: `retrieval`, `verification` and `one_shot` keep the classes of the three apart, so val and test ask about
classes that the network has never seen; so does `pairs`, where the classes are the readers of books, and rows are their
ratings; `closed` has all classes in all three. First comes test_fraction of everything,
then val_fraction of what is left; an official test part, where there is one, takes the place of the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ablate.catalogue.datasets.official_pairs import OfficialPairs
from ablate.errors import DataError

Indices = npt.NDArray[np.int64]

PROTOCOLS = ("retrieval", "verification", "closed", "one_shot", "pairs")
MIN_CLASSES = 2  # with one there is no negative
MIN_IMAGES = 2  # of a class under `closed`, in each split: of one there is no positive
STREAM = 0  # of the seed: splits draw from a stream of their own, so that no other draw moves them


@dataclass(frozen=True, eq=False)
class Split:
    """Some images of one part."""

    part: str
    """ "train" or "test"."""
    indices: Indices
    """[N], ascending positions in the part."""
    pairs: OfficialPairs | None = None
    """The pairs that judge it, where they are given: see `official_pairs.py`."""


@dataclass(frozen=True, eq=False)
class Splits:
    """The three splits of a data set; no image is in two."""

    train: Split
    val: Split
    test: Split
    digest: str
    """16 hex digits; equal exactly where protocol and images are."""


def make_splits(
    labels: Mapping[str, Indices],
    *,
    protocol: str,
    disjoint_parts: bool,
    seed: int,
    test_seed: int | None = None,
    val_fraction: float = 0.2,
    test_fraction: float = 0.2,
) -> Splits:
    """Divide a data set given the labels of its parts; the same seeds give the same splits everywhere.

    `test_seed` draws the test, `seed` divides what is left; by default they are one.

    Raises DataError where a split would have fewer than two classes, or a class too few images.
    """
    _, num_val, num_test = count_classes(
        {part: len(np.unique(classes)) for part, classes in labels.items()},
        protocol=protocol,
        disjoint_parts=disjoint_parts,
        val_fraction=val_fraction,
        test_fraction=test_fraction,
    )
    draws = _Draws(seed if test_seed is None else test_seed, seed)
    if protocol == "closed":
        train, val, test = _divide_images(labels, draws, val_fraction=val_fraction, test_fraction=test_fraction)
    else:
        own_test_classes = disjoint_parts and "test" in labels
        train, val, test = _divide_classes(labels, draws, num_test=0 if own_test_classes else num_test, num_val=num_val)
    return Splits(train, val, test, _digest(protocol, train, val, test))


class Counts(NamedTuple):
    """Classes of each split."""

    train: int
    """The most that one batch can hold."""
    val: int
    test: int


def count_classes(
    num_classes: Mapping[str, int],
    *,
    protocol: str,
    disjoint_parts: bool,
    val_fraction: float = 0.2,
    test_fraction: float = 0.2,
) -> Counts:
    """Classes of train, val and test, known before anything is decoded. Raises DataError where a split has too few."""
    assert protocol in PROTOCOLS, f"protocol '{protocol}' is none of {', '.join(PROTOCOLS)}"
    for name, fraction in (("val_fraction", val_fraction), ("test_fraction", test_fraction)):
        if not 0 < fraction < 1:
            raise DataError(f"{name} is {fraction}, but it is a share\n  set it between 0 and 1, such as 0.2")
    num_known, own_test_classes = num_classes["train"], disjoint_parts and "test" in num_classes
    if protocol == "closed":
        if own_test_classes:
            raise DataError(
                "protocol 'closed' tests on the classes it trained on, but the test part has classes of its own\n"
                "  use protocol 'retrieval' or 'verification', or a data set whose parts share their classes"
            )
        counts = (num_known, num_known, num_known)
    else:
        num_test = num_classes["test"] if own_test_classes else round(test_fraction * num_known)
        num_left = num_known if own_test_classes else num_known - num_test
        num_val = round(val_fraction * num_left)
        counts = (num_left - num_val, num_val, num_test)
    if min(counts) < MIN_CLASSES:
        raise DataError(
            f"protocol '{protocol}' needs {MIN_CLASSES} classes in every split, but the {num_known} of the train part "
            "give train {}, val {}, test {}\n".format(*counts)
            + "  change val_fraction or test_fraction, or take a data set with more classes"
        )
    return Counts(*counts)


class _Draws:
    """The generators of a division: `test` for the test, `rest` for what is left."""

    def __init__(self, test_seed: int, seed: int) -> None:
        self.test = np.random.default_rng(np.random.SeedSequence([test_seed, STREAM]))
        self.rest = np.random.default_rng(np.random.SeedSequence([seed, STREAM, 1]))


def _divide_classes(
    labels: Mapping[str, Indices], draws: _Draws, *, num_test: int, num_val: int
) -> tuple[Split, Split, Split]:
    """`num_test` and `num_val` classes of the train part go there; with 0, the whole official part is the test."""
    test_classes, rest = np.split(draws.test.permutation(np.unique(labels["train"])), [num_test])
    val_classes, train_classes = np.split(draws.rest.permutation(np.sort(rest)), [num_val])
    if num_test == 0:
        test = _whole("test", labels)
    else:
        test = _with_classes("test" if "test" in labels else "train", labels, test_classes)
    return _with_classes("train", labels, train_classes), _with_classes("train", labels, val_classes), test


def _divide_images(
    labels: Mapping[str, Indices], draws: _Draws, *, val_fraction: float, test_fraction: float
) -> tuple[Split, Split, Split]:
    """Every class in all three."""
    rest = np.arange(len(labels["train"]))
    if "test" in labels:
        test = _whole("test", labels)
    else:
        held_out, rest = _hold_out(labels["train"], rest, draws.test, fraction=test_fraction)
        test = Split("train", held_out)
    held_out, rest = _hold_out(labels["train"], rest, draws.rest, fraction=val_fraction)
    return Split("train", rest), Split("train", held_out), test


def _whole(part: str, labels: Mapping[str, Indices]) -> Split:
    return Split(part, np.arange(len(labels[part])))


def _with_classes(part: str, labels: Mapping[str, Indices], classes: Indices) -> Split:
    return Split(part, np.flatnonzero(np.isin(labels[part], classes)))


def _hold_out(
    labels: Indices, indices: Indices, rng: np.random.Generator, *, fraction: float
) -> tuple[Indices, Indices]:
    """The share of every class that is held out, and the rest, each at least MIN_IMAGES."""
    shuffled = rng.permutation(indices)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    starts = np.flatnonzero(np.diff(labels[by_class])) + 1
    held_out, rest = [], []
    for members in np.split(by_class, starts):
        count = max(MIN_IMAGES, round(fraction * len(members)))
        if len(members) - count < MIN_IMAGES:
            number = labels[members[0]]
            raise DataError(
                f"protocol 'closed' needs {MIN_IMAGES} images of every class in each split, but class {number} has too few "
                f"for that: {np.count_nonzero(labels == number)}\n  leave out such classes (6 images suffice, or 4 beside an "
                "official test part, with the default fractions), or use protocol 'retrieval'"
            )
        held_out.append(members[:count])
        rest.append(members[count:])
    return np.sort(np.concatenate(held_out)), np.sort(np.concatenate(rest))


def check_judged(labels: Indices, split: str) -> None:
    """Raise DataError where images of these classes, those of the split named, are no two of one class, or of one alone."""
    sizes = np.unique(labels, return_counts=True)[1]
    if len(sizes) < MIN_CLASSES or sizes.max() < 2:
        raise DataError(
            f"the {split} split has {len(labels)} images of {len(sizes)} classes: nothing could be judged there\n"
            f"  it takes {MIN_CLASSES} classes, and two images of one of them"
        )


def _digest(protocol: str, *splits: Split) -> str:
    digest = hashlib.sha256(protocol.encode())
    for split in splits:
        digest.update(f" {split.part} {len(split.indices)} ".encode())
        digest.update(split.indices.astype("<i8").tobytes())
    return digest.hexdigest()[:16]
