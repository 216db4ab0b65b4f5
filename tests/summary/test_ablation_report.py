"""The summary of an ablation: the answer in words, every format, and what must not be dropped or guessed."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from ablate.errors import StoreError
from ablate.store.read import StudyResults
from ablate.study.study import Objective
from ablate.summary.latex import as_latex
from ablate.summary.pareto import pareto_front
from ablate.summary.render import as_markdown, as_table, render
from ablate.summary.table import Report, Table
from ablate.types import INFEASIBLE, TrialResult
from tests.summary.ablations import design, grid, one_at_a_time, study


def shown(found: StudyResults, format: str = "table") -> str:
    return render(found, pareto_front(found), format)


def made(*, seeds: int = 5, gain: float = 0.05, noise: float = 0.001, margin: float | None = None) -> StudyResults:
    """`sampler=hard` is better by `gain` in every seed, the losses differ by noise alone."""
    arms, draw = one_at_a_time(), np.random.default_rng(0)
    values: dict[tuple[str, int], float | None] = {
        (arm, s): 0.7 + s / 50 + gain * (arm == "sampler=hard") + draw.normal(0, noise)
        for s in range(seeds)
        for arm in arms
    }
    return study(design("one_at_a_time", arms, seeds=seeds, margin=margin), values)


def test_the_answer_comes_first_with_interval_seeds_p_and_time() -> None:
    best, first, *_ = shown(made()).splitlines()
    assert best.startswith("made-up: best arm: sampler=hard, mean test/recall_at_1 0.7903")
    assert first.startswith("made-up: hard beats random by 5.")
    for part in ("points recall_at_1 [", "5 seeds, Holm p < 0.001", "+100 % training"):
        assert part in shown(made()).split("\n\n")[0].replace("\n", " ")


def test_where_nothing_can_be_told_apart_the_answer_says_what_would_have_been_seen() -> None:
    text = shown(made(gain=0.0, noise=0.02))
    answer = text.split("\n\n")[0].replace("\n", " ")
    assert "no level can be told apart from its baseline; differences of " in answer
    assert "points would have been seen (80 % power)" in answer
    assert "largest difference, not shown: " in answer
    assert "seeds may settle the nearest" in text


def test_one_seed_has_no_interval_and_says_so() -> None:
    text = shown(made(seeds=1))
    assert "one seed: no intervals and no tests; give `seeds: 3` or more" in text.replace("\n", " ")
    assert "[" not in text.split("effects on")[1].split("arms")[0]
    found = json.loads(shown(made(seeds=1), "json"))
    assert {(e["n"], e["low"], e["high"], e["p"]) for e in found["effects"]} == {(1, None, None, None)}


def test_equivalent_levels_are_named_with_their_margin() -> None:
    assert "equivalent within 1 points: info_nce and triplet, circle and triplet" in shown(made(margin=0.01))


def test_json_has_the_stable_names_of_an_effect() -> None:
    found = json.loads(shown(made(), "json"), parse_constant=pytest.fail)
    effect = found["effects"][2]
    stable = {"factor", "level", "baseline", "difference", "low", "high", "p", "n", "verdict"}
    assert stable <= set(effect)
    assert (effect["factor"], effect["level"], effect["baseline"], effect["n"], effect["verdict"]) == (
        "sampler",
        "hard",
        "random",
        5,
        "better",
    )
    assert effect["low"] < effect["difference"] < effect["high"]
    assert [arm["n"] for arm in found["arms"]] == [5, 5, 5, 5]


def test_failed_cells_are_counted_and_shown() -> None:
    arms = one_at_a_time()
    values: dict[tuple[str, int], float | None] = {(arm, s): 0.7 + s / 50 for s in range(3) for arm in arms}
    for seed in range(3):
        values["loss=circle", seed] = None
    text = shown(study(design("one_at_a_time", arms, seeds=3), values))
    row = next(line for line in text.split("\narms\n")[1].splitlines() if line.startswith("loss=circle"))
    assert row.split()[1:5] == ["-", "-", "0", "3"]  # mean, interval, n, failed
    assert "failed trials" in text and "diverged: the loss became nan" in text
    assert "9 complete, 3 failed" in text.replace("\n", " ")
    assert "failed: all trials of loss=circle\n" in text


def test_an_answer_of_a_plan_that_mixes_effects_says_so() -> None:
    arms = grid()
    values: dict[tuple[str, int], float | None] = {(arm, s): 0.5 + s / 10 for arm in arms for s in range(2)}
    for aliases, told in ((("loss ~ sampler*x",), True), (("sampler = loss*x",), True), (("loss*x = loss*y",), False)):
        mixing = replace(design("grid", arms, seeds=2), kind="fractional", aliases=aliases)
        assert (f"careful: what is told of {aliases[0].split()[0]} may" in shown(study(mixing, values))) is told


def test_arms_that_agree_to_the_last_bit_are_suspicious() -> None:
    arms = one_at_a_time()
    values: dict[tuple[str, int], float | None] = {
        (arm, s): 0.7 + s / 50 + (0.0 if arm in ("baseline", "loss=info_nce") else 0.01 * len(arm))
        for s in range(2)
        for arm in arms
    }
    text = shown(study(design("one_at_a_time", arms, seeds=2), values)).replace("\n", " ")
    assert "suspicious: baseline and loss=info_nce differ in loss and agree in every metric to the last bit" in text
    assert text.count("suspicious") == 1


def test_a_grid_has_a_heat_map_whose_darkest_cell_is_the_best() -> None:
    arms = grid()
    values: dict[tuple[str, int], float | None] = {
        (arm, s): 0.5 + 0.01 * number + s / 1000 for s in range(3) for number, arm in enumerate(arms)
    }
    text = shown(study(design("grid", arms, seeds=3), values))
    map_ = text.split("mean test/recall_at_1: loss x sampler")[1].splitlines()[2:5]
    assert [line.split()[0] for line in map_] == ["triplet", "info_nce", "circle"]
    assert map_[2].rstrip().endswith("0.5510 █")
    assert "█" not in map_[0]


def test_the_ranking_is_followed_along_the_tuning_budget() -> None:
    base = made(seeds=3)
    assert base.design is not None
    tuning = [
        TrialResult(
            id=f"{100 + number:04d}",
            state="complete",
            reason=None,
            seed=10**6,
            arm=arm,
            params={"lr": value / 100, "epochs": 3},
            metrics={"val/recall_at_1": value},
            phase="tune",
        )
        for number, (arm, value) in enumerate(
            [("baseline", 0.9), ("sampler=hard", 0.1), ("baseline", 0.2), ("sampler=hard", 0.95)]
        )
    ]
    judged = [replace(row, params={"lr": 0.0095 if row.arm == "sampler=hard" else 0.009}) for row in base.trials]
    found = replace(base, trials=[*judged, *tuning], design=replace(base.design, tuned=2))
    stability = json.loads(shown(found, "json"))["stability"]
    assert [(each["trials"], each["tau"]) for each in stability] == [(1, -1.0), (2, 1.0)]
    assert stability[1]["best"] == {"baseline": 0.9, "sampler=hard": 0.95}
    assert "tuning budget and rank stability" in shown(found)
    chosen = shown(found).split("chosen by tuning\n")[1].splitlines()
    assert chosen[0].split() == ["arm", "lr"]
    assert "baseline        0.009" in chosen and "sampler=hard   0.0095" in chosen


def test_arms_are_judged_by_the_metric_that_is_asked_for() -> None:
    found = made()
    text = render(found, pareto_front(found), "table", "val/recall_at_1")
    assert "effects on val/recall_at_1" in text and "judged by val/recall_at_1" in text.replace("\n", " ")


def test_an_arms_interval_does_not_leave_what_the_metric_can_be() -> None:
    arms = one_at_a_time()
    values: dict[tuple[str, int], float | None] = {(arm, s): 0.99 - 0.03 * s for s in range(2) for arm in arms}
    row = next(
        line
        for line in shown(study(design("one_at_a_time", arms, seeds=2), values)).splitlines()
        if line.startswith("baseline ")
    )
    assert "1.0000]" in row


@pytest.mark.parametrize("format", ["table", "md", "csv", "json", "latex"])
def test_every_format_stands_an_ablation_that_has_only_begun(format: str) -> None:
    arms = one_at_a_time()
    assert shown(study(design("one_at_a_time", arms, seeds=2), {}), format).endswith("\n")
    assert shown(study(design("one_at_a_time", arms, seeds=2), {("baseline", 0): 0.5}), format).endswith("\n")


def test_latex_escapes_what_latex_reads() -> None:
    text = shown(made(), "latex")
    assert r"loss=info\_nce" in text and r"95 \% interval" in text
    assert r"\begin{tabular}{lrrrrrr}" in text, "the arms, with numbers to the right"
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") >= 2
    notes = Report([], [Table("t", ["a"], [["1"]], "first 5 %\nsecond")])
    arms = grid()
    shaded = study(design("grid", arms, seeds=1), {(arm, 0): at / 10 for at, arm in enumerate(arms)})
    assert "█" in shown(shaded) and not set("░▒▓█") & set(shown(shaded, "latex"))
    assert "\\par\\footnotesize first 5 \\%\n\\par\\footnotesize second\n" in as_latex(notes)


def test_lines_of_a_note_stay_lines_in_markdown() -> None:
    notes = Report([], [Table("t", ["a"], [["1"]], "first\nsecond")])
    assert "first  \nsecond\n" in as_markdown(notes, "s")
    numbers = Report([], [Table("t", ["arm", "mean"], [["a", "1"]], words=("arm",))])
    assert "| arm | mean |\n| --- | ---: |\n" in as_markdown(numbers, "s")


def test_a_last_column_of_numbers_stands_to_the_right_and_one_of_words_to_the_left() -> None:
    table = Table("t", ["arm", "train s"], [["a", "0.5"], ["b", "1,234"]], words=("arm",))
    assert [line[5:] for line in as_table(Report([], [table])).splitlines()[-2:]] == ["    0.5", "  1,234"]
    words = Table("t", ["arm", "verdict"], [["a", "better"], ["b", "-"]], words=("arm",))
    assert [line[5:] for line in as_table(Report([], [words])).splitlines()[-2:]] == ["better", "-"]


def test_csv_has_the_trials_or_the_table_of_an_ablation_that_is_asked_for() -> None:
    found = made()

    def table(name: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(render(found, pareto_front(found), "csv", table=name))))

    assert len(table("trials")) == 20
    told = json.loads(shown(found, "json"))["effects"]
    effects = table("effects")
    assert [(row["factor"], row["level"], row["verdict"]) for row in effects] == [
        (row["factor"], row["level"], row["verdict"]) for row in told
    ]
    assert [float(row["difference"]) for row in effects] == [row["difference"] for row in told]
    (hard,) = (row for row in table("arms") if row["arm"] == "sampler=hard")
    assert (hard["loss"], hard["sampler"], hard["n"], hard["complete"]) == ("triplet", "hard", "5", "5")
    seeds = [float(hard[f"seed {seed}"]) for seed in range(5)]
    assert float(hard["mean"]) == pytest.approx(np.mean(seeds))
    with pytest.raises(StoreError, match="--table interactions: made-up has none: only a grid has them"):
        table("interactions")


def test_what_a_study_asked_to_measure_stands_in_the_table_of_arms_and_in_no_other_study() -> None:
    plain = made(seeds=2)
    asked = replace(plain, trials=[_with_costs(row) for row in plain.trials])
    for name in ("images/s", "ms int8", "USD"):
        assert name not in shown(plain)
        assert name in shown(asked)
    assert "1,234" in shown(asked) or "1234" in shown(asked)


def _with_costs(row: TrialResult) -> TrialResult:
    more = {"cost/throughput_per_second": 1234.0, "cost/latency_int8_ms_p50": 0.5, "cost/usd": 0.03}
    return replace(row, cost={**row.cost, **more})


@pytest.mark.parametrize("format", ["table", "md", "html", "json"])
def test_what_is_to_be_known_of_the_data_is_told_in_every_format_for_readers(format: str) -> None:
    assert "2 broken files were left out" in shown(
        replace(made(seeds=2), notes=("2 broken files were left out",)), format
    )


def test_a_metric_is_judged_by_its_own_goal_and_one_without_a_better_judges_nothing() -> None:
    found = made()
    metrics = [
        {"val/eer": 0.2, "test/official_accuracy": row.metrics["test/recall_at_1"], "test/threshold": 0.5}
        for row in found.trials
    ]
    trials = [replace(row, metrics=each) for row, each in zip(found.trials, metrics, strict=True)]
    lessened = replace(found, objective=Objective("val/eer", "minimize"), trials=trials)
    effects = json.loads(render(lessened, pareto_front(lessened), "json", "test/official_accuracy"))["effects"]
    assert {each["level"]: each["verdict"] for each in effects}["hard"] == "better"
    with pytest.raises(StoreError, match=r"neither more nor less of 'test/threshold' is better\n.*as val/eer"):
        render(lessened, pareto_front(lessened), "table", "test/threshold")


def test_what_is_lost_for_good_is_not_promised() -> None:
    arms = one_at_a_time()
    values: dict[tuple[str, int], float | None] = {
        (arm, s): 0.7 if arm == "baseline" else None for s in range(2) for arm in arms
    }
    text = shown(study(design("one_at_a_time", arms, seeds=2), values)).replace("\n", " ")
    assert "no comparison is complete in two seeds and nothing is left to train" in text
    assert "failed: all trials of loss=info_nce, loss=circle, sampler=hard" in text
    del values["sampler=hard", 1]
    text = shown(study(design("one_at_a_time", arms, seeds=2), values)).replace("\n", " ")
    assert "what is missing is trained by the same `ablate run`" in text
    assert "failed: all trials of loss=info_nce, loss=circle " in text


def test_an_arm_whose_tuning_completed_nothing_is_named_with_the_constraint() -> None:
    base = made(seeds=2)
    assert base.design is not None
    reason = f"{INFEASIBLE}cost/flops is 5e+09, the study allows at most 1e+09"
    tuning = [TrialResult(f"{100 + n:04d}", "pruned", reason, 10**6, "loss=circle", {}, phase="tune") for n in range(2)]
    judged = [row for row in base.trials if row.arm != "loss=circle"]
    text = shown(replace(base, trials=[*judged, *tuning], design=replace(base.design, tuned=2))).replace("\n", " ")
    assert "never judged, for no tuning trial is complete: loss=circle" in text
    assert "2 of the pruned infeasible: cost/flops: the study allows at most 1e+09" in text
    one = shown(replace(base, trials=[*judged, tuning[0]], design=replace(base.design, tuned=2)))
    assert "never judged" not in one  # its second tuning trial is still to come


def test_tuning_trials_that_may_judge_no_arm_are_not_its_best() -> None:
    base = made(seeds=2)
    assert base.design is not None
    tuning = [
        TrialResult(f"{100 + n:04d}", state, None, 10**6, arm, {}, metrics={"val/recall_at_1": value}, phase="tune")
        for n, (arm, state, value) in enumerate(
            [("baseline", "complete", 0.5), ("baseline", "pruned", 0.99), ("sampler=hard", "complete", 0.6)]
        )
    ]
    found = replace(base, trials=[*base.trials, *tuning], design=replace(base.design, tuned=2))
    assert json.loads(shown(found, "json"))["stability"][1]["best"] == {"baseline": 0.5, "sampler=hard": 0.6}


def test_the_front_of_an_ablation_is_of_the_trials_that_judge() -> None:
    base = made(seeds=2)
    tune = replace(base.trials[0], id="0100", phase="tune", metrics={"val/recall_at_1": 1.0})
    front = pareto_front(replace(base, trials=[*base.trials, tune]))
    assert front.trials and tune.id not in {row.id for row in front.trials}


def test_an_arms_interval_is_one_and_the_same_in_every_format_and_leaves_no_metric_its_bounds() -> None:
    arms = one_at_a_time()
    values: dict[tuple[str, int], float | None] = {
        (arm, seed): (0.85, 0.99, 1.0)[seed] - 0.1 * place for place, arm in enumerate(arms) for seed in range(3)
    }
    found = study(design("one_at_a_time", arms, seeds=3), values)
    told = json.loads(shown(found, "json"))["arms"][0]
    assert told["high"] == 1.0 and told["low"] < told["mean"] < 1.0
    assert f"[{told['low']:.4f}, 1.0000]" in shown(found)
