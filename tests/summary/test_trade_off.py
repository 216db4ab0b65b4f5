"""What is told of a front: standings by intervals, who dominates whom, steps, knee and hypervolume, in every format."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ablate.store.read import StudyResults
from ablate.summary.figures import figures_of
from ablate.summary.pareto import pareto_front
from ablate.summary.pareto_figure import pareto_figure
from ablate.summary.render import FORMATS, render
from ablate.summary.trade_off import trade_off
from tests.summary.ablations import design, one_at_a_time, study
from tests.summary.rows import of, row

SEARCH = of(
    row("0001", recall=0.90, latency=10.0),
    row("0002", recall=0.88, latency=2.0),
    row("0003", recall=0.50, latency=1.0),
    row("0004", recall=0.80, latency=4.0),
    row("0005", recall=0.70),
)
NAMES = ("val/recall_at_1", ["cost/latency_ms_p50"])


def shown(found: StudyResults, format: str = "table") -> str:
    return render(found, pareto_front(found, *NAMES), format)


def ablation(*, noise: float, seeds: int = 4) -> StudyResults:
    """`loss=circle` is best and slow, the baseline fast; info_nce is 0.01 worse and as slow as circle, hard is far off."""
    means = {"baseline": 0.7, "loss=info_nce": 0.79, "loss=circle": 0.8, "sampler=hard": 0.5}
    draw, arms = np.random.default_rng(0), one_at_a_time()
    values: dict[tuple[str, int], float | None] = {
        (arm, s): means[arm] + noise * draw.normal() for s in range(seeds) for arm in arms
    }
    made = study(design("one_at_a_time", arms, seeds=seeds), values)
    slow = {"baseline": 1.0, "sampler=hard": 2.0}
    rows = [replace(r, cost={**r.cost, "cost/latency_ms_p50": slow.get(r.arm, 3.0)}) for r in made.trials]
    return replace(made, trials=rows)


def standings(found: StudyResults) -> dict[str, str]:
    traded = trade_off(found, pareto_front(found, "test/recall_at_1", ["cost/latency_ms_p50"]))
    return {place.name: place.standing for place in traded.places}


def test_an_arm_is_possibly_on_the_front_where_its_interval_reaches_it() -> None:
    told = {"loss=circle": "front", "baseline": "front", "sampler=hard": "dominated"}
    assert standings(ablation(noise=0.0005)) == {**told, "loss=info_nce": "dominated"}
    assert standings(ablation(noise=0.02)) == {**told, "loss=info_nce": "possible"}


def test_one_seed_has_no_interval_and_so_nothing_is_possible() -> None:
    assert "possible" not in standings(ablation(noise=0.02, seeds=1)).values()


def test_an_arm_that_lacks_a_number_in_a_seed_is_not_compared() -> None:
    made = ablation(noise=0.01)
    first = made.trials[0]
    rest = [replace(first, cost={"cost/flops": 1.0}), *made.trials[1:]]
    traded = trade_off(replace(made, trials=rest), pareto_front(made, "test/recall_at_1", ["cost/latency_ms_p50"]))
    assert (first.arm not in {place.name for place in traded.places}) and traded.unmeasured == 1


def test_steps_say_what_each_point_costs_the_cheapest_first() -> None:
    text = shown(SEARCH)
    lines = text.split("steps along the front, towards better val/recall_at_1\n")[1].splitlines()[1:3]
    assert lines[0].split()[:2] == ["0003", "0002"] and lines[0].endswith("+38.00 points for +1 ms p50")
    assert lines[1].split()[:2] == ["0002", "0001"] and lines[1].endswith("+2.00 points for +8 ms p50")


def test_of_equal_trials_one_stands_for_all_on_the_way_along_the_front() -> None:
    text = shown(of(*SEARCH.trials, row("0006", recall=0.88, latency=2.0)))
    steps = text.split("steps along the front, towards better val/recall_at_1\n")[1].split("\n\n")[0]
    assert len(steps.splitlines()) == 3 and "+0 ms" not in steps


def test_the_dominated_are_named_with_who_beats_them_and_by_how_much() -> None:
    (line,) = shown(SEARCH).split("dominated trials\n")[1].splitlines()[1:]
    assert line.split()[:3] == ["0004", "0.8000", "4"] and line.endswith("0002  +8.00 points, -2 ms p50")


def test_who_may_be_on_the_front_is_not_told_among_the_dominated() -> None:
    found = ablation(noise=0.02)
    text = render(found, pareto_front(found, "test/recall_at_1", ["cost/latency_ms_p50"]), "table")
    dominated = text.split("dominated arms, by their means\n")[1].split("\n\n")[0]
    assert "sampler=hard" in dominated and "loss=info_nce" not in dominated
    assert "possibly on the front" in text


def test_hypervolume_knee_and_reference_are_computed_by_hand() -> None:
    traded = trade_off(SEARCH, pareto_front(SEARCH, *NAMES))
    reference = (0.5 - 0.1 * 0.4, 10 + 0.1 * 9)  # a tenth of the range beyond the worst
    volume = (0.90 - reference[0]) * (reference[1] - 10) + (0.88 - reference[0]) * 8 + (0.50 - reference[0]) * 1
    assert traded.reference == pytest.approx(reference)
    assert traded.hypervolume == pytest.approx(volume)
    assert traded.share == pytest.approx(volume / ((0.90 - reference[0]) * (reference[1] - 1)))
    assert (traded.knee, traded.unmeasured) == ("0002", 1)
    text = shown(SEARCH)
    line = text.split("Pareto front of the trials")[1].splitlines()[3]
    assert line.split()[:4] == ["0002", "0.8800", "2", "knee"]
    assert "reference: val/recall_at_1 0.46, cost/latency_ms_p50 10.9 (a tenth" in text.replace("\n", " ")
    assert "1 trial lacks one of these numbers" in text


def test_json_tells_the_front_only_to_who_asked_for_it() -> None:
    found = json.loads(shown(SEARCH, "json"), parse_constant=pytest.fail)["front"]
    assert found["objectives"][1] == {"name": "cost/latency_ms_p50", "goal": "minimize"}
    assert [(p["name"], p["standing"], p["by"]) for p in found["places"]] == [
        ("0001", "front", []),
        ("0002", "front", []),
        ("0003", "front", []),
        ("0004", "dominated", ["0002"]),
    ]
    assert "front" not in json.loads(render(SEARCH, pareto_front(SEARCH), "json"))


def test_csv_says_of_every_trial_where_its_arm_stands() -> None:
    rows = list(csv.DictReader(io.StringIO(shown(ablation(noise=0.0005), "csv"))))
    told = {(r["arm"], r["standing"], r["dominated_by"]) for r in rows}
    assert ("sampler=hard", "dominated", "baseline") in told and ("baseline", "front", "") in told


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("found", [of(), of(row("0001", recall=0.5, latency=1.0)), ablation(noise=0.01, seeds=1)])
def test_every_format_stands_a_front_of_nothing_and_of_one(found: StudyResults, format: str) -> None:
    assert shown(found, format).endswith("\n")


def test_three_objectives_are_told_and_drawn() -> None:
    study = of(*(row(f"{i:04d}", recall=i / 10, latency=i * 2.0, eer=0.5 - i / 20) for i in range(1, 6)))
    front = pareto_front(study, "val/recall_at_1", ["cost/latency_ms_p50", "val/eer"])
    assert "+10.00 points for +2 ms p50, -5.00 points" in render(study, front, "table")
    assert set(figures_of(study, None, front)) == {"pareto.png"}


def test_the_picture_shows_something_and_nothing_is_drawn_of_nothing() -> None:
    made = ablation(noise=0.02)
    content = figures_of(made, None, pareto_front(made, *NAMES))["pareto.png"]
    picture = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
    assert min(picture.shape) > 400 and picture.std() > 10
    assert figures_of(of(), None, pareto_front(of())) == {}


def test_no_axis_of_the_picture_leaves_what_its_metric_can_be() -> None:
    perfect = of(*(row(f"{n:04d}", recall=1.0 - n / 1000, eer=n / 1000, flops=float(n)) for n in range(4)))
    for names in (("val/recall_at_1", "cost/flops"), ("val/recall_at_1", "val/eer")):
        axes = pareto_figure(trade_off(perfect, pareto_front(perfect, names[0], names[1:]))).axes[0]
        assert axes.get_ylim()[1] == 1.0 and axes.get_ylim()[0] < 0.997
        assert axes.get_xlim()[0] == 0.0
