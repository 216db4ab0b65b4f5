"""Orthogonal arrays: the standard plans in which the main effects of factors with several levels stay apart.

In every two columns all pairs of levels are equally frequent (strength 2). Where a factor has fewer levels than its column,
levels of the column are read as one (dummy levels; Addelman 1962, Technometrics 4:21): pairs are then proportionally
frequent, which still keeps main effects apart.
Sources: Rao 1947 (linear arrays), Bose and Bush 1952 (difference matrices), Plackett and Burman 1946 (L12), Taguchi 1987
(names).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int64]
"""[N runs, K columns] level numbers from 0; the first run is all 0."""

PLACKETT_BURMAN = (1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0)
"""The run that, turned around, gives L12(2^11)."""
L12_3_2 = ("00000", "00011", "01100", "01111", "10001", "10110", "11010", "11101", "20100", "20111", "21001", "21010")
"""L12(3^1 2^4); a search found it, the test checks it."""
DIFFERENCES_6 = ("000000", "001122", "010212", "012021", "021201", "022110")
"""Any two rows differ by 0, 1 and 2 equally often."""
DIFFERENCES_12 = "000101220110"
"""Likewise, shifted by the group of order 6 x 2, whose elements are numbered 2a + b; a search found it."""


@dataclass(frozen=True, eq=False)
class Array:
    """One orthogonal array."""

    runs: Table

    @property
    def levels(self) -> tuple[int, ...]:
        """Of each column."""
        return tuple((self.runs.max(axis=0) + 1).tolist())

    @property
    def name(self) -> str:
        """`L18(2^1 3^7)`."""
        powers = (f"{levels}^{count}" for levels, count in sorted(Counter(self.levels).items()))
        return f"L{len(self.runs)}({' '.join(powers)})"


@dataclass(frozen=True, eq=False)
class Fit:
    """Columns of an array that hold given factors."""

    array: Array
    runs: Table
    """[N, factors] level numbers of the factors; no two runs are equal."""
    collapsed: tuple[int, ...]
    """Factors that have fewer levels than their column."""


def smallest_fit(levels: tuple[int, ...]) -> Fit | None:
    """The array of the fewest runs that holds factors of so many levels; of equal ones, that with the fewest dummy levels."""
    fits = [fit for array in arrays() if (fit := _fit(array, levels)) is not None]
    return min(fits, key=lambda fit: (len(fit.runs), len(fit.collapsed)), default=None)


def _fit(array: Array, levels: tuple[int, ...]) -> Fit | None:
    free = sorted(range(len(array.levels)), key=lambda column: array.levels[column])
    columns: dict[int, int] = {}
    for factor in sorted(range(len(levels)), key=lambda factor: -levels[factor]):
        column = next((column for column in free if array.levels[column] >= levels[factor]), None)
        if column is None:
            return None
        free.remove(column)
        columns[factor] = column
    in_order = [columns[factor] for factor in range(len(levels))]
    runs = array.runs[:, in_order] % np.array(levels)
    if len(np.unique(runs, axis=0)) < len(runs):
        return None  # dummy levels have made two runs equal, and an arm cannot be trained twice
    collapsed = tuple(factor for factor, column in columns.items() if levels[factor] < array.levels[column])
    return Fit(array, runs, tuple(sorted(collapsed)))


@cache
def arrays() -> tuple[Array, ...]:
    """All that are known here, with 8 to 49 runs, each with a column of three levels or more."""
    tables = [
        *(_linear(3, 2), _linear(3, 3), _linear(5, 2), _linear(7, 2)),
        *(_twelve("3 2^4"), _twelve("6 2^2")),
        *_of_bits(),
        *_of_eighteen(),
        *_of_twelves(),
        _nine_level(),
    ]
    return tuple(Array(table) for table in sorted(tables, key=len))


def _linear(prime: int, num_digits: int) -> Table:
    """All numbers of some digits; one column for each direction: L9(3^4), L27(3^13), L25(5^6), L49(7^8)."""
    digits = np.array(list(product(range(prime), repeat=num_digits)))
    directions = digits[[row[row.nonzero()[0][0]] == 1 if row.any() else False for row in digits]]
    runs: Table = digits @ directions.T % prime
    return runs


def _nine_level() -> Table:
    """L27(3^9 9^1): the directions of two digits, taken together, are one column of nine levels."""
    digits = np.array(list(product(range(3), repeat=3)))
    directions = np.array([(a, b, 1) for a, b in product(range(3), repeat=2)])
    return np.column_stack([digits @ directions.T % 3, digits[:, 0] * 3 + digits[:, 1]])


def _of_bits() -> Iterator[Table]:
    """Columns of 2, 4 and 8 levels in 8, 16 and 32 runs."""
    yield _from_bases(3, [(1, 2), *_rest(3, [(1, 2)])])
    # x -> 2x in the fields of 4 and of 8 elements: lines (x, 2x) then meet neither each other nor the first subspace
    for num_bits, first, double in ((4, (1, 2), (0, 2, 3, 1)), (5, (1, 2, 4), (0, 2, 4, 6, 3, 1, 7, 5))):
        half = 2 ** (num_bits - 2)
        lines = [(half + x, 2 * half + double[x]) for x in range(half)]
        for starts in dict.fromkeys((first, first[:2])):
            for num_lines in range(len(lines) + 1):
                bases: list[tuple[int, ...]] = [starts, *lines[:num_lines]]
                yield _from_bases(num_bits, [*bases, *_rest(num_bits, bases)])
    yield _from_bases(4, [(1, 2, 4), *_rest(4, [(1, 2, 4)])])


def _span(basis: tuple[int, ...]) -> set[int]:
    words = {0}
    for word in basis:
        words |= {word ^ other for other in words}
    return words


def _rest(num_bits: int, bases: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The words in the span of no basis, each for a column of two levels."""
    taken = set().union(*map(_span, bases))
    return [(word,) for word in range(1, 2**num_bits) if word not in taken]


def _from_bases(num_bits: int, bases: list[tuple[int, ...]]) -> Table:
    """A column of 2^d levels for each basis of d words; spans that share only 0 make the columns orthogonal."""
    runs = range(2**num_bits)
    columns = [[sum((run & w).bit_count() % 2 << i for i, w in enumerate(basis)) for run in runs] for basis in bases]
    return np.array(columns).T


def _developed(differences: Table, order: int) -> tuple[Table, Table]:
    """Every row of a difference matrix shifted by 0 .. order-1, and the number of the row as a column of its own."""
    differences = differences - differences[0]
    runs = [(row + shift) % order for row in differences for shift in range(order)]
    return np.array(runs), np.repeat(np.arange(len(differences)), order)


def _of_eighteen() -> Iterator[Table]:
    """L18(2^1 3^7) and L18(3^6 6^1)."""
    runs, six = _developed(np.array([[int(digit) for digit in row] for row in DIFFERENCES_6]), 3)
    yield np.column_stack([six % 2, six // 2, runs])
    yield np.column_stack([six, runs])


def _twelve(kind: str) -> Table:
    """Arrays of 12 runs, which also divide a column of 12 levels."""
    run = np.arange(12)
    if kind == "12":
        return run[:, None]
    if kind == "4 3":
        return np.column_stack([run // 3, run % 3])
    if kind == "6 2^2":
        return np.column_stack([run // 2, run % 2, (run % 2 + run // 6) % 2])
    if kind == "3 2^4":
        return np.array([[int(digit) for digit in row] for row in L12_3_2])
    assert kind == "2^11", f"no array of 12 runs is called {kind}"
    return np.array([[0] * 11, *(np.roll(PLACKETT_BURMAN, shift) for shift in range(11))])


def _of_twelves() -> Iterator[Table]:
    """L24 and L36: columns of two or three levels, beside one of 12 levels or what divides it."""
    first = np.array([int(digit) for digit in DIFFERENCES_12])
    a, b = np.arange(12) // 2, np.arange(12) % 2
    shifted = first[(a[:, None] + a) % 6 * 2 + (b[:, None] + b) % 2]
    hadamard = np.column_stack([np.zeros(12, dtype=np.int64), _twelve("2^11")])
    for differences, order in ((hadamard, 2), (shifted, 3)):
        runs, twelve = _developed(differences, order)
        for kind in ("2^11", "3 2^4", "6 2^2", "4 3", "12"):
            if (order, kind) != (2, "2^11"):  # two levels only: a regular fraction says more about its aliases
                yield np.column_stack([_twelve(kind)[twelve], runs])
