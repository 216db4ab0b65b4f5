"""How much an arm counts in a mean over arms: every level of a factor alike, however many sub-levels one of them has.

A factor that exists only `when` another has a level splits that level into several arms: averaged arm by arm, the level would
count once for each of them. A plan without `when` has arms of equal weight.
"""

from __future__ import annotations

import math

from ablate.store.design import Design


def weight_of(design: Design, *arms: str) -> float:
    """Of one arm, or of arms that are compared together: in shares, which sum to 1 over a whole grid."""
    factors = {factor for arm in arms for factor in design.arms[arm]}
    return 1 / math.prod(len(design.levels[factor]) for factor in factors)
