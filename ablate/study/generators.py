"""Regular two-level fractions: the fewest runs in which effects of low order stay apart.

A fraction of 2^n runs gives each factor a column, a nonzero word of n bits; run r has the factor at its other level where
r and the word share an odd number of bits. Factors whose words cancel (XOR to 0) are a word of the defining relation; the
shortest such word is the resolution. Among fractions of one size the one with the fewest short words is taken
(minimum aberration; Fries and Hunter 1980, Technometrics 22:601).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]

LONGEST = 7
"""Words of the defining relation are told apart up to this length; no fraction asked for here has only longer ones."""
MOST_NODES = 2_000
"""Steps of one search: 0.1 s. Up to 12 factors it finds the published minimum aberration in fewer."""


def regular_fraction(num_factors: int, resolution: int) -> tuple[int, ...]:
    """One column for each factor: single bits for the first n, then generated ones; all single bits if there is no fraction.

    `resolution` 3: main effects stay apart; 4: also from two-factor interactions; 5: those too from each other.
    """
    assert resolution in (3, 4, 5), f"no search for resolution {resolution}"
    for num_bits in range(_fewest_bits(num_factors, resolution), num_factors):
        for target in range(num_bits + 1, resolution - 1, -1):  # a word has at most the bits of one column, and itself
            found = _Search(num_factors, num_bits, target).best()
            if found is not None:
                return found
    return tuple(1 << bit for bit in range(num_factors))


def shortest_word(columns: tuple[int, ...]) -> int | None:
    """The resolution: the fewest columns that cancel; None where none do, as in the full factorial."""
    num_bits = max(columns).bit_length()
    counts = _no_columns(num_bits, longest=num_bits + 1)  # one more than there are bits always cancel
    for column in columns:
        counts = _with_column(counts, column)
    return next((length for length in range(1, num_bits + 2) if counts[length, 0] > 0), None)


def _fewest_bits(num_factors: int, resolution: int) -> int:
    """No fraction has fewer: columns differ and are not 0; no two sum to a third; no two pairs have the same sum."""
    bits = 1
    while not {
        3: num_factors <= 2**bits - 1,
        4: num_factors <= 2 ** (bits - 1),
        5: 1 + num_factors + num_factors * (num_factors - 1) // 2 <= 2**bits,
    }[resolution]:
        bits += 1
    return bits


def _no_columns(num_bits: int, longest: int) -> Counts:
    counts = np.zeros((longest + 1, 2**num_bits), dtype=np.int64)
    counts[0, 0] = 1
    return counts


def _with_column(counts: Counts, column: int) -> Counts:
    """[L, 2^n] sets of l columns that XOR to each word, after one column more."""
    more = counts.copy()
    more[1:] += counts[:-1, np.arange(counts.shape[1]) ^ column]
    return more


class _Search:
    """Branch and bound over sets of generated columns, long ones first."""

    def __init__(self, num_factors: int, num_bits: int, resolution: int) -> None:
        self.num_bits, self.resolution = num_bits, resolution
        self.num_generated = num_factors - num_bits
        self.longest = min(LONGEST, num_factors)
        self.nodes = 0
        self.found: tuple[int, ...] | None = None
        self.fewest: list[int] | None = None
        self.base = tuple(1 << bit for bit in range(num_bits))

    def best(self) -> tuple[int, ...] | None:
        """The columns with the fewest short words that the search came upon; None where it came upon none."""
        words = [word for word in range(1, 2**self.num_bits) if word.bit_count() >= self.resolution - 1]
        words.sort(key=lambda word: (-word.bit_count(), word))
        counts = _no_columns(self.num_bits, self.longest)
        for column in self.base:
            counts = _with_column(counts, column)
        odd = [word for word in words if word.bit_count() % 2 == 1][: self.num_generated]
        if self.resolution == 4 and len(odd) == self.num_generated:  # odd words never cancel in threes
            self._keep(odd, counts)
        self._extend((), np.array(words, dtype=np.int64), counts)
        return None if self.found is None else self.base + self.found

    def _keep(self, generated: list[int], counts: Counts) -> None:
        for column in generated:
            counts = _with_column(counts, column)
        self.found, self.fewest = tuple(generated), counts[1:, 0].tolist()

    def _extend(self, generated: tuple[int, ...], words: Counts, counts: Counts) -> None:
        self.nodes += 1
        num_left = self.num_generated - len(generated)
        lengths = counts[1:, 0]
        if num_left == 0:
            if self.fewest is None or lengths.tolist() < self.fewest:
                self.found, self.fewest = generated, lengths.tolist()
            return
        added = counts[:-1, words]  # [L, W]: words of length l+1 that each column would add
        allowed = (added[: self.resolution - 1] == 0).all(axis=0)
        words, added = words[allowed], added[:, allowed]
        for place, word in enumerate(words.tolist()):
            if len(words) - place < num_left or self.nodes >= MOST_NODES:
                return
            # bits can be renamed: the first, longest column may have its bits at the lower end
            if not generated and word != 2 ** word.bit_count() - 1:
                continue
            least = lengths + num_left * added[:, place:].min(axis=1)
            if self.fewest is not None and least.tolist() >= self.fewest:
                return
            self._extend((*generated, word), words[place + 1 :], _with_column(counts, word))
