"""Several objectives in a study file: what may be weighed against what, each mistake with its line and its mend."""

from __future__ import annotations

import pytest

from ablate.study.load import parse_study
from ablate.study.study import Objective, point_of
from tests.study.sound import TEXT, edited, faults_in

ONE = "objective: {metric: val/auc}"
ABLATION = "ablation: {design: one_at_a_time, factors: {embedding_dim: [16, 8]}}"


def several(*items: str) -> str:
    return f"objectives: [{', '.join(items)}]"


def test_they_are_read_in_order_with_the_catalogues_goals() -> None:
    text = edited((ONE, several("{metric: val/auc}", "{metric: val/eer, goal: minimize}", "{metric: cost/flops}")))
    study = parse_study(text, "f.yaml")
    goals = [(each.metric, each.goal) for each in study.objectives]
    assert goals == [("val/auc", "maximize"), ("val/eer", "minimize"), ("cost/flops", "minimize")]
    assert study.objective == Objective("val/auc", "maximize")
    assert study.meaning["objectives"] == "maximize val/auc, minimize val/eer, minimize cost/flops"


def test_a_study_of_one_objective_means_what_it_always_did() -> None:
    assert "objectives" not in parse_study(TEXT, "f.yaml").meaning


def test_a_point_is_to_be_small_in_every_number_and_lacks_none() -> None:
    both = (Objective("val/auc", "maximize"), Objective("cost/flops", "minimize"))
    assert point_of({"val/auc": 0.9, "cost/flops": 5.0, "val/eer": 0.1}, both) == (-0.9, 5.0)
    assert point_of({"val/auc": 0.9}, both) is None
    assert point_of({"val/auc": float("nan"), "cost/flops": 5.0}, both) is None


AUC, FLOPS, LATENCY = "{metric: val/auc}", "{metric: cost/flops}", "{metric: cost/latency_ms_p50}"
FAULTS = [
    (several(AUC), 4, "is too short", "name 2 or more"),
    (several(AUC, FLOPS, LATENCY, "{metric: cost/params}"), 4, "is too long", "name at most 3"),
    (several(FLOPS, AUC), 4, "cost/flops stands first", "put a val/ metric first"),
    (several(AUC, FLOPS, AUC), 4, "val/auc stands here twice", "remove one of the two"),
    (several(AUC, "{metric: cost/flop}"), 4, "'cost/flop' is not reported", "did you mean 'cost/flops'?"),
    (several(AUC, "{metric: test/auc}"), 4, "test/auc is sealed", "write val/auc"),
    (several(AUC, "{metric: cost/flops, goal: maximize}"), 4, "the better the smaller", "write minimize"),
    (several(AUC, "{goal: minimize}"), 4, "objectives.metric: is missing", "add `metric:`"),
    (several(AUC, "{metrik: cost/flops, metric: cost/params}"), 4, "nothing reads this key", "metric, goal"),
    (several(AUC, "cost/flops"), 4, "'cost/flops' is not a mapping", "write"),
    ("objectives:", 4, "objectives is empty", "name two or three, or remove it"),
    ("objectives: val/auc", 4, "'val/auc' is not a list", "write a list"),
    ("objective: {metric: val/fpr}", 4, "val/fpr is 0 where all pairs are judged alike", "write val/auc"),
    (
        several("{metric: val/fnr}", AUC),
        4,
        "val/fnr is 0 where all pairs are judged alike",
        "another objective before it",
    ),
    (f"{ONE}\n{several(AUC, FLOPS)}", 5, "objectives stands beside objective", "remove one of the two"),
]


@pytest.mark.parametrize(("new", "line", "what", "mend"), FAULTS)
def test_one_mistake_is_one_fault_with_its_line_and_its_mend(new: str, line: int, what: str, mend: str) -> None:
    faults = faults_in(edited((ONE, new)))
    assert len(faults) == 1, faults
    assert faults[0].where == f"f.yaml:{line}"
    assert what in faults[0].what and mend in faults[0].mend, faults[0]


def test_an_ablation_has_one_objective() -> None:
    search = "search: {trials: 5, stopping: {asha: {grace_epochs: 2}}}"
    (fault,) = faults_in(edited((ONE, several(AUC, FLOPS)), (search, ABLATION)))
    assert fault.where == "f.yaml:4" and "an ablation compares its arms by one objective" in fault.what
    assert "write objective:" in fault.mend


def test_latency_of_networks_that_cannot_be_listed_is_refused() -> None:
    edits = ((ONE, several(AUC, LATENCY)), ("embedding_dim: 16", "embedding_dim: {int: [2, 100000]}"))
    (fault,) = faults_in(edited(*edits))
    assert fault.where == "f.yaml:4" and "too many to list" in fault.what and "write cost/flops" in fault.mend


def test_a_limit_on_the_latency_of_networks_that_cannot_be_listed_is_refused() -> None:
    limit = ("cost/flops: {max: 5}", "cost/latency_ms_p50: {max: 5}")
    (fault,) = faults_in(edited(limit, ("embedding_dim: 16", "embedding_dim: {int: [2, 100000]}")))
    assert fault.what.startswith("constraints.cost/latency_ms_p50: ") and "too many to list" in fault.what
    assert parse_study(edited(limit), "f.yaml").measured_first


def test_nsga2_takes_several_objectives() -> None:
    (fault,) = faults_in(edited(("{trials: 5", "{algorithm: nsga2, trials: 5")))
    assert "nsga2 weighs several objectives" in fault.what and "objectives:" in fault.mend
    text = edited(("{trials: 5", "{algorithm: nsga2, trials: 5"), (ONE, several(AUC, FLOPS)))
    assert parse_study(text, "f.yaml").search.algorithm == "nsga2"
