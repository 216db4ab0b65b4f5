"""Names of arms are stable and unlike, conditions are followed through, and mistakes are told with their mend."""

from __future__ import annotations

from itertools import combinations

import pytest

from ablate.errors import DesignError
from ablate.study.factors import (
    Exclude,
    Factor,
    arms_of,
    check_factors,
    combination,
    conditions_first,
    excluding,
    written,
)
from ablate.types import Scalar

LOSS = Factor("loss", ("triplet", "circle"), "triplet")
MARGIN = Factor("loss.margin", (0.1, 0.2), 0.1, when={"loss": ("triplet",)})
MINER = Factor("miner", ("hard", "easy"), "hard", when={"loss.margin": (0.2,)})


def test_no_two_levels_are_written_alike() -> None:
    levels: list[Scalar] = [
        True,
        "true",
        1,
        "1",
        0.5,
        "0.5",
        "a b",
        "a",
        "loss=a",
        "inf",
        '"a"',
        "a|b",
        "-1",
        -1,
        "Ä",
        "",
    ]
    for one, other in combinations(levels, 2):
        assert written(one) != written(other), (one, other)


def test_an_arm_is_named_by_all_its_levels_in_factor_order() -> None:
    rate, augment = Factor("optimizer.lr", (1e-5, 0.1), 0.1), Factor("augment", (True, False), False)
    (arm,) = arms_of([rate, augment], [{"augment": True, "optimizer.lr": 1e-5}])
    assert arm.name == "optimizer.lr=1e-05 augment=true"
    assert list(arm.levels) == ["optimizer.lr", "augment"]


def test_a_condition_holds_only_where_the_other_factor_exists() -> None:
    factors = [MINER, MARGIN, LOSS]  # each waits for the next
    assert [factor.name for factor in conditions_first(factors)] == ["loss", "loss.margin", "miner"]
    assert combination(factors, {}) == {"loss.margin": 0.1, "loss": "triplet"}
    full = combination(factors, {"loss.margin": 0.2})
    assert list(full.items()) == [("miner", "hard"), ("loss.margin", 0.2), ("loss", "triplet")]
    assert combination(factors, {"loss": "circle", "loss.margin": 0.2}) == {"loss": "circle"}


def test_an_exclude_needs_every_factor_it_names_at_a_level_it_names() -> None:
    exclude: Exclude = [{"loss": ("triplet", "circle"), "loss.margin": 0.2}]
    assert excluding({"loss": "triplet", "loss.margin": 0.2}, exclude) == exclude[0]
    assert excluding({"loss": "triplet", "loss.margin": 0.1}, exclude) is None
    assert excluding({"loss": "circle"}, exclude) is None  # there is no margin to match


@pytest.mark.parametrize(
    ("factors", "exclude", "what", "mend"),
    [
        ([], [], "no factor is given", "name one or more"),
        ([Factor("loss", ("triplet",), "triplet")], [], "'loss' has one level", "give it a second level"),
        ([MARGIN], [], "when of factor 'loss.margin': 'loss' is no factor", "factors are: loss.margin"),
        (
            [LOSS, Factor("m", (1, 2), 1, when={"loss": ("tripelt",)})],
            [],
            "when of factor 'm': loss has no level tripelt",
            "levels are: triplet, circle",
        ),
        ([LOSS], [{"sampler": "hard"}], "exclude: 'sampler' is no factor", "factors are: loss"),
        ([LOSS], [{"loss": ("circle", 3)}], "exclude: loss has no level 3", "levels are: triplet, circle"),
        (
            [LOSS, MARGIN],
            [{"loss": "circle"}, {"loss": "triplet", "loss.margin": (0.1, 0.2)}],
            "exclude {loss: triplet, loss.margin: 0.1 | 0.2} leaves out the baseline",
            "choose another baseline",
        ),
        (
            [LOSS, Factor("a", (1, 2), 1, when={"b": (1,)}), Factor("b", (1, 2), 1, when={"a": (1,)})],
            [],
            "the factors a, b wait for each other",
            "take out the `when`",
        ),
    ],
)
def test_every_mistake_is_told_with_its_mend(factors: list[Factor], exclude: Exclude, what: str, mend: str) -> None:
    with pytest.raises(DesignError) as caught:
        check_factors(factors, exclude)
    first, _, second = str(caught.value).partition("\n  ")
    assert what in first and mend in second


def test_a_baseline_beside_the_levels_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="baseline 'circle' is none of"):
        Factor("loss", ("triplet",), "circle")
