"""How a run can end before its time: killed, interrupted, with failing trials; nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from ablate.engine.leftovers import processes_of
from ablate.store.folder import StudyFolder
from tests.e2e.nodes import below
from tests.e2e.study import background, check_went_on, command, rows, run, saved, wait_until, write_study

pytestmark = [pytest.mark.slow, pytest.mark.ray]


def start(study: Path, out: Path) -> subprocess.Popen[str]:
    """A driver of its own session, as in a terminal."""
    return subprocess.Popen(
        command("run", study, "--out", out, "--cpus", "2"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finished(out: Path) -> int:
    """Trials that have ended, counted without opening the study."""
    journal = out / "small" / "journal.log"
    return journal.read_text().count('"end"') if journal.exists() else 0


def test_after_sigkill_the_same_command_continues_and_repeats_nothing(tmp_path: Path, out: Path) -> None:
    study = write_study(tmp_path, trials=6, epochs=60, stopping="none")
    driver = start(study, out)
    wait_until(lambda: finished(out) >= 2, seconds=120, what="two finished trials")
    second = run("run", study, "--out", out)
    assert second.returncode == 2 and f"as process {driver.pid}" in second.stderr
    with pytest.raises(Exception, match="running already"), StudyFolder(out / "small").held():
        pass
    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate()
    session = _holder(out)["session_dir"]
    before = {row["id"]: row for row in rows(out / "small")}
    done = [id for id, row in before.items() if row["state"] == "complete"]
    assert len(done) >= 2 and len(done) < len(before)
    curves = {id: (out / "small" / "trials" / id / "metrics.jsonl").read_bytes() for id in done}

    again = run("run", study, "--out", out, "--cpus", "1")
    assert again.returncode == 0, again.stderr
    assert "continuing " in again.stderr and "last checkpoint" in again.stderr
    assert list(processes_of(session)) == []
    after = {row["id"]: row for row in rows(out / "small")}
    assert len(after) == 6 and {row["state"] for row in after.values()} == {"complete"}
    for id in done:
        assert (out / "small" / "trials" / id / "metrics.jsonl").read_bytes() == curves[id]
        assert after[id]["params"] == before[id]["params"]
    assert {row["epochs"] for row in after.values()} == {60}


def _holder(out: Path) -> dict[str, str]:

    content: dict[str, str] = json.loads((out / "small" / "driver.lock").read_text())
    return content


def test_ctrl_c_ends_within_ten_seconds_with_130_and_says_how_to_continue(tmp_path: Path, out: Path) -> None:
    study = write_study(tmp_path, trials=40, epochs=60, stopping="none")
    driver = start(study, out)
    wait_until(lambda: finished(out) >= 1, seconds=120, what="a finished trial")
    begin = time.monotonic()
    os.killpg(driver.pid, signal.SIGINT)  # a terminal sends it to the whole group
    output, _ = driver.communicate(timeout=30)
    assert time.monotonic() - begin < 10
    assert driver.returncode == 130, output
    assert "run the same command again to continue" in output
    assert "Traceback" not in output
    again = run("run", study, "--out", out, "--cpus", "1", "--trials", "5")
    assert again.returncode == 0, again.stderr
    assert all(row["state"] == "complete" for row in rows(out / "small"))


def test_ctrl_c_at_any_moment_of_the_start_ends_within_ten_seconds_and_the_same_command_continues(
    tmp_path: Path,
    out: Path,
) -> None:
    """Twice each time, as `timeout` sends it: among Ray's start, the imports of Tune and MLflow, and the first trials."""
    study = write_study(tmp_path, trials=40, epochs=20, stopping="none")
    for seconds in (0.0, 2.0, 6.0):
        driver = start(study, out)
        wait_until(lambda: _driven_by(out, driver.pid), seconds=60, what="a driver that holds the study")  # noqa: B023
        time.sleep(seconds)
        begin = time.monotonic()
        os.kill(driver.pid, signal.SIGINT)
        os.killpg(driver.pid, signal.SIGINT)
        output, _ = driver.communicate(timeout=60)
        took = time.monotonic() - begin
        assert driver.returncode == 130, output
        assert "run the same command again to continue" in output and "Traceback" not in output
        assert took < 10, output
    again = run("run", study, "--out", out, "--cpus", "1", "--trials", "3")
    assert again.returncode == 0, again.stderr
    assert all(row["state"] == "complete" for row in rows(out / "small"))


def _driven_by(out: Path, pid: int) -> bool:
    lock = out / "small" / "driver.lock"
    return lock.exists() and f'"pid": {pid}' in lock.read_text()


def test_a_trial_of_which_nothing_is_heard_goes_on_from_its_checkpoint(tmp_path: Path, out: Path) -> None:
    """Its process sleeps, as on a machine that was suspended; Ray is told to wait ten seconds for it, not minutes."""
    study, trial = write_study(tmp_path, trials=1, epochs=60, stopping="none"), out / "small" / "trials" / "0000"
    impatient = {
        "RAY_grpc_client_keepalive_time_ms": "2000",
        "RAY_grpc_client_keepalive_timeout_ms": "8000",
        "RAY_timeout_ms_task_wait_for_death_info": "15000",  # for the news of a death, which does not come
    }
    with background(command("run", study, "--out", out, "--cpus", "1"), impatient) as driver:
        found = wait_until(lambda: saved(trial.glob("*/header.json")), seconds=120, what="a checkpoint")
        (process,) = below(driver.pid, "ImplicitFunc")
        process.suspend()
        time.sleep(16)
        process.resume()
        _, told = driver.communicate(timeout=200)
        assert driver.returncode == 0, told
    assert [(row["state"], row["epochs"]) for row in rows(out / "small")] == [("complete", 60)], told
    goes_on = "trial 0000 goes on from its last checkpoint: nothing was heard of its process for minutes"
    assert goes_on in told, "its process was waited for: the test shows nothing"
    assert "did not complete" not in told, "Tune's word, of what has completed since"
    check_went_on(out / "small", "0000", epoch=found["0000"], last=60)


def test_a_full_disk_fails_no_trial_and_with_room_again_the_study_goes_on(tmp_path: Path, out: Path) -> None:
    with ExitStack() as ending:
        small = ending.enter_context(_small_disk(tmp_path / "small"))
        shutil.copytree(out, small, dirs_exist_ok=True)  # MLflow's store
        study, trial = write_study(tmp_path, trials=1, epochs=60, stopping="none"), small / "small" / "trials" / "0000"
        words = ("run", study, "--out", small, "--cpus", "1")
        driver = ending.enter_context(background(command(*words)))
        found = wait_until(lambda: saved(trial.glob("*/header.json")), seconds=120, what="a checkpoint")
        with suppress(OSError), (small / "filler").open("wb", buffering=0) as filler:  # until there is no space left
            while True:
                filler.write(bytes(4096))
        _, told = driver.communicate(timeout=100)
        assert driver.returncode == 2, told
        assert "o space left on device" in told and "run the same command again" in told and "Traceback" not in told
        (small / "filler").unlink()
        again = run(*words)
        assert again.returncode == 0 and "continuing 1 unfinished trial" in again.stderr, again.stderr
        assert [(row["state"], row["epochs"]) for row in rows(small / "small")] == [("complete", 60)]
        check_went_on(small / "small", "0000", epoch=found["0000"], last=60)


@contextmanager
def _small_disk(place: Path) -> Iterator[Path]:
    """A file system of 48 MiB; skips where none may be mounted."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system of its own can be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


FAILING = '''
"""Gives every process of this test losses that fail, each in its own way."""
import os
from ablate.catalogue.losses import LOSSES


@LOSSES.register("raises", source="a test")
def raises():
    """Raises while it is built."""
    raise ValueError("this loss cannot be built")


@LOSSES.register("dies", source="a test")
def dies():
    """Takes its process with it."""
    os._exit(7)


@LOSSES.register("hungry", source="a test")
def hungry():
    """Runs out of memory."""
    raise MemoryError("no room for 10 TB")


@LOSSES.register("crowded", source="a test")
def crowded():
    """Runs out of memory unless its trial has all CPUs."""
    import os

    import ray
    from pytorch_metric_learning.losses import ContrastiveLoss

    if ray.get_runtime_context().get_assigned_resources()["CPU"] < int(os.environ["ALL_CPUS"]):
        raise MemoryError("no room beside others")
    return ContrastiveLoss()
'''


def test_failing_trials_are_named_with_their_reason_and_the_study_goes_on(tmp_path: Path, out: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(FAILING)
    study = write_study(tmp_path, trials=16, epochs=3, stopping="none")
    losses = "space.loss={triplet: {margin: {uniform: [0.1, 0.5]}}, raises: {}, dies: {}, hungry: {}, crowded: {}}"
    done = run(
        "run",
        study,
        "--out",
        out,
        "--set",
        losses,
        "--set",
        "search.algorithm=random",
        "--set",
        "space.optimizer={sgd: {lr: [0.01, 100.0], momentum: 0.99, weight_decay: 99.0}}",
        "--cpus",
        "2",
        env={"PYTHONPATH": str(tmp_path / "site"), "ALL_CPUS": "2"},
    )
    assert done.returncode == 1, done.stderr
    found = rows_with(tmp_path, out)
    assert len(found) == 16
    reasons = {"raises": "ValueError: this loss cannot be built", "dies": "process died", "hungry": "out of memory"}
    seen = set()
    for row in found:
        loss = row["params"]["loss"]
        if loss in reasons:
            seen.add(loss)
            assert row["state"] == "failed" and reasons[loss] in row["reason"]
            assert f"trial {row['id']} failed: {row['reason']}" in done.stderr
        elif row["params"]["optimizer.lr"] > 1:
            seen.add("diverges")
            assert row["state"] == "failed" and "diverged: " in row["reason"]
        else:
            seen.add(loss)
            assert row["state"] == "complete", f"alone it has memory enough: {row['reason']}"
        if loss == "hungry":
            assert row["reason"].startswith("trained alone after it had run out of memory beside others: ")
    assert seen == {*reasons, "crowded", "diverges", "triplet"}
    assert "out of memory beside others, trained again alone: " in done.stdout + done.stderr


def rows_with(tmp_path: Path, out: Path) -> list[dict[str, Any]]:

    done = run("summarize", out / "small", "--format", "json", env={"PYTHONPATH": str(tmp_path / "site")})
    content: list[dict[str, Any]] = json.loads(done.stdout)["trials"]
    return content


GREEDY = '''
from ablate.catalogue.losses import LOSSES


@LOSSES.register("greedy", source="a test")
def greedy():
    """Takes memory until somebody stops it."""
    import time

    taken = []
    while len(taken) < 80:
        taken.append(b"1" * 100_000_000)
        time.sleep(0.1)
    raise AssertionError("nobody has stopped it")
'''


def test_a_trial_that_ray_ends_for_the_memory_of_the_machine_is_tried_again_alone(tmp_path: Path, out: Path) -> None:
    """Ray's memory monitor is told to step in a little above what is in use now."""
    memory = psutil.virtual_memory()
    threshold = 1 - memory.available / memory.total + 1.5e9 / memory.total
    if threshold > 0.95 or memory.available < 10e9:
        pytest.skip("wants 10 GB of free memory, some of which it takes")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(GREEDY)
    study = write_study(tmp_path, trials=1, epochs=1, stopping="none")
    monitor = {"RAY_memory_usage_threshold": f"{threshold:.3f}", "RAY_memory_monitor_refresh_ms": "100"}
    words = ("--out", out, "--cpus", "2", "--set", "space.loss=greedy")
    done = run("run", study, *words, env={"PYTHONPATH": str(tmp_path / "site"), **monitor})
    assert done.returncode == 1, done.stderr
    (row,) = rows_with(tmp_path, out)
    assert row["state"] == "failed", done.stderr
    assert row["reason"].startswith(
        "trained alone after it had run out of memory beside others: out of memory: the machine"
    )
