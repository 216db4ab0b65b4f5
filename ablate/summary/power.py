"""What a design can see: the smallest difference that so many paired seeds find, and the seeds that a difference needs.

Exact for the two-sided paired t test. Its statistic has the noncentral t distribution under a true difference, and its
square, which is what a two-sided test looks at, the noncentral F. (A normal approximation promises too much: at three seeds
half of the difference that is needed.)
Source: Johnson and Welch 1940 (Biometrika 31:362), the distribution; Cohen 1988 (Statistical Power Analysis), its use.
"""

from __future__ import annotations

import math
from bisect import bisect_left

from scipy import special

FAR = 1e4
"""True difference in errors of the mean, above which the mean's own scatter no longer counts, only that of its error."""
HALVINGS = 60
"""Of the interval in which the answer lies: its width is then below a double's last digit."""


def power_of(n: int, difference: float, deviation: float, *, alpha: float = 0.05) -> float:
    """How often n paired seeds find a true mean `difference`, where differences scatter by `deviation`.

    `alpha` is the level of the one test: of a family corrected by Holm, 0.05 / its size, which is what the smallest p of
    the family has to reach. One seed finds nothing.
    """
    if n < 2:
        return 0.0
    if deviation == 0:
        return float(difference != 0)
    shift = min(abs(difference) / deviation * math.sqrt(n), 1e100)  # so that its square is finite
    bound = special.stdtrit(n - 1, 1 - alpha / 2)
    missed = float(special.ncfdtr(1, n - 1, shift**2, bound**2)) if shift < FAR else math.nan
    if math.isnan(missed):  # also in places with a shift above 35 (scipy 1.17, its issue 25106), where this is as good
        missed = float(special.chdtrc(n - 1, (n - 1) * (shift / bound) ** 2))
    return 1 - missed


def detectable(n: int, deviation: float, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """The smallest true mean difference that n paired seeds find with this power; infinite for one seed.

    `deviation` is that of the differences, not that of one arm. `alpha` as in `power_of`.
    """
    assert alpha < power < 1, f"a power is between alpha ({alpha}) and 1, not {power}"
    if n < 2:
        return math.inf
    if deviation == 0:
        return 0.0
    low, high = 0.0, deviation
    while power_of(n, high, deviation, alpha=alpha) < power:
        low, high = high, 2 * high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if power_of(n, middle, deviation, alpha=alpha) < power:
            low = middle
        else:
            high = middle
    return high


def seeds_needed(
    difference: float, deviation: float, *, power: float = 0.8, alpha: float = 0.05, most: int = 10_000
) -> int | None:
    """The fewest paired seeds that find a true mean `difference` with this power; None where `most` do not.

    Arguments as in `power_of`.
    """
    assert alpha < power < 1, f"a power is between alpha ({alpha}) and 1, not {power}"
    numbers = range(2, most + 1)
    place = bisect_left(numbers, power, key=lambda n: power_of(n, difference, deviation, alpha=alpha))
    return numbers[place] if place < len(numbers) else None
