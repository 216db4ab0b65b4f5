"""Effects against slow, obvious oracles: scipy's paired test, and loops over the cells."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats

from ablate.store.design import Design
from ablate.study.design import Factor
from ablate.study.design import grid as grid_plan
from ablate.study.fractional import fractional
from ablate.summary.ablation_tables import means_of
from ablate.summary.cells import cells_of
from ablate.summary.effects import effects_of, interactions_of
from ablate.types import Scalar
from tests.summary.ablations import BASELINE, LEVELS, design, grid, one_at_a_time, study

SEEDS = 5


def random_values(arms: dict[str, dict[str, Scalar]], seeds: int = SEEDS) -> dict[tuple[str, int], float | None]:
    draw = np.random.default_rng(1)
    seed_effect = draw.normal(0, 0.1, seeds)
    return {(arm, s): 0.7 + seed_effect[s] + draw.normal(0, 0.02) for s in range(seeds) for arm in arms}


def test_one_at_a_time_is_scipys_paired_test_against_the_baseline() -> None:
    arms = one_at_a_time()
    values = random_values(arms)
    found = effects_of(cells_of(study(design("one_at_a_time", arms, seeds=SEEDS), values)))
    assert [(e.factor, e.level, e.baseline) for e in found] == [
        ("loss", "info_nce", "triplet"),
        ("loss", "circle", "triplet"),
        ("sampler", "hard", "random"),
    ]
    ps = []
    for effect, arm in zip(found, list(arms)[1:], strict=True):
        one, base = (np.array([values[name, seed] for seed in range(SEEDS)], float) for name in (arm, "baseline"))
        test = stats.ttest_rel(one, base)
        low, high = test.confidence_interval(0.95)
        assert effect.paired.mean == pytest.approx((one - base).mean())
        assert [effect.paired.low, effect.paired.high] == pytest.approx([low, high])
        assert effect.paired.p == pytest.approx(test.pvalue)
        ps.append(float(test.pvalue))
    smallest = int(np.argmin(ps))
    assert found[smallest].p == pytest.approx(min(1.0, 3 * ps[smallest]))  # Holm's first step


def test_a_main_effect_of_a_grid_is_the_mean_over_all_else_within_each_seed() -> None:
    arms = grid()
    values = random_values(arms)
    found = {(e.factor, e.level): e for e in effects_of(cells_of(study(design("grid", arms, seeds=SEEDS), values)))}
    assert set(found) == {("loss", "info_nce"), ("loss", "circle"), ("sampler", "hard")}
    for level in ("info_nce", "circle"):
        by_hand = [
            np.mean(
                [
                    values[f"loss={level} sampler={b}", s] - values[f"loss=triplet sampler={b}", s]  # type: ignore[operator]
                    for b in LEVELS["sampler"]
                ]
            )
            for s in range(SEEDS)
        ]
        assert found["loss", level].paired.mean == pytest.approx(np.mean(by_hand))
        assert found["loss", level].paired.p == pytest.approx(stats.ttest_1samp(by_hand, 0).pvalue)


def test_an_interaction_is_what_both_levels_do_beyond_their_sum() -> None:
    arms = grid()
    alone = {"triplet": 0.0, "info_nce": 0.02, "circle": 0.05, "random": 0.0, "hard": 0.03}
    draw = np.random.default_rng(0)
    values: dict[tuple[str, int], float | None] = {}
    for seed, (a, b) in product(range(SEEDS), product(*LEVELS.values())):
        both = 0.04 if (a, b) == ("circle", "hard") else 0.0
        values[f"loss={a} sampler={b}", seed] = (
            0.5 + seed / 50 + alone[str(a)] + alone[str(b)] + both + draw.normal(0, 1e-4)
        )
    found = {e.level: e for e in interactions_of(cells_of(study(design("grid", arms, seeds=SEEDS), values)))}
    assert set(found) == {"info_nce*hard", "circle*hard"}
    assert found["circle*hard"].paired.mean == pytest.approx(0.04, abs=5e-4)
    assert found["circle*hard"].verdict == "better"
    assert found["info_nce*hard"].paired.mean == pytest.approx(0.0, abs=5e-4)


def test_a_fractional_plan_gives_the_effects_that_made_the_data() -> None:
    levels: dict[str, tuple[Scalar, ...]] = {name: ("off", "on") for name in "abcd"}
    runs = [run for run in product((0, 1), repeat=4) if sum(run) % 2 == 0]  # 2^(4-1), resolution IV
    arms: dict[str, dict[str, Scalar]] = {
        # "hard" arms take twice the time (tests/summary/ablations.py): here those with d
        " ".join(map(str, run)) + " hard" * run[3]: {name: levels[name][x] for name, x in zip("abcd", run, strict=True)}
        for run in runs
    }
    true = {"a": 0.1, "b": -0.05, "c": 0.0, "d": 0.02}
    made = Design(
        "fractional", arms, "0 0 0 0", levels, dict.fromkeys("abcd", "off"), tuple(range(SEEDS)), None, 0, (), ""
    )
    draw = np.random.default_rng(0)
    values: dict[tuple[str, int], float | None] = {
        (arm, seed): 0.5 + seed / 30 + sum(true[f] for f in "abcd" if chosen[f] == "on") + draw.normal(0, 1e-4)
        for arm, chosen in arms.items()
        for seed in range(SEEDS)
    }
    found = effects_of(cells_of(study(made, values)))
    assert {e.factor: e.paired.mean for e in found} == {name: pytest.approx(x, abs=3e-4) for name, x in true.items()}
    assert {e.factor: e.train_time for e in found} == {
        name: pytest.approx(1.0 if name == "d" else 0.0, abs=1e-9) for name in "abcd"
    }
    of_a = [
        np.mean([values[arm, s] for arm in arms if arms[arm]["a"] == "on"])
        - np.mean([values[arm, s] for arm in arms if arms[arm]["a"] == "off"])
        for s in range(SEEDS)
    ]
    assert found[0].paired.mean == pytest.approx(np.mean(of_a))  # orthogonal: the difference of means


def test_in_a_fractional_plan_with_a_when_a_level_is_compared_over_all_levels_of_what_depends_on_it() -> None:
    a, b = Factor("a", ("off", "on"), "off"), Factor("b", ("off", "on"), "off")
    plan = fractional([a, b, Factor("margin", (1, 2, 3), 1, when={"a": ("on",)})])
    added = {1: 0.0, 2: 0.03, 3: -0.09}
    made = Design(
        kind="fractional",
        arms={arm.name: dict(arm.levels) for arm in plan.arms},
        baseline=plan.arms[0].name,
        levels={"a": a.levels, "b": b.levels, "margin": (1, 2, 3)},
        baseline_levels={"a": "off", "b": "off", "margin": 1},
        seeds=(0, 1),
        margin=None,
        tuned=0,
        aliases=(),
        note="",
    )
    values: dict[tuple[str, int], float | None] = {
        (arm.name, seed): 0.5
        + seed / 30
        + 0.1 * (arm.levels["a"] == "on")
        + 0.02 * (arm.levels["b"] == "on")
        + (added[int(arm.levels["margin"])] if "margin" in arm.levels else 0)
        for arm in plan.arms
        for seed in (0, 1)
    }
    found = {(e.factor, e.level): e.paired.mean for e in effects_of(cells_of(study(made, values)))}
    over_margins = 0.1 + sum(added.values()) / 3
    expected = {("a", "on"): over_margins, ("b", "on"): 0.02, ("margin", "2"): 0.03, ("margin", "3"): -0.09}
    assert found == {key: pytest.approx(value) for key, value in expected.items()}


@pytest.mark.parametrize("value", [1.0, 0.7, 0.983])
def test_arms_that_are_all_equal_differ_by_nothing_whatever_rounding_leaves(value: float) -> None:
    factors = [Factor(name, ("off", "on", "more"), "off") for name in "abcd"]
    for plan in (fractional([*factors, Factor("e", ("off", "on"), "off")]), grid_plan(factors[:2])):
        levels = {name: plan.arms[0].levels[name] for name in plan.arms[0].levels}
        made = Design(
            kind=plan.design,
            arms={arm.name: dict(arm.levels) for arm in plan.arms},
            baseline=plan.arms[0].name,
            levels={name: ("off", "on", "more") if name != "e" else ("off", "on") for name in levels},
            baseline_levels=levels,
            seeds=tuple(range(12)),
            margin=None,
            tuned=0,
            aliases=(),
            note="",
        )
        for spread in (0.0, 0.01):  # the same in all arms: seeds alone differ
            values: dict[tuple[str, int], float | None] = {
                (arm.name, seed): value - seed * spread for arm in plan.arms for seed in range(12)
            }
            for effect in effects_of(cells_of(study(made, values))):
                assert (effect.paired.mean, effect.verdict) == (0.0, "cannot tell apart"), (plan.design, effect)


def test_a_seed_counts_only_where_both_arms_are_complete() -> None:
    arms = one_at_a_time()
    values = random_values(arms)
    values["loss=circle", 1] = None
    values["baseline", 3] = None
    found = {e.level: e for e in effects_of(cells_of(study(design("one_at_a_time", arms, seeds=SEEDS), values)))}
    assert (found["circle"].paired.n, found["info_nce"].paired.n) == (3, 4)


def test_in_a_grid_an_arm_that_never_completes_leaves_its_context_out_and_a_failed_seed_is_dropped() -> None:
    arms = grid()
    values = random_values(arms)
    for seed in range(SEEDS):
        values["loss=circle sampler=hard", seed] = None
    values["loss=info_nce sampler=hard", 2] = None
    found = {e.level: e for e in effects_of(cells_of(study(design("grid", arms, seeds=SEEDS), values)))}
    alone = [values["loss=circle sampler=random", s] - values["loss=triplet sampler=random", s] for s in range(SEEDS)]  # type: ignore[operator]
    assert found["circle"].paired.mean == pytest.approx(np.mean(alone))
    assert (found["circle"].paired.n, found["info_nce"].paired.n) == (SEEDS, SEEDS - 1)


def test_one_seed_has_a_difference_and_neither_interval_nor_test() -> None:
    arms = one_at_a_time()
    found = effects_of(cells_of(study(design("one_at_a_time", arms, seeds=1), random_values(arms, 1))))
    for effect in found:
        assert effect.paired.n == 1 and effect.paired.mean is not None
        assert (effect.paired.low, effect.paired.p, effect.p, effect.detectable) == (None, None, None, None)
        assert effect.verdict == "not tested"


def test_a_metric_that_is_better_when_lower_turns_the_verdict() -> None:
    arms = one_at_a_time()
    values: dict[tuple[str, int], float | None] = {
        (arm, s): 0.2 + s / 100 + (0.1 if arm == "sampler=hard" else 0.001 * s * len(arm))
        for s in range(SEEDS)
        for arm in arms
    }
    made = study(design("one_at_a_time", arms, seeds=SEEDS), values)
    for row in made.trials:
        row.metrics["test/eer"] = row.metrics["test/recall_at_1"]  # type: ignore[index]
    verdicts = {e.level: e.verdict for e in effects_of(cells_of(made, "test/eer"))}
    assert verdicts["hard"] == "worse"
    assert {e.level: e.verdict for e in effects_of(cells_of(made))}["hard"] == "better"


def test_within_the_stated_margin_levels_are_equivalent() -> None:
    arms = one_at_a_time()
    draw = np.random.default_rng(0)
    values: dict[tuple[str, int], float | None] = {
        (arm, s): 0.7 + s / 20 + draw.normal(0, 0.0005) for s in range(SEEDS) for arm in arms
    }
    found = effects_of(cells_of(study(design("one_at_a_time", arms, seeds=SEEDS, margin=0.01), values)))
    assert {e.verdict for e in found} == {"equivalent"}


def test_training_time_is_compared_within_pairs() -> None:
    arms = one_at_a_time()
    found = effects_of(cells_of(study(design("one_at_a_time", arms, seeds=SEEDS), random_values(arms))))
    assert [e.train_time for e in found] == [0.0, 0.0, 1.0]


def test_rows_of_other_arms_seeds_and_phases_do_not_count() -> None:
    arms = one_at_a_time()
    made = study(design("one_at_a_time", arms, seeds=2), random_values(arms, 4))
    assert {len(rows) for rows in cells_of(made).rows.values()} == {2}
    assert arms["baseline"] == BASELINE


def nested() -> Design:
    """A grid of f x g, in which h exists where g is y: two arms for g = y beside one for g = x."""
    arms: dict[str, dict[str, Scalar]] = {}
    for f in ("a", "b"):
        arms[f"{f} x"] = {"f": f, "g": "x"}
        arms |= {f"{f} y {h}": {"f": f, "g": "y", "h": h} for h in (1, 2)}
    levels: dict[str, tuple[Scalar, ...]] = {"f": ("a", "b"), "g": ("x", "y"), "h": (1, 2)}
    base: dict[str, Scalar] = {"f": "a", "g": "x", "h": 1}
    return Design("grid", arms, "a x", levels, base, (0, 1), None, 0, (), "")


def test_a_level_with_sub_levels_weighs_as_much_as_one_without() -> None:
    reached = {"a x": 0.50, "a y 1": 0.50, "a y 2": 0.40, "b x": 0.60, "b y 1": 0.70, "b y 2": 0.80}
    values: dict[tuple[str, int], float | None] = {
        (arm, s): value + s / 10 for arm, value in reached.items() for s in (0, 1)
    }
    cells = cells_of(study(nested(), values))
    found = {(e.factor, e.level): e.paired.mean for e in effects_of(cells)}
    assert found["f", "b"] == pytest.approx((0.10 + (0.20 + 0.40) / 2) / 2)  # arm by arm it would be 0.70 / 3
    assert found["g", "y"] == pytest.approx(((0.00 - 0.10) / 2 + (0.10 + 0.20) / 2) / 2)
    assert found["h", "2"] == pytest.approx((-0.10 + 0.10) / 2)
    assert means_of(cells, "f", "g")["b", "y"] == pytest.approx(0.05 + (0.70 + 0.80) / 2)


def test_an_interaction_weighs_sub_levels_alike_too() -> None:
    design = nested()
    arms: dict[str, dict[str, Scalar]] = {
        f"{arm} {k}": {**levels, "k": k} for arm, levels in design.arms.items() for k in ("off", "on")
    }
    wider = replace(
        design,
        arms=arms,
        levels={**design.levels, "k": ("off", "on")},
        baseline_levels={**design.baseline_levels, "k": "off"},
    )
    both = {"x": 0.10, "y 1": 0.20, "y 2": 0.60}  # what f = b and k = on do together, by what else there is
    values: dict[tuple[str, int], float | None] = {
        (arm, s): 0.1 + s / 10 + (both[arm[2:-3]] if levels["f"] == "b" and levels["k"] == "on" else 0.0)
        for arm, levels in arms.items()
        for s in (0, 1)
    }
    found = {(e.factor, e.level): e.paired.mean for e in interactions_of(cells_of(study(wider, values)))}
    assert found["f*k", "b*on"] == pytest.approx((0.10 + (0.20 + 0.60) / 2) / 2)
    assert means_of(cells_of(study(wider, values)), "f", "k")["b", "on"] == pytest.approx(0.15 + (0.10 + 0.40) / 2)


def test_a_hole_in_a_grid_makes_no_interaction_of_a_sub_factors_effect() -> None:
    """The baseline loss has a margin, the other none: without one of its margins, corners must not differ in that."""
    arms: dict[str, dict[str, Scalar]] = {
        f"{loss} {margin} {sampler}": {"loss": loss, **({"margin": margin} if margin else {}), "sampler": sampler}
        for loss, margin in (("triplet", 0.1), ("triplet", 0.5), ("contrastive", 0.0))
        for sampler in ("random", "hard")
        if (margin, sampler) != (0.5, "hard")
    }
    levels: dict[str, tuple[Scalar, ...]] = {
        "loss": ("triplet", "contrastive"),
        "margin": (0.1, 0.5),
        "sampler": ("random", "hard"),
    }
    base: dict[str, Scalar] = {"loss": "triplet", "margin": 0.1, "sampler": "random"}
    made = Design("grid", arms, "triplet 0.1 random", levels, base, tuple(range(SEEDS)), None, 0, (), "")
    alone = {"contrastive": 0.03, 0.5: -0.10, "hard": 0.02}
    values: dict[tuple[str, int], float | None] = {
        (arm, seed): 0.7 + seed / 50 + sum(alone.get(level, 0.0) for level in of_arm.values())
        for arm, of_arm in arms.items()
        for seed in range(SEEDS)
    }
    (found,) = interactions_of(cells_of(study(made, values)))
    assert found.level == "contrastive*hard"
    assert found.paired.mean == pytest.approx(0.0, abs=1e-9)
