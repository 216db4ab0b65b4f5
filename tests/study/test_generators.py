"""Fractions against published tables, and against all sets of columns by brute force."""

from __future__ import annotations

from itertools import combinations

import pytest

from ablate.study.generators import regular_fraction, shortest_word

FEWEST_RUNS = {
    3: {3: 4, 4: 8, 5: 8, 6: 8, 7: 8, 8: 16, 9: 16, 10: 16, 11: 16, 12: 16, 15: 16, 16: 32},
    4: {4: 8, 5: 16, 6: 16, 7: 16, 8: 16, 9: 32, 10: 32, 11: 32, 12: 32, 16: 32, 17: 64},
    5: {5: 16, 6: 32, 7: 64, 8: 64, 9: 128, 10: 128, 11: 128, 12: 256, 17: 256},
}
"""Resolution -> factors -> runs (Box, Hunter and Hunter 1978, table 12.15; NIST/SEMATECH e-Handbook, 5.3.3.4.7)."""

FEWEST_SHORT_WORDS = {
    (5, 8): (2, 1),
    (6, 8): (4, 3),
    (7, 8): (7, 7),
    (6, 16): (0, 3),
    (7, 16): (0, 7),
    (8, 16): (0, 14),
    (9, 16): (4, 14),
    (10, 16): (8, 18),
    (11, 16): (12, 26),
    (12, 16): (16, 39),
    (9, 32): (0, 6, 8),
    (10, 32): (0, 10, 16),
    (11, 32): (0, 25, 0),
    (12, 32): (0, 38, 0),
    (8, 64): (0, 0, 2),
    (10, 128): (0, 0, 3),
    (11, 128): (0, 0, 6),
}
"""(factors, runs) -> words of length 3, 4, 5 at minimum aberration (Franklin 1984; Chen, Sun and Wu 1993)."""


def cancelling(columns: tuple[int, ...], size: int) -> int:
    """How many sets of `size` columns XOR to 0, one by one."""
    count = 0
    for chosen in combinations(columns, size):
        total = 0
        for column in chosen:
            total ^= column
        count += total == 0
    return count


@pytest.mark.parametrize(("resolution", "factors"), [(r, k) for r, table in FEWEST_RUNS.items() for k in table])
def test_a_fraction_has_the_fewest_runs_that_the_tables_know(resolution: int, factors: int) -> None:
    columns = regular_fraction(factors, resolution)
    runs = 2 ** max(columns).bit_length()
    assert (len(columns), runs) == (factors, FEWEST_RUNS[resolution][factors])
    assert all(cancelling(columns, size) == 0 for size in range(1, resolution))
    assert columns[: runs.bit_length() - 1] == tuple(1 << bit for bit in range(runs.bit_length() - 1))


@pytest.mark.parametrize("factors", [21, 22, 24, 32, 33, 64])
def test_resolution_iv_never_needs_more_runs_than_twice_the_factors_rounded_up_to_a_power_of_two(factors: int) -> None:
    columns = regular_fraction(factors, 4)
    assert 2 ** max(columns).bit_length() == 2 ** (2 * factors - 1).bit_length()
    assert all(cancelling(columns, size) == 0 for size in (1, 2, 3))


@pytest.mark.parametrize(("factors", "runs"), FEWEST_SHORT_WORDS)
def test_a_fraction_has_the_fewest_short_words(factors: int, runs: int) -> None:
    expected = FEWEST_SHORT_WORDS[factors, runs]
    resolution = next(r for r, table in FEWEST_RUNS.items() if table[factors] == runs)
    columns = regular_fraction(factors, resolution)
    assert tuple(cancelling(columns, 3 + place) for place in range(len(expected))) == expected


@pytest.mark.parametrize(("factors", "resolution"), [(1, 3), (2, 3), (2, 4), (3, 4), (3, 5), (4, 5)])
def test_without_a_fraction_every_factor_has_a_column_of_its_own(factors: int, resolution: int) -> None:
    columns = regular_fraction(factors, resolution)
    assert columns == tuple(1 << bit for bit in range(factors))
    assert shortest_word(columns) is None


@pytest.mark.parametrize(
    ("factors", "resolution", "expected"), [(5, 4, 5), (6, 5, 6), (7, 3, 3), (8, 3, 4), (12, 5, 6)]
)
def test_the_shortest_word_is_the_smallest_set_that_cancels(factors: int, resolution: int, expected: int) -> None:
    columns = regular_fraction(factors, resolution)
    by_hand = next(size for size in range(1, factors + 1) if cancelling(columns, size))
    assert shortest_word(columns) == by_hand == expected
