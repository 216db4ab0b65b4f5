"""What becomes of a trial whose process is gone: a node's death is not its fault, its own is. tests/e2e kills real nodes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

from ray.tune.experiment import Trial
from ray.tune.result import EXPR_ERROR_FILE

from ablate.engine.recorder import MOST_LOSSES, Recorder
from ablate.engine.searcher import StudySearcher
from ablate.store.memory import Memory
from ablate.store.queue import queue_of
from tests.store.studies import open_memory

NODE = (
    "The actor died unexpectedly before finishing this task.\nThe actor died because its node has died. Node Id: 0f3a"
)
PROCESS = (
    "The actor died unexpectedly before finishing this task.\nThe actor is dead because its worker process has died."
)


def recorder_of(memory: Memory) -> tuple[Recorder, StudySearcher]:
    def never(*given: object) -> None:
        raise AssertionError("nothing is specified or reused here")

    searcher = StudySearcher(memory, queue_of(memory), never, never)  # type: ignore[arg-type]
    return Recorder(memory, {}, [], lambda: None, searcher.take_back, Counter()), searcher


def end(recorder: Recorder, folder: Path, number: int, error: str) -> None:
    """Tune's trial ends with that error, which it writes into `folder`."""
    (folder / EXPR_ERROR_FILE).unlink(missing_ok=True)
    trial = Trial("made-up", stub=True, config={"number": number})
    trial.storage = SimpleNamespace(trial_driver_staging_path=str(folder))
    trial.handle_error(RuntimeError(error))
    recorder.on_trial_error(0, [], trial)


def test_a_trial_whose_node_died_is_handed_out_again_under_its_own_number(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    asked = memory.ask()
    assert asked is not None
    recorder, searcher = recorder_of(memory)
    searcher.unfinished.clear()
    end(recorder, tmp_path, asked.number, NODE)
    assert searcher.unfinished == [asked] == memory.unfinished()


def test_a_trial_that_loses_one_node_after_another_fails(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    asked = memory.ask()
    assert asked is not None
    recorder, _ = recorder_of(memory)
    for _ in range(MOST_LOSSES):
        end(recorder, tmp_path, asked.number, NODE)
        assert memory.result(asked.id).state == "running"
    end(recorder, tmp_path, asked.number, NODE)
    row = memory.result(asked.id)
    assert row.state == "failed" and row.reason is not None and "its node has died" in row.reason


def test_a_trial_whose_process_alone_died_fails_at_once(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    asked = memory.ask()
    assert asked is not None
    recorder, searcher = recorder_of(memory)
    searcher.unfinished.clear()
    end(recorder, tmp_path, asked.number, PROCESS)
    assert memory.result(asked.id).state == "failed" and searcher.unfinished == [] == memory.unfinished()
