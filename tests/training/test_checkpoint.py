"""Checkpoints: whole or not there, whatever happens to the process or the files."""

from __future__ import annotations

import errno
import os
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from ablate.errors import StoreError
from ablate.training import checkpoint
from ablate.training.checkpoint import Checkpoint, Progress, load, save

FILES = ("header.json", "state.pt", "tensors.safetensors")


def at_epoch(epoch: int) -> Checkpoint:
    weights = {"network.a": torch.full((3, 2), float(epoch)), "network.count": torch.tensor(epoch)}
    # channels_last, as the weights of convolutions are kept
    weights["network.conv"] = torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last)
    state = {"optimizer": {"state": {0: {"step": torch.tensor(5.0)}}, "lr": 0.1}, "schedule": {"best": float("inf")}}
    return Checkpoint(Progress(epoch, {"val/auc": 0.5}, 1.5, 2.5, 3.5), weights, {"a": torch.zeros(2)}, state)


def epoch_found(folder: Path) -> int | None:
    found = load(folder)
    return None if found is None else found.progress.epoch


def test_a_checkpoint_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    saved = at_epoch(3)
    save(tmp_path / "new" / "trial", saved)
    found = load(tmp_path / "new" / "trial")
    assert found is not None
    assert asdict(found.progress) == asdict(saved.progress)
    assert found.weights.keys() == saved.weights.keys()
    assert all(torch.equal(found.weights[name], tensor) for name, tensor in saved.weights.items())
    assert all(found.weights[name].dtype == tensor.dtype for name, tensor in saved.weights.items())
    assert found.best_weights["a"].tolist() == [0, 0]
    assert found.state == saved.state


def test_there_is_none_before_the_first(tmp_path: Path) -> None:
    assert load(tmp_path) is None
    assert load(tmp_path / "missing") is None


def test_the_newest_replaces_the_older_ones(tmp_path: Path) -> None:
    for epoch in (9, 10, 1_000_000):
        save(tmp_path, at_epoch(epoch))
        assert epoch_found(tmp_path) == epoch
        assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("file", FILES)
def test_a_file_cut_short_anywhere_makes_the_older_checkpoint_count(tmp_path: Path, file: str) -> None:
    save(tmp_path, at_epoch(1))
    (tmp_path / "checkpoint-000001").rename(tmp_path / "kept")
    save(tmp_path, at_epoch(2))
    (tmp_path / "kept").rename(tmp_path / "checkpoint-000001")
    path = tmp_path / "checkpoint-000002" / file
    content = path.read_bytes()
    for length in (0, 1, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        assert epoch_found(tmp_path) == 1
    path.unlink()
    assert epoch_found(tmp_path) == 1
    path.write_bytes(content)
    assert epoch_found(tmp_path) == 2


@pytest.mark.parametrize("file", FILES[1:])
def test_a_single_flipped_bit_is_noticed(tmp_path: Path, file: str) -> None:
    save(tmp_path, at_epoch(1))
    path = tmp_path / "checkpoint-000001" / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert load(tmp_path) is None


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_killed_while_saving_the_old_one_counts_and_the_next_save_clears_what_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    for moment in range(1, 6 if call == "fsync" else 2):
        folder = tmp_path / str(moment)
        save(folder, at_epoch(1))
        with monkeypatch.context() as patch:
            if call == "fsync":
                real, calls = os.fsync, iter(range(1, 10))
                patch.setattr(os, "fsync", lambda fd, r=real, c=calls, m=moment: kill() if next(c) == m else r(fd))
            else:
                patch.setattr(Path, "rename", kill)
            with pytest.raises(Killed):
                save(folder, at_epoch(2))
        renamed = call == "fsync" and moment == 5  # the fifth makes the new name last
        assert epoch_found(folder) == (2 if renamed else 1)
        save(folder, at_epoch(3))
        assert [path.name for path in folder.iterdir()] == ["checkpoint-000003"]


def test_a_damaged_checkpoint_of_the_same_epoch_is_replaced(tmp_path: Path) -> None:
    save(tmp_path, at_epoch(1))
    (tmp_path / "checkpoint-000001" / "state.pt").write_bytes(b"")
    save(tmp_path, at_epoch(1))
    assert epoch_found(tmp_path) == 1


def test_a_checkpoint_of_another_format_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, at_epoch(1))
    monkeypatch.setattr(checkpoint, "FORMAT", checkpoint.FORMAT + 1)
    assert load(tmp_path) is None


def test_a_folder_that_cannot_be_written_is_named_with_its_mend(tmp_path: Path) -> None:
    (tmp_path / "trial").write_text("a file, where a folder should be")
    with pytest.raises(StoreError, match=r"trial: the checkpoint cannot be written \(.*\)\n  make room"):
        save(tmp_path / "trial", at_epoch(1))


def test_a_read_that_fails_for_a_moment_is_told_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken for damage it would begin the trial anew, and the next save would delete what was there."""
    save(tmp_path, at_epoch(4))
    with monkeypatch.context() as broken:
        broken.setattr(Path, "read_bytes", lambda _: raising(OSError(errno.EIO, "Input/output error")))
        with pytest.raises(StoreError, match=r"(?s)cannot be read \(Input/output error\)"):
            load(tmp_path)
    assert epoch_found(tmp_path) == 4


def test_what_did_not_fit_on_the_disk_is_taken_away_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, at_epoch(4))
    with monkeypatch.context() as full:
        full.setattr(checkpoint, "sync_folder", lambda _: raising(OSError(errno.ENOSPC, "No space left on device")))
        with pytest.raises(StoreError, match="cannot be written"):
            save(tmp_path, at_epoch(5))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-000004"]


def raising(error: OSError) -> None:
    raise error
