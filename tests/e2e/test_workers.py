"""Trials of two workers through the real command, on a Ray of two CPUs; and what they leave on a Ray that was joined."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.nodes import OPEN, head, kill, node
from tests.e2e.study import command, rows, run, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.ray]

STUDY = """
study: {name}
data: {{name: digits, protocol: closed}}
space:
  backbone: {{simple_cnn: {{width: {width}, depth: 2}}}}
  embedding_dim: 8
  loss: [triplet, contrastive]
  optimizer: {{sgd: {{lr: {lr}}}}}
  batch: {{classes: 8, per_class: 8}}
  epochs: {epochs}
search: {{trials: {trials}, stopping: {stopping}}}
resources: {{cpus: 1, workers: {workers}}}
"""
STOPPING = "{asha: {grace_epochs: 1, reduction_factor: 2}}"
RATES = "{log_uniform: [1.0e-4, 1.0e-3]}"
"""Small: at larger ones rounding, which differs with the number of workers, grows to differences within a few epochs."""
SLOW_POLL = {"RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "15"}
"""Ray Train would then let a report through every 15 seconds, and the study take longer than `run` waits."""


def write(
    folder: Path,
    *,
    workers: int = 2,
    trials: int = 6,
    epochs: int = 4,
    stopping: str = STOPPING,
    lr: str = RATES,
    width: str = "4",
) -> Path:
    path = folder / f"workers-{workers}.yaml"
    path.write_text(
        STUDY.format(
            name=path.stem, workers=workers, trials=trials, epochs=epochs, stopping=stopping, lr=lr, width=width
        )
    )
    return path


def curves(study: Path) -> dict[str, list[dict[str, float]]]:
    return {
        file.parent.name: [json.loads(line) for line in file.read_text().splitlines()]
        for file in sorted(study.glob("trials/*/metrics.jsonl"))
    }


def test_more_trials_are_stopped_than_fit_and_each_learns_what_one_worker_learns(tmp_path: Path) -> None:
    """One slot, of which every stopped trial of the stock pattern would keep the CPUs; and no report waits for a poll."""
    out = tmp_path / "runs"
    for workers, env in ((2, SLOW_POLL), (1, {})):
        done = run(
            "run", write(tmp_path, workers=workers), "--out", out, "--cpus", "2" if workers == 2 else "1", env=env
        )
        assert done.returncode == 0, done.stderr
    together, alone = rows(out / "workers-2"), rows(out / "workers-1")
    assert [row["state"] for row in together] == [row["state"] for row in alone]
    assert sum(row["state"] == "pruned" for row in together) >= 2
    ours, theirs = curves(out / "workers-2"), curves(out / "workers-1")
    assert ours.keys() == theirs.keys() and len(ours) == 6
    for id in ours:
        assert [report["epoch"] for report in ours[id]] == [report["epoch"] for report in theirs[id]]
        for mine, other in zip(ours[id], theirs[id], strict=True):
            assert mine["train/loss"] == pytest.approx(other["train/loss"], abs=1e-3)


def test_a_trial_that_all_workers_refuse_ends_and_they_go_on(tmp_path: Path) -> None:
    study = write(tmp_path, trials=4, epochs=1, stopping="none", width="[4, 64]")
    done = run(
        "run", study, "--out", tmp_path / "runs", "--cpus", "2", "--set", "constraints={cost/params: {max: 5000}}"
    )
    assert done.returncode == 0, done.stderr
    found = rows(tmp_path / "runs" / "workers-2")
    assert {row["state"] for row in found} == {"pruned", "complete"}
    assert all("cost/params" in row["reason"] for row in found if row["state"] == "pruned")


def test_a_worker_that_is_killed_fails_its_trial_and_the_next_gets_new_workers(tmp_path: Path) -> None:
    study = write(tmp_path, trials=2, epochs=300, stopping="none")
    out = tmp_path / "runs"
    driver = subprocess.Popen(command("run", study, "--out", out, "--cpus", "2"))
    try:
        first = out / "workers-2" / "trials" / "0000" / "metrics.jsonl"
        wait_until(lambda: first.exists() and driver.poll() is None, seconds=120, what="the first epoch")
        workers = [p for p in _below(driver.pid) if "RayTrainWorker" in _title(p)]
        assert len(workers) == 2
        workers[1].send_signal(signal.SIGKILL)
        second = out / "workers-2" / "trials" / "0001" / "metrics.jsonl"
        wait_until(second.exists, seconds=120, what="an epoch of the second trial")
        os.kill(driver.pid, signal.SIGINT)
        assert driver.wait(timeout=30) == 130
    finally:
        driver.kill()
    states = {row["id"]: (row["state"], row["reason"]) for row in rows(out / "workers-2")}
    assert states["0000"][0] == "failed" and "process died" in states["0000"][1]
    assert states["0001"][0] in ("running", "waiting")


def test_a_trial_whose_workers_lose_their_node_goes_on_elsewhere(tmp_path: Path) -> None:
    study, out = write(tmp_path, trials=1, epochs=40, stopping="none"), tmp_path / "runs"
    curve = out / "workers-2" / "trials" / "0000" / "metrics.jsonl"
    with (
        head(tmp_path, "--num-cpus=0") as address,
        node(tmp_path / "one.log", f"--address={address}", "--num-cpus=2") as one,
        node(tmp_path / "other.log", f"--address={address}", "--num-cpus=2") as other,
    ):
        words = command("run", study, "--out", out, "--address", address)
        driver = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env={**os.environ, **OPEN})
        wait_until(lambda: curve.exists() or driver.poll() is not None, seconds=200, what="the first epoch")
        theirs = {each: [p for p in _below(each.pid) if "RayTrainWorker" in _title(p)] for each in (one, other)}
        assert sorted(len(workers) for workers in theirs.values()) == [0, 2]
        kill(one if theirs[one] else other)
        _, told = driver.communicate(timeout=250)
        assert driver.returncode == 0, told
    assert [(row["state"], row["epochs"]) for row in rows(out / "workers-2")] == [("complete", 40)], told


def _below(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""


def test_nothing_is_held_on_a_joined_ray_after_a_study_or_its_interruption(tmp_path: Path, cluster: str) -> None:
    """The stock pattern leaves the placement group of a stopped trial's workers behind."""
    out = tmp_path / "runs"
    done = run("run", write(tmp_path, trials=4), "--out", out, "--address", cluster, env=OPEN)
    assert done.returncode == 0, done.stderr
    assert held(cluster) == []
    longer = command("run", write(tmp_path, epochs=500), "--out", out / "longer", "--address", cluster)
    driver = subprocess.Popen(longer, env={**os.environ, **OPEN})
    first = out / "longer" / "workers-2" / "trials" / "0000" / "metrics.jsonl"
    wait_until(first.exists, seconds=120, what="the first epoch")
    os.kill(driver.pid, signal.SIGINT)
    assert driver.wait(timeout=30) == 130
    end = time.monotonic() + 30
    while held(cluster) and time.monotonic() < end:
        time.sleep(1)
    assert held(cluster) == []


def held(cluster: str) -> list[str]:
    """What is in use on the cluster, as a process apart sees it."""
    code = f"""
import json, ray
ray.init(address={cluster!r}, log_to_driver=False, logging_level="ERROR")
total, free = ray.cluster_resources(), ray.available_resources()
groups = [group["state"] for group in ray.util.placement_group_table().values() if group["state"] != "REMOVED"]
print(json.dumps(groups + [name for name in ("CPU", "memory") if free.get(name, 0) < total[name]]))
"""
    words = [sys.executable, "-c", code]
    environment = {**os.environ, **OPEN}
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env=environment, check=True)
    found: list[str] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
