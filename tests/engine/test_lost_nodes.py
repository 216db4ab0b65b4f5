"""What becomes of a trial whose process is gone: a node's death is not its fault, its own is. tests/e2e kills real nodes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from ray.tune.experiment import Trial
from ray.tune.result import EXPR_ERROR_FILE

from ablate.engine.failing import reason
from ablate.engine.holding import Holding
from ablate.engine.recorder import MOST_LOSSES, Recorder
from ablate.engine.resources import Budget
from ablate.engine.searcher import StudySearcher
from ablate.errors import StoreError
from ablate.store.asked import Asked
from ablate.store.memory import Memory
from ablate.store.queue import queue_of
from ablate.study.spending import Resources
from ablate.types import TrialResult
from tests.store.studies import open_memory
from tests.training.trials import trial as made_trial

NODE = (
    "The actor died unexpectedly before finishing this task.\nThe actor died because its node has died. Node Id: 0f3a"
)
PROCESS = (
    "The actor died unexpectedly before finishing this task.\nThe actor is dead because its worker process has died."
)
SILENT = (
    "The actor 6d6a5f33 is unavailable: The actor is temporarily unavailable: RpcError: RPC error: keepalive watchdog"
    " timeout rpc_code: 14. The task may or may not have been executed on the actor."
)


class Listener:
    """A watcher of trials that go on."""

    def __init__(self) -> None:
        self.told: list[tuple[int, str]] = []

    def taken_back(self, number: int, how: str) -> None:
        self.told.append((number, how))

    def ended(self, result: TrialResult) -> None:
        """Of no interest here."""


class Running(NamedTuple):
    """A trial that has been handed out, and those who hear of its end."""

    listener: Listener
    memory: Memory
    recorder: Recorder
    searcher: StudySearcher
    asked: Asked
    folder: Path

    def end(self, error: str) -> TrialResult:
        """Tune's trial ends with that error, which it writes into a file; what is known of it then."""
        (self.folder / EXPR_ERROR_FILE).unlink(missing_ok=True)
        trial = Trial("made-up", stub=True, config={"number": self.asked.number})
        trial.storage = SimpleNamespace(trial_driver_staging_path=str(self.folder))
        trial.handle_error(RuntimeError(error))
        self.recorder.on_trial_error(0, [], trial)
        return self.memory.result(self.asked.id)


@pytest.fixture
def running(tmp_path: Path) -> Running:
    def never(*given: object) -> None:
        raise AssertionError("nothing is specified or reused here")

    memory = open_memory(tmp_path)
    asked = memory.ask()
    assert asked is not None
    holding = Holding(Resources(), Budget(4, 0))
    searcher = StudySearcher(memory, queue_of(memory), never, holding, never)  # type: ignore[arg-type]
    searcher.unfinished.clear()
    listener = Listener()
    recorder = Recorder(memory, {}, [listener], lambda: None, searcher.take_back, Counter(), holding)  # type: ignore[list-item]
    return Running(listener, memory, recorder, searcher, asked, tmp_path)


@pytest.mark.parametrize(
    ("error", "why"), [(NODE, "its node has died"), (SILENT, "nothing was heard of its process for minutes")]
)
def test_a_trial_whose_node_is_gone_is_handed_out_again_under_its_own_number(
    running: Running, error: str, why: str
) -> None:
    assert running.end(error).state == "running"
    assert running.searcher.unfinished == [running.asked] == running.memory.unfinished()
    assert running.listener.told == [(0, f"from its last checkpoint: {why}")]


def test_a_trial_that_loses_one_node_after_another_fails(running: Running) -> None:
    assert [running.end(NODE).state for _ in range(MOST_LOSSES)] == ["running"] * MOST_LOSSES
    row = running.end(NODE)
    assert row.state == "failed" and row.reason is not None and "its node has died" in row.reason


def test_a_trial_whose_process_alone_died_fails_at_once(running: Running) -> None:
    row = running.end(PROCESS)
    assert row.state == "failed" and row.reason is not None and row.reason.endswith("its worker process has died.")
    assert running.searcher.unfinished == [] == running.memory.unfinished()


def test_a_trial_that_ray_ended_for_the_memory_of_its_machine_is_tried_again_alone_and_only_then_fails(
    running: Running,
) -> None:
    low = "1 worker(s) were killed due to the node running low on memory. Memory on the node was 23.1GB\n10886 1.35 ray"
    assert running.end(low).state == "running"
    assert running.searcher.unfinished == [running.asked]
    assert running.listener.told == [(0, "alone: beside others it ran out of memory")]
    row = running.end(low)
    assert row.state == "failed" and row.reason is not None
    assert row.reason.startswith(
        "trained alone after it had run out of memory beside others: out of memory: the machine"
    )


def test_a_trial_that_cannot_be_kept_is_tried_again_and_then_ends_the_study_unfinished(
    running: Running, tmp_path: Path
) -> None:
    """A full disk fails no trial: with room again each goes on from its last checkpoint."""
    error = StoreError(f"{tmp_path}: the checkpoint cannot be written (No space left on device)\n  make room there")
    trial = Trial("made-up", stub=True, config={"number": running.asked.number})
    told = reason(error, made_trial(tmp_path))
    trial.run_metadata.last_result = told
    for _ in range(MOST_LOSSES):
        running.recorder.on_trial_complete(0, [], trial)
    again = f"from its last checkpoint: {tmp_path}: the checkpoint cannot be written (No space left on device)"
    assert running.listener.told == [(running.asked.number, again)] * MOST_LOSSES
    with pytest.raises(StoreError, match=r"(?s)No space left on device\).*run the same command again"):
        running.recorder.on_trial_complete(0, [], trial)
    assert running.memory.result(running.asked.id).state == "running"
    assert running.memory.unfinished() == [running.asked]
