"""The study's folder: its lock, what its trials mean, and where it goes with --fresh."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ablate.errors import StoreError
from ablate.store.folder import StudyFolder
from tests.store.studies import study

HOLD = """
import sys, time
from pathlib import Path
from ablate.store.folder import StudyFolder
folder = StudyFolder(Path(sys.argv[1]))
with folder.held():
    folder.note_holder({"pid": __import__("os").getpid(), "session_dir": "/tmp/session"})
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_with_the_pid_of_the_first_until_that_is_killed(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "faces")
    assert not folder.driven
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder.path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert folder.driven
        with pytest.raises(StoreError, match=rf"as process {holder.pid}\n.*kill -INT {holder.pid}"), folder.held():
            pass
        holder.send_signal(signal.SIGKILL)
    assert not folder.driven
    with folder.held() as last:
        assert last == {"pid": holder.pid, "session_dir": "/tmp/session"}
        assert json.loads(folder.lock.read_text()) == {"pid": os.getpid()}
    with folder.held() as last:
        assert last == {}


def test_who_looks_whether_a_study_runs_keeps_nobody_from_running_it(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "faces")
    with folder.held():
        pass
    looker = folder.lock.open()
    fcntl.flock(looker, fcntl.LOCK_SH)
    end = threading.Timer(0.03, looker.close)
    end.start()
    with folder.held():
        assert folder.driven
    end.join()


def test_a_study_that_ended_with_an_error_is_free_again(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "faces")
    with pytest.raises(RuntimeError), folder.held():
        raise RuntimeError
    with folder.held() as last:
        assert last == {}


def test_setting_aside_keeps_every_earlier_study(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "faces")
    assert folder.set_aside() is None
    for number in (1, 2):
        with folder.held():
            (folder.path / "mark").write_text(str(number))
            assert folder.set_aside() == tmp_path / f"faces.old-{number}"
    assert not folder.path.exists()
    assert [(tmp_path / f"faces.old-{n}" / "mark").read_text() for n in (1, 2)] == ["1", "2"]


def test_a_study_of_the_same_meaning_goes_on(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    folder.check(study())
    folder.describe(study())
    folder.check(study("search.trials=50", "search.algorithm=tpe"))
    folder.check(study("space.epochs=9"))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("space.embedding_dim=[8, 32]", r"space.embedding_dim: was \[8, 16\], is \[8, 32\]"),
        ("space.sampler=hard", "space.sampler: was random, is hard"),
        (
            "space.loss.triplet.margin={uniform: [0.05, 0.6]}",
            r"space.loss.triplet.margin: was \{uniform: \[0.05, 0.5\]\}, is \{uniform: \[0.05, 0.6\]\}",
        ),
        ("seed=3", "seed: was 0, is 3"),
        ("data.val_fraction=0.3", "data: was "),
        ("space.epochs=3", "space.epochs: was 4, is 3\n.*made longer: run it with --set space.epochs=4"),
        ("resources.cpus=2", "resources: was 1 CPU, 0 GPUs, is 2 CPUs, 0 GPUs"),
        ("objective.metric=val/auc", "objective.metric: was val/recall_at_1, is val/auc"),
    ],
)
def test_another_meaning_is_refused_with_what_differs_and_both_ways_out(
    tmp_path: Path, change: str, named: str
) -> None:
    folder = StudyFolder(tmp_path)
    folder.describe(study())
    with pytest.raises(StoreError, match=named) as refused:
        folder.check(study(change))
    assert "--fresh" in str(refused.value)
    assert "--set study=NAME" in str(refused.value)


def test_more_epochs_are_refused_where_the_schedule_plans_over_all_of_them(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    folder.describe(study("space.schedule=cosine"))
    with pytest.raises(StoreError, match="schedule cosine plans its rates over all epochs"):
        folder.check(study("space.schedule=cosine", "space.epochs=9"))


def test_a_study_keeps_its_key_and_a_new_one_of_its_name_gets_another(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "faces")
    folder.path.mkdir()
    assert folder.key == ""
    folder.describe(study())
    first = folder.key
    folder.describe(study("search.trials=50"))
    assert folder.key == first
    folder.set_aside()
    folder.path.mkdir()
    folder.describe(study())
    assert folder.key not in ("", first)


def test_a_description_that_cannot_be_read_is_said_to_be(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    folder.description.write_text('{"study": ')
    with pytest.raises(StoreError, match="cannot be read\n  start anew with --fresh"):
        folder.check(study())


def test_other_data_or_constraints_under_the_same_study_are_refused_with_what_differs(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "faces")
    with folder.held():
        folder.describe(study(), "digest-of-the-images")
    folder.check(study())  # before the data are read, nothing can be said of them
    folder.check(study(), "digest-of-the-images")
    with pytest.raises(StoreError, match="data_digest: was digest-of-the-images, is another"):
        folder.check(study(), "another")
    with pytest.raises(StoreError, match=r"constraints: was \{\}, is .*at most 1000"):
        folder.check(study("constraints={cost/params: {max: 1000}}"), "digest-of-the-images")


@pytest.mark.parametrize("place", ["file", "file/below", "file/below/that"])
def test_a_folder_that_is_a_file_or_below_one_is_refused_and_nothing_is_written(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StoreError, match=r"cannot be made and written \(not a directory\)\n.*--out"):
        StudyFolder(tmp_path / place).check_writable()
    with pytest.raises(StoreError, match="cannot be made and written"), StudyFolder(tmp_path / place).held():
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["file"]


def test_a_folder_where_nothing_can_be_made_is_refused() -> None:
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc here")
    with pytest.raises(StoreError, match="/proc/runs/faces: this folder cannot be made and written"):
        StudyFolder(Path("/proc/runs/faces")).check_writable()


def test_trying_whether_a_folder_can_be_made_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "runs" / "faces").mkdir(parents=True)
    for place in ("runs/faces", "runs/other", "elsewhere/runs/faces"):
        StudyFolder(tmp_path / place).check_writable()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["faces", "runs"]
