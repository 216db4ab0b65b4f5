"""Which arms a design has, in which order and under which names."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import prod

import numpy as np
import pytest

from ablate.errors import AblateError, DesignError
from ablate.study.design import MOST_ARMS, Alias, Factor, Plan, grid, leave_one_out, one_at_a_time

LOSS = Factor("loss", ("contrastive", "triplet", "circle"), "triplet")
SAMPLER = Factor("sampler", ("random", "hard"), "random")
MARGIN = Factor("loss.margin", (0.1, 0.2), 0.2, when={"loss": ("triplet", "contrastive")})
RECIPE = [
    Factor("schedule", ("cosine", "constant"), "cosine"),
    Factor("normalise", (False, True), True),
    Factor("augment", ("flip", "none"), "flip"),
]


def names(plan: Plan) -> list[str]:
    return [arm.name for arm in plan.arms]


def random_factors(rng: np.random.Generator) -> list[Factor]:
    """One to five factors of two to four levels, each with one of them as baseline."""
    factors = []
    for place in range(rng.integers(1, 6)):
        levels = tuple(range(int(rng.integers(2, 5))))
        factors.append(Factor(f"f{place}", levels, int(rng.choice(levels))))
    return factors


def test_one_at_a_time_changes_one_factor_of_the_baseline() -> None:
    plan = one_at_a_time([LOSS, MARGIN, SAMPLER])
    assert [(arm.name, dict(arm.levels)) for arm in plan.arms] == [
        ("baseline", {"loss": "triplet", "loss.margin": 0.2, "sampler": "random"}),
        ("loss=contrastive", {"loss": "contrastive", "loss.margin": 0.2, "sampler": "random"}),
        ("loss=circle", {"loss": "circle", "sampler": "random"}),
        ("loss.margin=0.1", {"loss": "triplet", "loss.margin": 0.1, "sampler": "random"}),
        ("sampler=hard", {"loss": "triplet", "loss.margin": 0.2, "sampler": "hard"}),
    ]
    assert plan.baseline is plan.arms[0]


def test_one_at_a_time_leaves_out_what_is_excluded() -> None:
    plan = one_at_a_time([LOSS, SAMPLER], [{"loss": ("circle", "contrastive")}])
    assert names(plan) == ["baseline", "sampler=hard"]


@pytest.mark.parametrize("design", [one_at_a_time, leave_one_out])
def test_a_factor_that_the_baseline_lacks_is_refused_by_designs_that_vary_the_baseline(
    design: Callable[[list[Factor]], Plan],
) -> None:
    loss = Factor("loss", ("circle", "triplet"), "circle")
    margin = Factor("loss.margin", (0.1, 0.2), 0.2, when={"loss": ("triplet",)})
    with pytest.raises(DesignError, match=r"(?s)'loss.margin'.*\{loss: triplet\}\n  choose a baseline.*or take"):
        design([loss, margin])
    assert len(grid([loss, margin]).arms) == 3


def test_leave_one_out_takes_out_each_part_and_then_each_group() -> None:
    plan = leave_one_out(RECIPE, {"regularisers": ("normalise", "augment")})
    assert [(arm.name, tuple(arm.levels.values())) for arm in plan.arms] == [
        ("baseline", ("cosine", True, "flip")),
        ("without schedule", ("constant", True, "flip")),
        ("without normalise", ("cosine", False, "flip")),
        ("without augment", ("cosine", True, "none")),
        ("without regularisers", ("cosine", False, "none")),
    ]


def test_leaving_out_a_part_takes_with_it_what_exists_only_there() -> None:
    strength = Factor("strength", (1, 2), 1, when={"augment": ("flip",)})
    plan = leave_one_out([*RECIPE, strength])
    assert {arm.name: "strength" in arm.levels for arm in plan.arms}["without augment"] is False
    with pytest.raises(DesignError, match="group 'both' is the arm 'without augment' once more"):
        leave_one_out([*RECIPE, strength], {"both": ("augment", "strength")})


@pytest.mark.parametrize(
    ("factors", "groups", "what", "mend"),
    [
        ([LOSS], {}, "factor 'loss' has 3 levels", "or use design one_at_a_time"),
        (RECIPE, {"augment": ("schedule", "normalise")}, "the name of a factor", "another name"),
        (RECIPE, {"both": ("schedule", "normalize")}, "group 'both': 'normalize' is no factor", "schedule, normalise"),
        (RECIPE, {"none": ()}, "group 'none': it is empty", "factors are: schedule"),
        (RECIPE, {"one": ("schedule",)}, "group 'one' is the arm 'without schedule' once more", "take the group out"),
    ],
)
def test_leave_one_out_refuses_what_takes_nothing_out(
    factors: list[Factor], groups: dict[str, tuple[str, ...]], what: str, mend: str
) -> None:
    with pytest.raises(DesignError) as caught:
        leave_one_out(factors, groups)
    first, _, second = str(caught.value).partition("\n  ")
    assert what in first and mend in second


def test_a_grid_has_the_baseline_first_and_then_the_order_of_factors_and_levels() -> None:
    assert names(grid([LOSS, SAMPLER])) == [
        "loss=triplet sampler=random",
        "loss=contrastive sampler=random",
        "loss=contrastive sampler=hard",
        "loss=triplet sampler=hard",
        "loss=circle sampler=random",
        "loss=circle sampler=hard",
    ]


def test_in_a_grid_an_absent_factor_multiplies_nothing() -> None:
    plan = grid([MARGIN, SAMPLER, LOSS])  # the condition's factor comes last
    expected = {
        (margin if loss != "circle" else None, sampler, loss)
        for margin, sampler, loss in product(MARGIN.levels, SAMPLER.levels, LOSS.levels)
    }
    found = [(arm.levels.get("loss.margin"), arm.levels["sampler"], arm.levels["loss"]) for arm in plan.arms]
    assert len(found) == len(set(found)) == 2 * 2 * 2 + 2
    assert set(found) == expected
    assert "sampler=hard loss=circle" in names(plan)
    assert "holes" in plan.note


def test_a_grid_leaves_out_every_combination_that_an_exclude_matches() -> None:
    whole, plan = grid([LOSS, SAMPLER]), grid([LOSS, SAMPLER], [{"loss": ("circle", "contrastive"), "sampler": "hard"}])
    assert set(names(whole)) - set(names(plan)) == {"loss=circle sampler=hard", "loss=contrastive sampler=hard"}
    assert "clear" in whole.note and "holes" in plan.note


@pytest.mark.parametrize("design", [one_at_a_time, grid])
def test_excluding_all_but_the_baseline_is_refused(design: Callable[..., Plan]) -> None:
    with pytest.raises(DesignError, match="every arm but the baseline"):
        design([SAMPLER], [{"sampler": "hard"}])


def test_a_grid_that_nobody_trains_is_refused_before_it_is_built() -> None:
    factors = [Factor(f"f{place}", (0, 1), 0) for place in range(60)]
    with pytest.raises(DesignError, match=f"more than {MOST_ARMS} arms\n  use design fractional"):
        grid(factors)


@pytest.mark.parametrize("seed", range(30))
def test_sizes_of_designs_of_random_factors(seed: int) -> None:
    factors = random_factors(np.random.default_rng(seed))
    counts = [len(factor.levels) for factor in factors]
    whole, single = grid(factors), one_at_a_time(factors)
    assert len(whole.arms) == len(set(names(whole))) == prod(counts)
    assert {tuple(arm.levels.values()) for arm in whole.arms} == set(product(*map(range, counts)))
    assert len(single.arms) == len(set(names(single))) == 1 + sum(counts) - len(counts)
    for plan in (whole, single):
        assert plan.baseline is not None
        assert dict(plan.baseline.levels) == {factor.name: factor.baseline for factor in factors}


@pytest.mark.parametrize("seed", range(30))
def test_one_level_more_leaves_the_names_of_earlier_arms_and_what_they_stand_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    factors = random_factors(rng)
    place = int(rng.integers(len(factors)))
    old = factors[place]
    at = int(rng.integers(len(old.levels) + 1))
    extended = list(factors)
    extended[place] = Factor(old.name, (*old.levels[:at], 99, *old.levels[at:]), old.baseline)
    for design in (grid, one_at_a_time):
        before, after = ({arm.name: dict(arm.levels) for arm in design(each).arms} for each in (factors, extended))
        assert before.items() <= after.items() and len(after) > len(before)


def test_a_design_error_is_a_mistake_that_the_command_line_shows() -> None:
    assert issubclass(DesignError, AblateError)


def test_an_alias_is_written_with_the_names_of_factors() -> None:
    assert str(Alias((("a",), ("b", "c"), ("d", "e")))) == "a = b*c = d*e"
    assert str(Alias((("a",), ("b", "c"), ("d", "e")), in_part=True)) == "a ~ b*c, d*e"
