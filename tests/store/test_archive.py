"""The archive: what was finished once is found again, and nothing else is taken for it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import ablate
from ablate.store import archive as archive_module
from ablate.store.archive import Archive, archive_beside, code_version, context
from ablate.store.asked import Asked
from ablate.store.folder import StudyFolder
from ablate.study.configuration import Component
from tests.store.ablations import arm_queue, open_memory, run, study

CONTEXT = context(data={"name": "digits", "params": ()}, objective=["val/recall_at_1", "maximize"])


def kept(tmp_path: Path) -> tuple[Archive, Asked]:
    """An archive with the six trials of a study, and one of them."""
    archive = Archive(tmp_path / ".finished", CONTEXT)
    memory = open_memory(tmp_path / "first", archive=archive)
    return archive, run(memory, arm_queue(memory))[4]


def test_a_second_equal_study_trains_nothing_and_has_the_same_rows(tmp_path: Path) -> None:
    archive, _ = kept(tmp_path)
    first = open_memory(tmp_path / "first").results()
    memory = open_memory(tmp_path / "second", archive=archive)
    queue = arm_queue(memory)
    found = []
    while (asked := queue.next()) is not None:
        found.append(memory.reuse(asked))
    assert [replace(row, reused=None) for row in memory.results()] == first
    assert memory.curves() == open_memory(tmp_path / "first").curves()  # so ASHA's rungs hold them, too
    assert [row.reused for row in found if row] == [f"made-up/{n:04d}" for n in range(6)]
    assert list((tmp_path / "second" / "trials" / "0003").glob("checkpoint-*"))  # for whoever uses the network


def test_the_archive_outlives_the_study_that_filled_it(tmp_path: Path) -> None:
    archive, asked = kept(tmp_path)
    shutil.rmtree(tmp_path / "first")
    assert archive.restore(asked, tmp_path / "again") == "made-up/0004"
    assert (tmp_path / "again" / "metrics.jsonl").read_text().count("\n") == 2
    assert not (tmp_path / "again" / "source.json").exists()


@pytest.mark.parametrize("change", ["seed", "configuration", "phase", "context", "code"])
def test_what_differs_in_anything_that_moves_a_number_is_not_taken(
    tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, asked = kept(tmp_path)
    if change == "seed":
        asked = replace(asked, seed=7)
    elif change == "configuration":
        asked = replace(asked, configuration=replace(asked.configuration, embedding_dim=9))
    elif change == "phase":
        asked = replace(asked, phase="tune")  # which has not read the test split
    elif change == "context":
        archive = replace(archive, context=context(data={"name": "mnist"}))
    else:
        monkeypatch.setattr(archive_module, "code_version", lambda: "another")
    assert archive.restore(asked, tmp_path / "again") is None
    assert not (tmp_path / "again").exists()


def test_a_file_of_weights_that_was_changed_under_its_name_makes_another_trial(tmp_path: Path) -> None:
    archive, asked = kept(tmp_path)
    path = tmp_path / "w.pth"
    path.write_bytes(b"one")
    backbone = Component("resnet18", {"pretrained": str(path)})
    asked = replace(asked, configuration=replace(asked.configuration, backbone=backbone))
    archive.keep(asked, tmp_path / "first" / "trials" / "0004", "made-up/0004")
    assert archive.restore(asked, tmp_path / "again") == "made-up/0004"
    path.write_bytes(b"two")
    assert archive.restore(asked, tmp_path / "again") is None


def test_the_arms_name_does_not_matter(tmp_path: Path) -> None:
    archive, asked = kept(tmp_path)
    assert archive.restore(replace(asked, arm="sampler=hard lr=0.001", number=77), tmp_path / "again") == "made-up/0004"


def test_stopped_and_failed_trials_are_not_kept(tmp_path: Path) -> None:
    archive = Archive(tmp_path / ".finished", CONTEXT)
    memory = open_memory(tmp_path / "first", archive=archive)
    asked = arm_queue(memory).next()
    assert asked is not None
    memory.finish(asked.number, "failed", "diverged")
    assert archive.restore(asked, tmp_path / "again") is None


def test_the_code_version_covers_what_trains_and_nothing_that_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "ablate"
    shutil.copytree(Path(str(ablate.__file__)).parent, package, ignore=shutil.ignore_patterns("*.pyc"))
    monkeypatch.setattr(ablate, "__file__", str(package / "__init__.py"))

    def version() -> str:
        code_version.cache_clear()
        return code_version()

    before = version()
    (package / "summary" / "render.py").write_text("changed")
    assert version() == before
    for changed in ("training/loop.py", "metrics/retrieval.py", "catalogue/losses.py", "study/splits.py"):
        (package / changed).write_text("changed")
        now = version()
        assert now != before, changed
        before = now
    code_version.cache_clear()


def test_a_trial_that_held_another_share_of_a_gpu_is_another(tmp_path: Path) -> None:
    """Its seconds, and what they cost, are not those of one that had it alone."""
    contexts = {
        archive_beside(StudyFolder(tmp_path / "s"), study(f"resources.gpus={gpus}"), data={}, digest="d").context
        for gpus in (0, 0.25, 1, "auto")
    }
    assert len(contexts) == 4


def test_a_trial_whose_network_breaks_a_constraint_on_this_machine_is_not_taken(tmp_path: Path) -> None:
    """It was allowed where it was trained: what is timed differs from machine to machine."""
    archive, _ = kept(tmp_path)
    for milliseconds, taken in ((4.9, True), (5.4, False)):
        memory = open_memory(tmp_path / str(taken), "constraints={cost/latency_ms_p50: {max: 5}}", archive=archive)
        asked = arm_queue(memory).next()
        assert asked is not None
        network = asked.configuration.architecture
        memory.measured.note(latency={network: {"cost/latency_ms_p50": milliseconds}}, tests={})
        assert (memory.reuse(asked) is not None) == taken
