"""Parameter importance: what made the objective is found to have made it."""

from __future__ import annotations

from pathlib import Path

import pytest
from optuna.trial import FrozenTrial

from ablate.store import importance
from ablate.store.importance import LEAST_TRIALS, importances
from tests.store.studies import new, open_memory, train


def test_the_parameter_that_makes_the_objective_is_the_important_one_and_the_spread_says_how_surely(
    tmp_path: Path,
) -> None:
    memory = open_memory(tmp_path, "search.trials=60")
    for _ in range(60):
        asked = new(memory)
        wide = asked.configuration.backbone.params["width"] == 32
        train(memory, asked, 0.5 + 0.3 * wide + 0.01 * (asked.configuration.embedding_dim == 16))
        memory.finish(asked.number, "complete")
    found = {each.name: each for each in importances(tmp_path)}
    best = found["backbone.mlp.width"]
    assert next(iter(found)) == "backbone.mlp.width"
    assert best.fanova is not None and best.ped_anova is not None
    middle, low, high = best.fanova
    assert 0.8 < low <= middle <= high <= 1
    assert all(best.ped_anova[0] >= each.ped_anova[0] for each in found.values() if each.ped_anova)
    assert found["loss.triplet.margin"].fanova is None  # only some trials have it


def test_of_very_many_trials_some_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = open_memory(tmp_path, "search.trials=40")
    for _ in range(40):
        asked = new(memory)
        train(memory, asked, 0.5 + 0.3 * (asked.configuration.backbone.params["width"] == 32))
        memory.finish(asked.number, "complete")
    held: set[int] = set()
    hold = importance._Sample.hold

    def counted(sample: importance._Sample, trials: list[FrozenTrial]) -> None:
        held.add(len(trials))
        hold(sample, trials)

    monkeypatch.setattr(importance._Sample, "hold", counted)
    monkeypatch.setattr(importance, "MOST_TRIALS", 25)
    assert importances(tmp_path)[0].name == "backbone.mlp.width"
    assert held == {25}


def test_a_handful_of_trials_says_nothing(tmp_path: Path) -> None:
    memory = open_memory(tmp_path, "search.trials=60")
    for _ in range(LEAST_TRIALS - 1):
        asked = new(memory)
        train(memory, asked, 0.5 + asked.number / 100)
        memory.finish(asked.number, "complete")
    assert importances(tmp_path) == []
