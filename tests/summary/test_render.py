"""What `ablate summarize` prints: the answer first, units, and JSON that every parser reads."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace

import pytest

from ablate.store.read import StudyResults
from ablate.summary.pareto import pareto_front
from ablate.summary.render import FORMATS, WIDTH, render
from ablate.summary.search_report import MOST_ROWS
from ablate.summary.words import configuration, varied
from ablate.types import Scalar, TrialResult
from tests.summary.rows import of, row


def shown(study: StudyResults, format: str = "table") -> str:
    return render(study, pareto_front(study), format)


STUDY = of(
    row("0001", recall=0.9, flops=2.5e6, latency=0.25, cost__train_seconds=10.0, test__recall_at_1=0.85),
    row("0002", recall=0.8, flops=1e6, latency=0.125, cost__train_seconds=5.0),
    row("0003", "pruned", reason="behind at epoch 2 (ASHA)", recall=0.95, flops=1e6, cost__train_seconds=1.0),
    row("0004", "failed", reason="diverged: the loss became nan\nin epoch 1"),
)


def test_the_first_lines_are_the_answer_its_cost_and_what_it_rests_on() -> None:
    assert shown(STUDY).splitlines()[:3] == [
        "made-up: best is mlp width=32 (trial 0001)",
        "val/recall_at_1 0.9000, test/recall_at_1 0.8500 (one seed: no interval); cost 2.5 MFLOP, 0.25 ms p50, 10 train s",
        "4 trials: 2 complete, 1 pruned, 1 failed; 16.0 s of training in all",
    ]


def test_complete_trials_come_before_pruned_ones_that_were_ahead() -> None:
    lines = shown(STUDY).splitlines()
    best = lines[lines.index("best trials") + 2 :][:3]
    assert [line.split()[0] for line in best] == ["0001", "0002", "0003"]
    assert [line.split()[2] for line in best] == ["complete", "complete", "pruned"]


def test_failed_trials_are_named_with_the_first_line_of_their_reason() -> None:
    assert "failed trials" in shown(STUDY)
    assert "diverged: the loss became nan " in shown(STUDY)
    assert "in epoch 1" not in shown(STUDY)


def test_no_line_is_wider_than_the_screen_and_nothing_of_a_row_is_lost() -> None:
    long = "a reason " * 60
    wide = of(
        *(row(f"{i:04d}", recall=0.5, flops=1e12, latency=1e5) for i in range(3)), row("0009", "failed", reason=long)
    )
    assert max(map(len, shown(wide).splitlines())) <= WIDTH
    assert "1,000,000" in shown(wide)
    assert "a reason a reason" in shown(wide) and "..." in shown(wide)


def test_that_nothing_augments_is_said_so_where_it_differs_and_switches_are_named() -> None:
    choices: list[dict[str, Scalar]] = [
        {"augmentation": "none", "normalize": True},
        {"augmentation": "shift", "augmentation.fraction": 0.1, "normalize": False},
        {"augmentation": "shift", "augmentation.fraction": 0.25, "normalize": False},
    ]
    plain = row("0001", recall=0.9)
    shared = {name: value for name, value in plain.params.items() if name != "backbone.width"}
    rows = [replace(plain, id=f"000{n}", params=shared | choice) for n, choice in enumerate(choices)]
    assert [configuration(each, varied(rows)) for each in rows] == [
        "no augmentation, normalize=True",
        "shift fraction=0.1, normalize=False",
        "shift fraction=0.25, normalize=False",
    ]


def test_a_study_with_nothing_complete_says_so_and_shows_how_far_it_is() -> None:
    going = of(row("0001", "running", recall=0.4), row("0002", "pruned", recall=0.3))
    assert shown(going).startswith(
        "made-up: no trial is complete yet; best so far mlp width=32 (trial 0001), running, after 2 epochs"
    )
    assert shown(of(row("0001", "running"))) == "made-up: no trial has reported yet (1 running)\n"
    assert shown(of()) == "made-up: no trial has started yet\n"
    assert "Pareto" not in shown(going)


def test_a_long_list_is_cut_with_where_the_rest_is() -> None:
    many = of(*(row(f"{i:04d}", recall=i / 100, flops=1.0) for i in range(MOST_ROWS + 3)))
    assert "and 3 more: --format csv" in shown(many)


def test_where_less_is_better_the_smallest_is_best() -> None:
    errors = of(row("0001", eer=0.3, flops=1.0), row("0002", eer=0.1, flops=1.0), metric="val/eer", goal="minimize")
    assert "trial 0002" in shown(errors).splitlines()[0]


def test_json_has_the_stable_names_and_only_numbers_that_json_knows() -> None:
    study = of(row("0001", recall=0.9, flops=1e6, val__auc=math.nan, cost__peak_memory_mib=math.inf))
    found = json.loads(shown(study, "json"), parse_constant=pytest.fail)
    assert set(found) == {"study", "objective", "objectives", "trials", "pareto", "notes"}
    assert found["objective"] == {"metric": "val/recall_at_1", "goal": "maximize"}
    assert found["objectives"] == [found["objective"]]
    assert found["pareto"] == ["0001"]
    (trial,) = found["trials"]
    assert set(trial) == {
        "id",
        "state",
        "reason",
        "seed",
        "arm",
        "params",
        "metrics",
        "cost",
        "epochs",
        "phase",
        "reused",
    }
    assert trial["params"]["backbone.width"] == 32
    assert trial["metrics"] == {"val/recall_at_1": 0.9, "val/auc": None}
    assert trial["cost"] == {"cost/flops": 1e6, "cost/peak_memory_mib": None}


def test_csv_has_every_trial_and_whether_it_is_on_the_front() -> None:
    rows = list(csv.DictReader(io.StringIO(shown(STUDY, "csv"))))
    assert [(r["id"], r["pareto"]) for r in rows] == [
        ("0001", "True"),
        ("0002", "True"),
        ("0003", "False"),
        ("0004", "False"),
    ]
    assert float(rows[0]["cost/flops"]) == 2.5e6
    assert rows[3]["val/recall_at_1"] == ""


def test_markdown_tables_have_equally_many_cells_in_every_row() -> None:
    study = of(row("0001", recall=0.9, flops=1.0), row("0002", "failed", reason="a | b"))
    lines = [line for line in shown(study, "md").splitlines() if line.startswith("|")]
    assert len(lines) == 9
    for start in (0, 3, 6):
        assert len({line.count("|") for line in lines[start : start + 3]}) == 1
    assert shown(study, "md").startswith("# made-up\n\nWhich is best?\n\nmade-up: best is ")


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_stands_an_empty_study(format: str) -> None:
    assert shown(of(), format).endswith("\n")


def test_what_a_constraint_forbids_is_counted_with_the_constraint_under_every_answer() -> None:
    def forbidden(id: str, value: str) -> TrialResult:
        return row(id, "pruned", reason=f"infeasible: cost/params is {value}, the study allows at most 5000")

    three = [forbidden("0002", "7000"), forbidden("0003", "8000"), forbidden("0004", "7000")]
    slow = row("0005", "pruned", reason="infeasible: cost/flops is 1e+06, the study allows at most 10")
    said = "3 of the pruned infeasible: cost/params: the study allows at most 5000"
    behind = row("0006", "pruned", reason="behind at epoch 2 (ASHA)", recall=0.5)
    lines = shown(of(row("0001", recall=0.9, flops=1.0), *three, slow)).splitlines()
    assert lines[3:5] == [said, "1 of the pruned infeasible: cost/flops: the study allows at most 10"]
    assert said in shown(of(*three, behind)).splitlines()
    assert said in shown(of(*three)).splitlines()
    assert "infeasible" not in shown(of(row("0001", recall=0.9, flops=1.0), behind))


def test_the_front_says_that_it_is_one_of_complete_trials_and_one_trial_is_no_trials() -> None:
    text = shown(of(row("0001", recall=0.9, flops=1.0)))
    assert "Pareto front of the complete trials: val/recall_at_1 against cost/flops" in text
    assert "1 trial: 1 complete; " in text


def test_without_a_driver_nothing_is_said_to_run_but_the_stable_names_stay() -> None:
    left = replace(of(row("0001", "running", recall=0.4), row("0002", "running")), driven=False)
    text = shown(left)
    assert "running" not in text
    assert text.splitlines()[0].endswith("best so far mlp width=32 (trial 0001), unfinished, after 2 epochs")
    assert "2 trials: 2 unfinished" in text
    assert [trial["state"] for trial in json.loads(shown(left, "json"))["trials"]] == ["running", "running"]
    assert "2 trials: 2 running" in shown(replace(left, driven=True))


def test_complete_trials_without_a_number_of_the_front_are_counted_below_it() -> None:
    one = of(row("0001", recall=0.9, flops=1.0), row("0002", recall=0.8))
    assert "1 complete trial lacks one of these numbers" in shown(one)
    two = of(*one.trials, row("0003", recall=0.8))
    assert "2 complete trials lack one of these numbers" in shown(two)


def test_what_a_search_asked_to_measure_is_in_its_table_and_what_is_to_be_known_of_its_data_below_the_answer() -> None:
    trial = row("0001", recall=0.9, flops=1.0, latency=2.0, cost__train_seconds=3.0)
    timed = replace(trial, cost={**trial.cost, "cost/throughput_per_second": 4321.0})
    plain, asked = of(trial), of(timed)
    assert "images/s" not in shown(plain)
    head, line = shown(asked).split("best trials\n")[1].splitlines()[:2]
    assert head.split().index("images/s") == head.split().index("train") + 2  # `train s` is two words
    assert " 4321 " in line
    noted = shown(replace(plain, notes=("1 class left out",))).splitlines()
    assert noted[:4].count("data: 1 class left out") == 1


def test_the_seconds_of_training_are_those_of_this_study() -> None:
    reused = [replace(row, reused="other/0001") if row.id == "0001" else row for row in STUDY.trials]
    line = shown(replace(STUDY, trials=reused)).splitlines()[2]
    assert line == "4 trials: 2 complete, 1 pruned, 1 failed; 1 reused; 6.0 s of training in all"
