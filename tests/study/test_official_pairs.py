"""Which pairs judge validation and test where a data set has official ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ablate.catalogue.datasets import Part
from ablate.catalogue.datasets.official_pairs import OfficialPairs
from ablate.errors import DataError
from ablate.study.official_pairs import NUM_PAIRS, with_official_pairs
from ablate.study.splits import Splits, make_splits

SIZES = [2] * 20 + [3] * 10 + [40]
"""Images of each class of the train part: one person has as many as all others."""


def parts(*, pairs: bool = True) -> dict[str, Part]:
    labels = np.repeat(np.arange(len(SIZES)), SIZES)
    test = np.repeat([100, 101, 102], 2)
    table = np.array([[0, 1, 1, 0], [2, 3, 1, 0], [0, 2, 0, 0], [1, 5, 0, 0]])
    official = OfficialPairs.from_table(table) if pairs else None
    blank = np.zeros((1, 1, 1, 1), np.uint8)
    return {
        "train": Part(np.broadcast_to(blank, (len(labels), 1, 1, 1)), labels),
        "test": Part(np.broadcast_to(blank, (len(test), 1, 1, 1)), test, official),
    }


def split(of: dict[str, Part], protocol: str, seed: int = 0, val_fraction: float = 0.5) -> Splits:
    labels = {name: part.labels for name, part in of.items()}
    made = make_splits(
        labels, protocol=protocol, disjoint_parts=True, seed=seed, test_seed=0, val_fraction=val_fraction
    )
    return with_official_pairs(made, of, protocol=protocol, seed=seed)


def test_the_table_of_pairs_is_read_back_as_it_was() -> None:
    pairs = parts()["test"].pairs
    assert pairs is not None
    assert OfficialPairs.from_table(pairs.table).table.tolist() == pairs.table.tolist()
    assert pairs.same.dtype == bool


def test_verification_is_tested_by_the_official_pairs_and_nothing_else_is() -> None:
    of = parts()
    made = split(of, "verification")
    assert made.test.pairs is of["test"].pairs
    assert made.train.pairs is None
    assert split(of, "retrieval").test.pairs is None and split(of, "retrieval").val.pairs is None
    without = split(parts(pairs=False), "verification")
    assert without.test.pairs is None and without.val.pairs is None


def test_pairs_of_validation_are_of_its_own_images_half_of_one_class_none_with_itself() -> None:
    of = parts()
    made = split(of, "verification")
    pairs = made.val.pairs
    assert pairs is not None and len(pairs.same) == NUM_PAIRS
    labels = of["train"].labels[made.val.indices]
    assert pairs.same.sum() == NUM_PAIRS // 2
    assert np.array_equal(labels[pairs.first] == labels[pairs.second], pairs.same)
    assert (pairs.first != pairs.second).all()
    assert not pairs.fold.any()
    assert set(pairs.first) | set(pairs.second) == set(range(len(labels))), "of so many pairs none is left out"


def test_every_class_of_validation_counts_alike_however_many_images_it_has() -> None:
    of = parts()
    seed = next(s for s in range(20) if 30 in of["train"].labels[split(of, "verification", s).val.indices])
    made = split(of, "verification", seed)
    pairs, labels = made.val.pairs, of["train"].labels[made.val.indices]
    assert pairs is not None
    for kind in (pairs.same, ~pairs.same):
        for end in (pairs.first, pairs.second):
            share = (labels[end[kind]] == 30).mean()
            expected = 1 / len(set(labels))
            assert abs(share - expected) < 4 * np.sqrt(expected / (NUM_PAIRS / 2))


def test_a_class_with_one_image_is_only_in_pairs_of_two_classes() -> None:
    of = parts()
    labels = np.concatenate([np.arange(200, 230), of["train"].labels])
    of["train"] = replace(of["train"], images=np.zeros((len(labels), 1, 1, 1), np.uint8), labels=labels)
    made = split(of, "verification")
    pairs, labels = made.val.pairs, labels[made.val.indices]
    assert pairs is not None
    assert labels.max() >= 200
    assert labels[pairs.first[pairs.same]].max() < 200
    assert labels[pairs.first[~pairs.same]].max() >= 200


def test_the_digest_covers_the_official_pairs_and_those_of_validation() -> None:
    of = parts()
    digests = {
        split(of, "verification").digest,
        split(of, "retrieval").digest,
        split(of, "verification", seed=1).digest,
    }
    pairs = of["test"].pairs
    assert pairs is not None
    changed = OfficialPairs(pairs.first, pairs.second[::-1], pairs.same, pairs.fold)
    digests.add(split({**of, "test": replace(of["test"], pairs=changed)}, "verification").digest)
    digests.add(split(parts(pairs=False), "verification").digest)
    assert len(digests) == 5
    assert split(of, "verification").digest == split(parts(), "verification").digest
    assert {len(digest) for digest in digests} == {16}


def test_validation_in_which_nobody_has_two_images_is_refused() -> None:
    of = parts()
    of["train"] = replace(of["train"], images=np.zeros((20, 1, 1, 1), np.uint8), labels=np.arange(20))
    with pytest.raises(DataError, match="none of the 10 classes held out for validation has two images"):
        split(of, "verification")
