"""The pictures of a trial on disk: whole or not there, and drawn anew only after another checkpoint."""

from __future__ import annotations

import os
from pathlib import Path

from ablate.store import pictures
from tests.store.studies import new, open_memory, train


def test_pictures_are_read_as_they_were_written_and_replace_older_ones(tmp_path: Path) -> None:
    pictures.write(tmp_path, {"roc.png": b"old", "pairs.png": b"old"})
    pictures.write(tmp_path, {"roc.png": b"new"})
    assert pictures.read(tmp_path) == {"roc.png": b"new"}
    assert [path.name for path in tmp_path.iterdir()] == [pictures.FOLDER]


def test_what_a_killed_process_left_half_is_replaced(tmp_path: Path) -> None:
    (tmp_path / pictures.PARTIAL).mkdir()
    (tmp_path / pictures.PARTIAL / "roc.png").write_bytes(b"half")
    assert pictures.read(tmp_path) == {} and not pictures.are_current(tmp_path)
    pictures.write(tmp_path, {"pairs.png": b"whole"})
    assert pictures.read(tmp_path) == {"pairs.png": b"whole"}


def test_only_pictures_are_read(tmp_path: Path) -> None:
    pictures.write(tmp_path, {"error.txt": b"Traceback"})
    assert pictures.read(tmp_path) == {} and pictures.are_current(tmp_path)


def test_pictures_are_current_until_a_later_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-000002").mkdir()
    assert not pictures.are_current(tmp_path)
    pictures.write(tmp_path, {"roc.png": b"x"})
    assert pictures.are_current(tmp_path)
    (tmp_path / "checkpoint-000003").mkdir()
    drawn = (tmp_path / pictures.FOLDER).stat().st_mtime
    os.utime(tmp_path / "checkpoint-000003", (drawn + 1, drawn + 1))
    assert not pictures.are_current(tmp_path)


def test_a_trial_that_becomes_longer_does_not_keep_the_pictures_of_the_shorter_one(tmp_path: Path) -> None:
    memory = open_memory(tmp_path / "made-up", "search.trials=1")
    asked = new(memory)
    train(memory, asked, 0.5, 0.6, 0.7, 0.8)
    memory.finish(asked.number, "complete")
    pictures.write(memory.folder.trial("0000"), {"roc.png": b"x"})
    longer = open_memory(tmp_path / "made-up", "search.trials=1", "space.epochs=8")
    assert [asked.id for asked in longer.unfinished()] == ["0001"]
    assert pictures.read(longer.folder.trial("0000")) and not pictures.read(longer.folder.trial("0001"))
    assert (longer.folder.trial("0001") / "metrics.jsonl").exists()
