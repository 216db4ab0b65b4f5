"""Checkpoints in an object store: a trial goes on from there on any machine, and is brought home once it is complete."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from ablate.engine.failing import reason
from ablate.engine.specify import specify
from ablate.errors import StoreError
from ablate.objects import Objects
from ablate.store.asked import Asked
from ablate.store.folder import ERROR_FILE, StudyFolder
from ablate.store.memory import Memory
from ablate.training.checkpoint import Checkpoint, Progress, load, save
from ablate.training.spec import TrialSpec
from tests.object_store import BUCKET
from tests.store.studies import report, study
from tests.training.trials import DIGITS

pytestmark = pytest.mark.usefixtures("s3")
ADDRESS = f"s3://{BUCKET}/studies"


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    """Of a study whose checkpoints are in the store."""
    asked, folder = study(), StudyFolder(tmp_path / "made-up")
    folder.path.mkdir()
    folder.describe(asked, checkpoints=ADDRESS)
    return Memory(folder, asked)


def handed_out(memory: Memory) -> tuple[Asked, TrialSpec]:
    asked = memory.ask()
    assert asked is not None
    return asked, specify(asked, memory.study, DIGITS, memory.folder, {})


def saved(spec: TrialSpec, epoch: int) -> None:
    weights = {"network.a": torch.full((3, 2), float(epoch))}
    save(spec.place, Checkpoint(Progress(epoch), weights, {"a": torch.zeros(2)}, {"optimizer": {}, "schedule": {}}))


def test_the_newest_checkpoint_is_found_and_the_older_ones_are_gone(memory: Memory) -> None:
    _, spec = handed_out(memory)
    assert load(spec.place) is None
    saved(spec, 1)
    saved(spec, 2)
    found = load(spec.place)
    assert found is not None and found.progress.epoch == 2 and float(found.weights["network.a"][0, 0]) == 2.0
    names = Objects(spec.checkpoints).names()
    assert {name.partition("/")[0] for name in names} == {"checkpoint-000002"}
    assert not list(memory.folder.trial(spec.id).glob("checkpoint-*")), "nothing of it is on this machine"


def test_an_upload_that_was_cut_off_is_no_checkpoint(memory: Memory) -> None:
    _, spec = handed_out(memory)
    saved(spec, 1)
    objects = Objects(spec.checkpoints)
    for name in objects.names():
        if not name.endswith("header.json"):
            objects.write(name.replace("000001", "000002"), objects.read(name))
    found = load(spec.place)
    assert found is not None and found.progress.epoch == 1


def test_a_complete_trial_is_brought_into_its_folder(memory: Memory) -> None:
    asked, spec = handed_out(memory)
    saved(spec, 3)
    memory.report(asked.number, report(3, 0.5))
    assert memory.finish(asked.number, "complete").state == "complete"
    found = load(memory.folder.trial(asked.id))
    assert found is not None and found.progress.epoch == 3


@pytest.mark.parametrize("state", ["pruned", "failed"])
def test_of_a_trial_that_is_not_complete_nothing_is_kept_but_why_it_failed(memory: Memory, state: str) -> None:
    asked, spec = handed_out(memory)
    saved(spec, 1)
    memory.report(asked.number, report(1, 0.5))
    told = {}
    try:
        raise ValueError("a layer is missing")
    except ValueError as error:
        told = reason(error, spec)
    assert told == {"failure": "ValueError: a layer is missing"}
    memory.finish(asked.number, state, "why")
    assert Objects(spec.checkpoints).names() == []
    own = memory.folder.trial(asked.id)
    assert not list(own.glob("checkpoint-*"))
    assert "a layer is missing" in (own / ERROR_FILE).read_text()


def test_a_complete_trial_of_a_study_that_is_made_longer_goes_on_from_the_store(memory: Memory) -> None:
    asked, spec = handed_out(memory)
    epochs = memory.study.space.epochs
    for epoch in range(1, epochs + 1):
        memory.report(asked.number, report(epoch, 0.5))
    saved(spec, epochs)
    memory.finish(asked.number, "complete")
    longer = study(f"space.epochs={epochs + 2}")
    (again,) = Memory(memory.folder, longer).unfinished()
    assert again.number != asked.number
    found = load(specify(again, longer, DIGITS, memory.folder, {}).place)
    assert found is not None and found.progress.epoch == epochs


def test_two_studies_of_one_name_do_not_meet_in_the_store(memory: Memory, tmp_path: Path) -> None:
    other = StudyFolder(tmp_path / "elsewhere" / "made-up")
    other.path.mkdir(parents=True)
    other.describe(memory.study, checkpoints=ADDRESS)
    assert memory.folder.checkpoints("0000") != other.checkpoints("0000")


def test_a_study_stays_where_its_checkpoints_are(memory: Memory, tmp_path: Path) -> None:
    assert memory.folder.check_checkpoints(None) == memory.folder.check_checkpoints(ADDRESS) == ADDRESS
    with pytest.raises(
        StoreError, match=rf"this study's checkpoints are {ADDRESS}, not s3://else\n  leave --checkpoints"
    ):
        memory.folder.check_checkpoints("s3://else")
    plain = StudyFolder(tmp_path / "plain")
    plain.path.mkdir()
    plain.describe(memory.study)
    assert "checkpoints" not in json.loads(plain.description.read_text()) and plain.checkpoints("0000") == ""
    with pytest.raises(StoreError, match="this study's checkpoints are in this folder, not s3"):
        plain.check_checkpoints(ADDRESS)


def test_a_store_that_does_not_answer_ends_the_study_with_a_word_how_to_go_on(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, spec = handed_out(memory)
    saved(spec, 1)
    memory.report(asked.number, report(1, 0.5))

    def refuse(*given: object) -> bytes:
        raise OSError("connection refused")

    monkeypatch.setattr(Objects, "read", refuse)
    with pytest.raises(StoreError, match=r"cannot be reached .*\n  run the same command again"):
        memory.finish(asked.number, "complete")
    monkeypatch.undo()
    assert [left.number for left in Memory(memory.folder, memory.study).unfinished()] == [asked.number]
