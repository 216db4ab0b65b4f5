"""A search of several objectives is answered by its front, in the terminal and in JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from ablate.store.read import StudyResults
from ablate.study.study import Objective
from ablate.summary.pareto import pareto_front
from ablate.summary.render import render
from tests.summary.rows import of, row

WEIGHED = (
    Objective("val/recall_at_1", "maximize"),
    Objective("val/eer", "minimize"),
    Objective("cost/flops", "minimize"),
)
ROWS = (
    row("0001", recall=0.9, eer=0.2, flops=5e6, latency=0.2, test__recall_at_1=0.85),
    row("0002", recall=0.8, eer=0.1, flops=4e6, latency=0.1, test__recall_at_1=0.75),
    row("0003", recall=0.7, eer=0.3, flops=1e6, latency=0.1, test__recall_at_1=0.65),
    row("0004", recall=0.7, eer=0.4, flops=2e6, latency=0.1),
    row("0005", "pruned", recall=0.99, eer=0.0, flops=1.0),
)


def shown(study: StudyResults, format: str = "table") -> str:
    return render(study, pareto_front(study), format)


def test_the_answer_is_both_ends_of_the_front_in_every_objective() -> None:
    lines = shown(replace(of(*ROWS), weighed=WEIGHED)).splitlines()
    assert lines[:6] == [
        "made-up: 3 trials that no other beats in all of val/recall_at_1 and val/eer and cost/flops",
        "best val/recall_at_1 0.9000, with val/eer 0.2000, 5 MFLOP: mlp width=32 (trial 0001)",
        "best val/eer 0.1000, with val/recall_at_1 0.8000, 4 MFLOP: mlp width=48 (trial 0002)",
        "best 1 MFLOP, with val/recall_at_1 0.7000, val/eer 0.3000: mlp width=64 (trial 0003)",
        "each of one seed: no intervals",
        "5 trials: 4 complete, 1 pruned",
    ]
    begin = lines.index("Pareto front of the complete trials: val/recall_at_1 against val/eer and cost/flops")
    assert [line.split()[:3] for line in lines[begin + 2 : begin + 5]] == [
        ["0001", "0.9000", "0.8500"],
        ["0002", "0.8000", "0.7500"],
        ["0003", "0.7000", "0.6500"],
    ]
    assert "best trials" not in lines


def test_one_trial_that_is_best_in_all_is_said_to_be() -> None:
    worse = row("0002", recall=0.8, flops=6e6)
    lines = shown(replace(of(ROWS[0], worse), weighed=(WEIGHED[0], WEIGHED[2]))).splitlines()
    assert lines[0].endswith("(trial 0001) is the best complete one in all of val/recall_at_1 and cost/flops")
    assert lines[1] == "val/recall_at_1 0.9000, 5 MFLOP (one seed: no interval)"


def test_the_only_complete_trial_is_not_said_to_be_better_than_those_that_were_stopped() -> None:
    stopped = row("0002", "pruned", recall=0.8, flops=1.0)
    lines = shown(replace(of(ROWS[0], stopped), weighed=(WEIGHED[0], WEIGHED[2]))).splitlines()
    assert lines[0].endswith("(trial 0001) is the only complete one")


def test_of_a_rate_the_largest_is_the_best() -> None:
    rates = replace(WEIGHED[2], metric="cost/throughput_per_second", goal="maximize")
    rows = (
        row("0001", recall=0.9, cost__throughput_per_second=5.0),
        row("0002", recall=0.8, cost__throughput_per_second=9.0),
    )
    lines = shown(replace(of(*rows), weighed=(WEIGHED[0], rates))).splitlines()
    assert lines[2].startswith("best 9 images/s, with val/recall_at_1 0.8000")


def test_json_names_the_objectives_and_the_front() -> None:
    found = json.loads(shown(replace(of(*ROWS), weighed=WEIGHED), "json"))
    assert [each["metric"] for each in found["objectives"]] == ["val/recall_at_1", "val/eer", "cost/flops"]
    assert found["pareto"] == ["0001", "0002", "0003"]
    assert [each["metric"] for each in json.loads(shown(of(*ROWS), "json"))["objectives"]] == ["val/recall_at_1"]
