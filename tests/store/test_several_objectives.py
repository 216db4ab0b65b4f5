"""The memory of a search of several objectives: what Optuna is told, what it proposes from that, and what a restart keeps."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from ablate.store import proposer
from ablate.store.importance import importances
from ablate.store.memory import Memory
from ablate.store.read import read_folder, read_mlflow
from ablate.store.rows import front_of
from ablate.store.samplers import population_of
from tests.store.studies import new, open_memory, report, train
from tests.store.test_mirror import close

BOTH = "objectives=[{metric: val/recall_at_1}, {metric: cost/flops}]"


def open_both(path: Path, *overrides: str) -> Memory:
    """The made-up study with two objectives in place of its one."""
    return open_memory(path, BOTH, *overrides)


@pytest.fixture(autouse=True)
def without_its_objective(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.store import studies

    monkeypatch.setattr(studies, "TEXT", studies.TEXT.replace("objective: {metric: val/recall_at_1}\n", ""))


def run(memory: Memory, count: int) -> None:
    """So many more trials, in turn complete, complete and stopped after an epoch."""
    for _ in range(count):
        asked = new(memory)
        recall, flops = (asked.number * 7 % 11) / 11, float(1 + asked.number * 5 % 7)
        stopped = asked.number % 3 == 2
        for epoch in range(1, 2 if stopped else 5):
            memory.report(asked.number, report(epoch, recall + epoch / 1000, **{"cost/flops": flops}))
        memory.finish(asked.number, "pruned" if stopped else "complete", "behind at epoch 1" if stopped else None)


def optunas(path: Path) -> optuna.Study:
    from ablate.store.journal import open_to_read

    return optuna.load_study(study_name="made-up", storage=open_to_read(path / "journal.log"))


def test_optuna_is_told_a_value_of_each_objective_of_complete_trials_alone(tmp_path: Path) -> None:
    run(open_both(tmp_path), 3)
    study = optunas(tmp_path)
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    trials = study.get_trials()
    assert [trial.state for trial in trials] == [TrialState.COMPLETE, TrialState.COMPLETE, TrialState.PRUNED]
    assert trials[1].values == [pytest.approx(7 / 11 + 0.004), 6.0]
    assert trials[2].values is None


@pytest.mark.parametrize("algorithm", ["tpe", "random", "nsga2"])
def test_every_algorithm_proposes_after_stopped_trials_and_after_a_restart(tmp_path: Path, algorithm: str) -> None:
    settings = (f"search.algorithm={algorithm}", "search.trials=60")
    run(open_both(tmp_path, *settings), 20)
    again = open_both(tmp_path, *settings)
    run(again, 20)
    configurations = {again.asked(row.id).configuration.digest for row in again.results()}
    assert (again.count(), len(configurations)) == (40, 40)


def test_nsga2_has_the_same_generations_after_a_restart(tmp_path: Path) -> None:
    settings = ("search.algorithm=nsga2", "search.trials=60")
    memory = open_both(tmp_path, *settings)
    run(memory, 40)
    new(memory)

    def generations(memory: Memory) -> list[int]:
        copy = memory.group().proposer.copy
        complete = copy.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        return [next(v for k, v in trial.system_attrs.items() if k.endswith("generation")) for trial in complete]

    size = population_of(memory.study.tuning_of(""))
    assert generations(memory) == [k // size for k in range(27)]
    assert generations(open_both(tmp_path, *settings)) == generations(memory)


def test_its_children_are_those_of_the_front(tmp_path: Path) -> None:
    """The width 32 is better in both: later generations must have it, but for what is mutated."""
    memory = open_both(tmp_path, "search.algorithm=nsga2", "search.trials=100")
    for _ in range(100):
        asked = new(memory)
        good = asked.configuration.backbone.params["width"] == 32
        memory.report(asked.number, report(1, 0.9 if good else 0.1, **{"cost/flops": 1.0 if good else 2.0}))
        memory.finish(asked.number, "complete")
    widths = [memory.asked(row.id).configuration.backbone.params["width"] for row in memory.results()]
    assert widths[60:].count(32) > 28  # of 40


def test_points_are_compared_at_the_rungs_with_the_latency_that_was_measured(tmp_path: Path) -> None:
    memory = open_memory(tmp_path, "objectives=[{metric: val/recall_at_1}, {metric: cost/latency_ms_p50}]")
    asked = new(memory)
    train(memory, asked, 0.2, 0.3)
    assert memory.curves() == {}
    memory.measured.note(latency={asked.configuration.architecture: {"cost/latency_ms_p50": 1.5}}, tests={})
    assert memory.curves() == {0: {1: (-0.2, 1.5), 2: (-0.3, 1.5)}}
    memory.finish(asked.number, "complete")
    assert optunas(tmp_path).get_trials()[0].values == [0.3, 1.5]


def test_a_trial_that_lacks_an_objective_is_not_complete(tmp_path: Path) -> None:
    memory = open_memory(tmp_path, "objectives=[{metric: val/recall_at_1}, {metric: cost/peak_memory_mib}]")
    asked = new(memory)
    train(memory, asked, 0.5)
    row = memory.finish(asked.number, "complete")
    assert (row.state, row.reason) == ("failed", "it ended without cost/peak_memory_mib")


def test_the_sampler_keeps_the_front_of_many_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposer, "WINDOW", 20)
    monkeypatch.setattr(proposer, "MOST_GOOD", 5)
    memory = open_both(tmp_path, "search.trials=100")
    for number in range(50):
        asked = new(memory)
        early = number < 5  # each better than all later ones in both
        numbers = {"cost/flops": 1.0 + number if early else 100.0}
        memory.report(asked.number, report(1, 0.5 + number / 100 if early else 0.1, **numbers))
        memory.finish(asked.number, "complete")
    seen = memory.group().proposer.copy.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    assert len(seen) <= 30
    assert sum(trial.values[1] < 100 for trial in seen) == 5


def test_what_is_read_back_has_the_objectives_and_their_front(tmp_path: Path) -> None:
    memory = open_both(tmp_path)
    run(memory, 6)
    study = read_folder(tmp_path)
    assert study.weighed == memory.objectives
    front = front_of(study.trials, study.weighed)
    points = {row.id: (-row.metrics["val/recall_at_1"], row.cost["cost/flops"]) for row in study.trials}
    complete = [row.id for row in study.trials if row.state == "complete"]
    beaten = {
        one for one in complete for other in complete
        if points[other] != points[one] and all(a <= b for a, b in zip(points[other], points[one], strict=True))
    }  # fmt: skip
    assert {row.id for row in front} == set(complete) - beaten
    assert study.best == front[0]


@pytest.mark.filterwarnings("ignore::Warning:(mlflow|alembic|sqlalchemy)")
def test_mlflow_has_the_objectives_too(tmp_path: Path, store: str) -> None:
    memory = open_both(tmp_path / "study")
    run(memory, 3)
    close(memory, store)
    assert read_mlflow(store, "made-up").weighed == memory.objectives


def test_importance_is_that_for_the_first_objective(tmp_path: Path) -> None:
    memory = open_both(tmp_path, "search.trials=40", "search.algorithm=random")
    for _ in range(40):
        asked = new(memory)
        wide = asked.configuration.backbone.params["width"] == 32
        flops = float(asked.configuration.embedding_dim)  # the second objective is made by another parameter
        memory.report(asked.number, report(1, 0.8 if wide else 0.5, **{"cost/flops": flops}))
        memory.finish(asked.number, "complete")
    assert importances(tmp_path)[0].name == "backbone.mlp.width"
