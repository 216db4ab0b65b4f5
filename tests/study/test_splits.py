"""Splits, on made-up labels; tests/catalogue/test_datasets.py divides the real data sets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from ablate.errors import DataError
from ablate.study.splits import PROTOCOLS, Split, Splits, check_judged, count_classes, make_splits

Labels = dict[str, npt.NDArray[np.int64]]


def shuffled(num_classes: int, *, per_class: int, first: int = 0) -> npt.NDArray[np.int64]:
    return np.random.default_rng(0).permutation(np.repeat(np.arange(first, first + num_classes), per_class))


ONE_PART: Labels = {"train": shuffled(10, per_class=9)}
SHARED: Labels = {"train": shuffled(10, per_class=9), "test": shuffled(10, per_class=4)}
DISJOINT: Labels = {"train": shuffled(30, per_class=5), "test": shuffled(12, per_class=5, first=30)}
SETS = {"one part": (ONE_PART, False), "shared classes": (SHARED, False), "disjoint parts": (DISJOINT, True)}


def split(labels: Labels, protocol: str, *, disjoint: bool, seed: int = 0, val_fraction: float = 0.2) -> Splits:
    return make_splits(labels, protocol=protocol, disjoint_parts=disjoint, seed=seed, val_fraction=val_fraction)


def classes(labels: Labels, part: Split) -> set[int]:
    return set(labels[part.part][part.indices].tolist())


def images(part: Split) -> set[tuple[str, int]]:
    return {(part.part, index) for index in part.indices.tolist()}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("protocol", ["retrieval", "verification"])
@pytest.mark.parametrize("kind", SETS)
def test_no_class_is_in_two_splits(kind: str, protocol: str, seed: int) -> None:
    labels, disjoint = SETS[kind]
    splits = split(labels, protocol, disjoint=disjoint, seed=seed)
    train, val, test = (classes(labels, part) for part in (splits.train, splits.val, splits.test))
    assert not train & val and not train & test and not val & test
    assert train | val | test == {label for part in labels.values() for label in part.tolist()}


@pytest.mark.parametrize("kind", ["one part", "shared classes"])
def test_closed_has_every_class_in_every_split_and_no_image_in_two(kind: str) -> None:
    labels, _ = SETS[kind]
    splits = split(labels, "closed", disjoint=False)
    parts = (splits.train, splits.val, splits.test)
    assert all(classes(labels, part) == set(range(10)) for part in parts)
    assert sum(len(part.indices) for part in parts) == len(set.union(*map(images, parts)))
    assert len(set.union(*map(images, parts))) == sum(map(len, labels.values()))


def test_closed_takes_the_same_share_of_every_class() -> None:
    labels = {"train": np.repeat(np.arange(3), [10, 50, 100])}
    splits = split(labels, "closed", disjoint=False)
    # a fifth of 10, 50, 100 is tested; a fifth of the remaining 8, 40, 80 validates
    assert np.bincount(labels["train"][splits.test.indices]).tolist() == [2, 10, 20]
    assert np.bincount(labels["train"][splits.val.indices]).tolist() == [2, 8, 16]
    assert np.bincount(labels["train"][splits.train.indices]).tolist() == [6, 32, 64]


def test_an_official_test_part_with_its_own_classes_is_the_test_split_whole() -> None:
    splits = split(DISJOINT, "retrieval", disjoint=True)
    assert splits.test.part == "test"
    assert splits.test.indices.tolist() == list(range(60))
    assert (len(classes(DISJOINT, splits.train)), len(classes(DISJOINT, splits.val))) == (24, 6)


def test_with_shared_classes_test_images_come_from_the_official_part_only() -> None:
    splits = split(SHARED, "retrieval", disjoint=False)
    assert (splits.train.part, splits.val.part, splits.test.part) == ("train", "train", "test")
    assert (len(splits.train.indices), len(splits.val.indices), len(splits.test.indices)) == (6 * 9, 2 * 9, 2 * 4)


def test_retrieval_takes_every_image_of_a_class() -> None:
    splits = split(ONE_PART, "retrieval", disjoint=False)
    for part in (splits.train, splits.val, splits.test):
        assert len(part.indices) == 9 * len(classes(ONE_PART, part))


@pytest.mark.parametrize("kind", SETS)
def test_the_same_seed_gives_the_same_splits_and_another_seed_others(kind: str) -> None:
    labels, disjoint = SETS[kind]
    first, again = (split(labels, "retrieval", disjoint=disjoint, seed=3) for _ in range(2))
    assert first.digest == again.digest and len(first.digest) == 16
    assert np.array_equal(first.train.indices, again.train.indices)
    assert split(labels, "retrieval", disjoint=disjoint, seed=4).digest != first.digest


def test_splits_do_not_depend_on_the_global_random_state() -> None:
    np.random.seed(1)
    first = split(ONE_PART, "closed", disjoint=False)
    np.random.seed(2)
    assert split(ONE_PART, "closed", disjoint=False).digest == first.digest


def test_the_digest_tells_protocols_apart_that_choose_the_same_images() -> None:
    one, other = (split(ONE_PART, protocol, disjoint=False) for protocol in ("retrieval", "verification"))
    assert np.array_equal(one.test.indices, other.test.indices)
    assert one.digest != other.digest


@pytest.mark.parametrize("protocol", ["retrieval", "closed"])
def test_another_val_fraction_leaves_the_test_split_as_it_was(protocol: str) -> None:
    small, large = (split(ONE_PART, protocol, disjoint=False, val_fraction=f) for f in (0.2, 0.5))
    assert np.array_equal(small.test.indices, large.test.indices)
    assert len(small.val.indices) < len(large.val.indices)


@pytest.mark.parametrize("val_fraction", [0.15, 0.2, 0.34])
@pytest.mark.parametrize("test_fraction", [0.2, 0.25, 0.45])
@pytest.mark.parametrize(
    ("kind", "protocol"),
    [(kind, protocol) for kind in SETS for protocol in PROTOCOLS if (kind, protocol) != ("disjoint parts", "closed")],
)
def test_the_number_of_training_classes_is_known_before_decoding(
    kind: str, protocol: str, test_fraction: float, val_fraction: float
) -> None:
    labels, disjoint = SETS[kind]
    num_classes = {part: len(set(values.tolist())) for part, values in labels.items()}
    try:
        expected = count_classes(
            num_classes,
            protocol=protocol,
            disjoint_parts=disjoint,
            val_fraction=val_fraction,
            test_fraction=test_fraction,
        ).train
    except DataError:
        expected = None
    try:
        splits = make_splits(
            labels,
            protocol=protocol,
            disjoint_parts=disjoint,
            seed=0,
            val_fraction=val_fraction,
            test_fraction=test_fraction,
        )
    except DataError:
        assert expected is None
    else:
        assert len(classes(labels, splits.train)) == expected


def test_closed_is_refused_where_the_test_part_has_classes_of_its_own() -> None:
    with pytest.raises(DataError, match="test part has classes of its own"):
        split(DISJOINT, "closed", disjoint=True)
    with pytest.raises(DataError, match="test part has classes of its own"):
        count_classes({"train": 30, "test": 12}, protocol="closed", disjoint_parts=True)


def test_fewer_than_two_classes_in_a_split_are_refused_with_the_counts() -> None:
    with pytest.raises(DataError, match=r"train 4, val 1, test 1\n  change val_fraction or test_fraction"):
        split({"train": shuffled(6, per_class=3)}, "retrieval", disjoint=False)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_a_fraction_that_is_no_share_is_refused(fraction: float) -> None:
    with pytest.raises(DataError, match="set it between 0 and 1"):
        split(ONE_PART, "retrieval", disjoint=False, val_fraction=fraction)


def test_closed_refuses_a_class_with_too_few_images_and_names_it() -> None:
    with pytest.raises(DataError, match=r"class 5 has too few for that: 5\n.*6 images suffice"):
        split({"train": np.repeat([3, 5], [8, 5])}, "closed", disjoint=False)


def test_closed_judges_every_class_by_two_images_at_least() -> None:
    """19 people with 6 to 9 pictures and one with 40: by one picture of each nobody but the last would be judged."""
    sizes = [6, 7, 8, 9] * 5 + [40]
    splits = split({"train": np.repeat(np.arange(len(sizes)), sizes)}, "closed", disjoint=False)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    for part in (splits.train, splits.val, splits.test):
        assert np.bincount(labels[part.indices]).min() >= 2


@pytest.mark.parametrize(
    ("labels", "told"), [([0, 1, 2], "3 images of 3 classes"), ([4, 4, 4], "3 images of 1 classes")]
)
def test_a_split_in_which_nothing_can_be_judged_is_refused_by_name(labels: list[int], told: str) -> None:
    check_judged(np.array([0, 1, 1]), "test")
    with pytest.raises(DataError, match=f"the test split has {told}: nothing could be judged"):
        check_judged(np.array(labels), "test")


@pytest.mark.parametrize("protocol", ["retrieval", "closed"])
def test_the_test_is_drawn_by_a_seed_of_its_own_so_that_no_trials_validation_is_anothers_test(protocol: str) -> None:
    labels = {"train": np.repeat(np.arange(20), 10)}
    made = [make_splits(labels, protocol=protocol, disjoint_parts=False, seed=s, test_seed=0) for s in range(5)]
    tests = {tuple(each.test.indices) for each in made}
    assert len(tests) == 1
    assert len({tuple(each.val.indices) for each in made}) == 5
    for each in made:
        assert not (set(each.train.indices) | set(each.val.indices)) & set(next(iter(tests)))
    moved = make_splits(labels, protocol=protocol, disjoint_parts=False, seed=0, test_seed=1)
    assert tuple(moved.test.indices) not in tests
