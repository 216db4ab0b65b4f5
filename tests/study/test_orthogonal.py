"""Every array by brute force: in two columns, all pairs of levels equally often."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest

from ablate.study.orthogonal import PLACKETT_BURMAN, Array, arrays, smallest_fit

ARRAYS = {array.name: array for array in arrays()}


def test_the_standard_arrays_are_there_and_no_name_is_there_twice() -> None:
    assert len(ARRAYS) == len(arrays()) == 43
    standard = ["L8(2^4 4^1)", "L9(3^4)", "L16(4^5)", "L16(2^12 4^1)", "L16(2^8 8^1)", "L18(2^1 3^7)", "L18(3^6 6^1)"]
    standard += ["L25(5^6)", "L27(3^13)", "L27(3^9 9^1)", "L36(2^11 3^12)", "L36(2^4 3^13)", "L49(7^8)"]
    assert set(standard) <= ARRAYS.keys()


@pytest.mark.parametrize("name", ARRAYS)
def test_all_pairs_of_levels_are_equally_frequent(name: str) -> None:
    array = ARRAYS[name]
    num_runs = len(array.runs)
    for one, other in combinations(range(len(array.levels)), 2):
        seen = Counter(map(tuple, array.runs[:, [one, other]].tolist()))
        pairs = list(product(range(array.levels[one]), range(array.levels[other])))
        assert set(seen) == set(pairs) and set(seen.values()) == {num_runs // len(pairs)}


@pytest.mark.parametrize("name", ARRAYS)
def test_no_run_is_there_twice_and_the_first_is_all_zero(name: str) -> None:
    runs = ARRAYS[name].runs
    assert len({tuple(run) for run in runs.tolist()}) == len(runs)
    assert not runs[0].any()


def test_plackett_and_burmans_run_makes_a_hadamard_matrix_of_order_12() -> None:
    rows = [[1] * 12, *([1, *(1 - 2 * np.roll(PLACKETT_BURMAN, shift)).tolist()] for shift in range(11))]
    assert np.array_equal(np.array(rows) @ np.array(rows).T, 12 * np.eye(12))


@pytest.mark.parametrize(
    ("levels", "name"),
    [
        ((4, 2, 2, 2, 2), "L8(2^4 4^1)"),
        ((3, 3, 3, 3), "L9(3^4)"),
        ((3, 3, 3, 2), "L9(3^4)"),
        ((6, 2, 2), "L12(2^2 6^1)"),
        ((4, 4, 4, 4, 4), "L16(4^5)"),
        ((2, 8, 2, 2), "L16(2^8 8^1)"),
        ((3,) * 7 + (2,), "L18(2^1 3^7)"),
        ((5, 5, 5), "L25(5^6)"),
        ((3,) * 13, "L27(3^13)"),
        ((9, 3, 3), "L27(3^9 9^1)"),
        ((8, 4, 4), "L32(2^18 4^2 8^1)"),
        ((3,) * 12 + (2,) * 11, "L36(2^11 3^12)"),
        ((7, 7, 7), "L49(7^8)"),
    ],
)
def test_the_smallest_array_that_holds_the_factors_is_taken(levels: tuple[int, ...], name: str) -> None:
    fit = smallest_fit(levels)
    assert fit is not None and fit.array.name == name


@pytest.mark.parametrize("seed", range(40))
def test_factors_with_fewer_levels_than_their_columns_keep_proportional_frequencies(seed: int) -> None:
    rng = np.random.default_rng(seed)
    levels = tuple(rng.integers(2, 5, size=rng.integers(3, 8)).tolist())
    fit = smallest_fit(levels)
    assert fit is not None
    runs = fit.runs.tolist()
    assert len({tuple(run) for run in runs}) == len(runs)
    for one, other in combinations(range(len(levels)), 2):
        pairs = Counter((run[one], run[other]) for run in runs)
        first, second = (Counter(run[place] for run in runs) for place in (one, other))
        assert set(first) == set(range(levels[one])) and set(second) == set(range(levels[other]))
        for pair in product(first, second):
            assert pairs[pair] * len(runs) == first[pair[0]] * second[pair[1]]
    even = [len(set(Counter(run[place] for run in runs).values())) == 1 for place in range(len(levels))]
    assert all(even[place] for place in range(len(levels)) if place not in fit.collapsed)


def test_of_arrays_with_as_many_runs_one_without_dummy_levels_is_taken() -> None:
    levels = (4,) + (2,) * 15  # L32(2^24 8^1) would hold them too, the four levels in the column of eight
    fit = smallest_fit(levels)
    assert fit is not None and len(fit.runs) == 32 and fit.collapsed == ()


def test_an_array_whose_dummy_levels_make_two_runs_equal_is_passed_over() -> None:
    collapsed = ARRAYS["L16(4^5)"].runs % 3
    assert len({tuple(run) for run in collapsed.tolist()}) < 16
    fit = smallest_fit((3,) * 5)
    assert fit is not None and fit.array.name == "L18(2^1 3^7)" and fit.collapsed == ()


@pytest.mark.parametrize("levels", [(13, 2, 2), (8, 8, 2), (4,) * 10])
def test_where_no_array_holds_the_factors_there_is_none(levels: tuple[int, ...]) -> None:
    assert smallest_fit(levels) is None


def test_a_name_counts_columns_by_their_levels() -> None:
    assert Array(np.array([[0, 0, 0], [1, 2, 1]])).name == "L2(2^2 3^1)"
