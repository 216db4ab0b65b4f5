"""In which order trials are handed out: unfinished ones first, new ones, and last those that want a machine to themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ray.tune.search import Searcher

from ablate.engine.holding import Holding
from ablate.engine.resources import Budget
from ablate.engine.searcher import StudySearcher
from ablate.engine.specify import specify
from ablate.store.asked import Asked
from ablate.store.drivers import SharingDriver
from ablate.store.folder import StudyFolder
from ablate.store.memory import Memory
from ablate.store.queue import queue_of
from ablate.study.spending import Resources
from ablate.training.spec import TrialSpec
from tests.store.studies import open_memory, study
from tests.training.trials import DIGITS


def searcher_of(memory: Memory) -> StudySearcher:
    def spec_of(asked: Asked) -> TrialSpec:
        return specify(asked, memory.study, DIGITS, memory.folder, {})

    def never(*given: object) -> None:
        raise AssertionError("nothing is reused here")

    return StudySearcher(memory, queue_of(memory), spec_of, Holding(Resources(), Budget(4, 0)), never)


def handed_out(searcher: StudySearcher) -> dict[str, Any]:
    config = searcher.suggest("any")
    assert isinstance(config, dict)
    return config


def out_of_memory(searcher: StudySearcher, number: int) -> None:
    assert searcher.holding.try_alone(searcher.memory.asked(f"{number:04d}"), on_gpu=False)
    searcher.take_back(number)


def test_who_wants_a_machine_for_itself_comes_when_nothing_else_is_left(tmp_path: Path) -> None:
    searcher = searcher_of(open_memory(tmp_path / "made-up", "search.trials=3"))
    first = handed_out(searcher)
    out_of_memory(searcher, first["number"])
    searcher.take_back(handed_out(searcher)["number"])  # it lost its node
    assert [handed_out(searcher)["number"] for _ in range(2)] == [1, 2]
    again = handed_out(searcher)
    assert (again["number"], again["held"]) == (first["number"], {"cpu": 4, "gpu": 0.0})
    assert first["held"] == {"cpu": 1, "gpu": 0.0}
    assert again["spec"] == first["spec"], "it is the same trial"
    assert searcher.suggest("any") == Searcher.FINISHED


def test_of_a_shared_study_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, folder = study("search.trials=1"), StudyFolder(tmp_path / "made-up")
    driver = SharingDriver(folder)
    with driver.driving():
        folder.describe(asked, storage=f"sqlite:///{tmp_path / 'memory.db'}")
        searcher = searcher_of(Memory(folder, asked, driver=driver))
        number = handed_out(searcher)["number"]
        out_of_memory(searcher, number)
        assert handed_out(searcher)["number"] == number
        assert searcher.suggest("any") == Searcher.FINISHED
