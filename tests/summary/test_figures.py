"""The pictures of an ablation: which are drawn, and that each is a picture of what the tables say."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from PIL import Image

from ablate.study.study import Objective
from ablate.summary.figures import figures_of
from ablate.summary.pareto import default_front, pareto_front
from ablate.summary.pareto_figure import pareto_figure
from ablate.summary.render import render
from ablate.summary.trade_off import trade_off
from ablate.types import Scalar
from tests.summary.ablations import LEVELS, design, grid, one_at_a_time, study
from tests.summary.rows import of, row


def values_of(arms: dict[str, dict[str, Scalar]]) -> dict[tuple[str, int], float | None]:
    draw = np.random.default_rng(0)
    return {(arm, seed): 0.7 + draw.normal(0, 0.05) for arm, seed in product(arms, range(3))}


def test_a_grid_is_drawn_with_its_effects_and_a_heat_map() -> None:
    arms = grid()
    drawn = figures_of(study(design("grid", arms, seeds=3), values_of(arms)))
    assert set(drawn) == {"effects.png", "heat_loss_sampler.png"}
    for name, content in drawn.items():
        picture = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
        assert min(picture.shape) > 150 and picture.std() > 10, f"{name} shows nothing"


def test_a_heat_map_is_darker_where_the_metric_is_better() -> None:
    arms = grid()
    best = f"loss={LEVELS['loss'][0]} sampler={LEVELS['sampler'][0]}"
    values: dict[tuple[str, int], float | None] = {
        (arm, s): 0.9 if arm == best else 0.1 for arm in arms for s in (0, 1)
    }
    content = figures_of(study(design("grid", arms, seeds=2), values))["heat_loss_sampler.png"]
    blue = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)
    dark = (blue[..., 2] - blue[..., 0] > 80).mean()  # the darkest blue of the map, #08306b
    assert 0.02 < dark < 0.3, "one cell of six should be dark"


@pytest.mark.parametrize("seeds", [1, 3])
def test_other_designs_have_no_heat_map(seeds: int) -> None:
    arms = one_at_a_time()
    assert set(figures_of(study(design("one_at_a_time", arms, seeds=seeds), values_of(arms)))) == {"effects.png"}


def test_where_no_arm_is_complete_nothing_is_drawn() -> None:
    arms = one_at_a_time()
    nothing: dict[tuple[str, int], float | None] = {(arm, 0): None for arm in arms}
    assert figures_of(study(design("one_at_a_time", arms, seeds=1), nothing)) == {}


def test_where_all_arms_cost_the_same_to_use_the_front_is_drawn_against_training() -> None:
    arms = one_at_a_time()
    found = study(design("one_at_a_time", arms, seeds=3), values_of(arms))
    assert default_front(found, pareto_front(found), None).names == ("test/recall_at_1", "cost/train_seconds")
    rows = render(found, pareto_front(found), "table").splitlines()
    assert next(line for line in rows if line.startswith("arm ")).split()[-3:] == ["MFLOP", "train", "s"]
    page = render(found, pareto_front(found), "html")
    assert "MFLOP</th>" in page, "arms are told with what they cost to use, also there"


def test_the_objectives_of_a_search_are_its_front_whatever_differs() -> None:
    rows = (row("0001", recall=0.9, eer=0.2, flops=1.0), row("0002", recall=0.8, eer=0.1, flops=1.0))
    weighed = (Objective("val/recall_at_1", "maximize"), Objective("val/eer", "minimize"))
    found = replace(of(*rows), weighed=weighed)
    assert default_front(found, pareto_front(found), None).names == ("val/recall_at_1", "val/eer")
    found = replace(of(*rows), weighed=(weighed[0], Objective("cost/flops", "minimize")))
    assert default_front(found, pareto_front(found), None).names == ("val/recall_at_1", "cost/flops")


def test_arms_of_a_front_are_named_apart_and_stand_where_the_tables_have_them() -> None:
    arms = grid()
    values = {(arm, seed): 0.5 + at / 20 + seed / 50 for at, arm in enumerate(arms) for seed in range(3)}
    found = study(design("grid", arms, seeds=3), values)
    costly = [
        replace(row, cost={**row.cost, "cost/flops": 1e6 * (1 + list(arms).index(row.arm))}) for row in found.trials
    ]
    found = replace(found, trials=costly)
    traded = trade_off(found, default_front(found, pareto_front(found), None))
    assert traded.names == ("test/recall_at_1", "cost/flops")
    (axes,) = pareto_figure(traded).axes
    assert axes.get_xlabel() == "MFLOP (less is better)" and axes.get_xlim()[1] < 20, "in the unit of the tables"
    named = {text.get_text().replace("\n", " ") for text in axes.texts}
    assert named == set(arms)
