"""Trials of two workers through the real command, on a Ray of two CPUs; and what they leave on a Ray that was joined."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.nodes import OPEN, below, head, kill, nodes
from tests.e2e.study import background, check_went_on, command, rows, run, saved, wait_until

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
POLL_SECONDS = 5.0
SLOW_POLL = {"RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": f"{POLL_SECONDS:g}"}
"""Ray Train itself would then let a report through every 5 seconds."""


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
    one = command("run", write(tmp_path, workers=1), "--out", tmp_path / "one", "--cpus", "1")
    two = command("run", write(tmp_path, workers=2), "--out", tmp_path / "two", "--cpus", "2")
    with background(one) as single, background(two, SLOW_POLL) as driver:
        for process in (driver, single):
            _, told = process.communicate(timeout=240)
            assert process.returncode == 0, told
    of_two, of_one = tmp_path / "two" / "workers-2", tmp_path / "one" / "workers-1"
    together, alone = rows(of_two), rows(of_one)
    assert [row["state"] for row in together] == [row["state"] for row in alone]
    assert sum(row["state"] == "pruned" for row in together) >= 2
    ours, theirs = curves(of_two), curves(of_one)
    assert ours.keys() == theirs.keys() and len(ours) == 6
    for id in ours:
        assert [report["epoch"] for report in ours[id]] == [report["epoch"] for report in theirs[id]]
        for mine, other in zip(ours[id], theirs[id], strict=True):
            assert mine["train/loss"] == pytest.approx(other["train/loss"], abs=1e-3)
    times = [[report["cost/seconds"] for report in curve] for curve in ours.values()]
    of_three = [third - first for each in times for first, third in zip(each, each[2:], strict=False)]
    assert min(of_three) < POLL_SECONDS, "the second of three reports would have waited for a poll, and the third"


def test_a_trial_that_all_workers_refuse_ends_and_they_go_on(tmp_path: Path, out: Path) -> None:
    study = write(tmp_path, trials=4, epochs=1, stopping="none", width="[4, 64]")
    done = run("run", study, "--out", out, "--cpus", "2", "--set", "constraints={cost/params: {max: 5000}}")
    assert done.returncode == 0, done.stderr
    found = rows(out / "workers-2")
    assert {row["state"] for row in found} == {"pruned", "complete"}
    assert all("cost/params" in row["reason"] for row in found if row["state"] == "pruned")


def test_a_worker_that_is_killed_fails_its_trial_and_the_next_gets_new_workers(tmp_path: Path, out: Path) -> None:
    study = write(tmp_path, trials=2, epochs=300, stopping="none")
    driver = subprocess.Popen(command("run", study, "--out", out, "--cpus", "2"))
    try:
        first = out / "workers-2" / "trials" / "0000" / "metrics.jsonl"
        wait_until(lambda: first.exists() and driver.poll() is None, seconds=120, what="the first epoch")
        workers = below(driver.pid, "RayTrainWorker")
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


def test_a_trial_whose_workers_lose_their_node_goes_on_elsewhere(tmp_path: Path, out: Path) -> None:
    study = write(tmp_path, trials=1, epochs=40, stopping="none")
    trial = out / "workers-2" / "trials" / "0000"
    with (
        head(tmp_path, "--num-cpus=0") as address,
        nodes([tmp_path / "one.log", tmp_path / "other.log"], f"--address={address}", "--num-cpus=2") as both,
        background(command("run", study, "--out", out, "--address", address), OPEN) as driver,
    ):
        found = wait_until(lambda: saved(trial.glob("*/header.json")), seconds=200, what="a checkpoint")
        theirs = {each: below(each.pid, "RayTrainWorker") for each in both}
        assert sorted(len(workers) for workers in theirs.values()) == [0, 2]
        kill(max(both, key=lambda each: len(theirs[each])))
        _, told = driver.communicate(timeout=250)
        assert driver.returncode == 0, told
    assert [(row["state"], row["epochs"]) for row in rows(out / "workers-2")] == [("complete", 40)], told
    check_went_on(out / "workers-2", "0000", epoch=found["0000"], last=40)


def test_nothing_is_held_on_a_joined_ray_after_a_study_or_its_interruption(
    tmp_path: Path, out: Path, cluster: str
) -> None:
    """The stock pattern leaves the placement group of a stopped trial's workers behind."""
    done = run("run", write(tmp_path, trials=4), "--out", out, "--address", cluster, env=OPEN)
    assert done.returncode == 0, done.stderr
    assert held(cluster) == []
    longer = command("run", write(tmp_path, epochs=500), "--out", out / "longer", "--address", cluster)
    driver = subprocess.Popen(longer, env={**os.environ, **OPEN})
    first = out / "longer" / "workers-2" / "trials" / "0000" / "metrics.jsonl"
    wait_until(first.exists, seconds=120, what="the first epoch")
    os.kill(driver.pid, signal.SIGINT)
    assert driver.wait(timeout=30) == 130
    assert held(cluster, patience_seconds=30) == []


def held(cluster: str, patience_seconds: float = 0) -> list[str]:
    """What is in use on the cluster, as a process apart sees it; it may wait until nothing is."""
    code = f"""
import json, ray, time
ray.init(address={cluster!r}, log_to_driver=False, logging_level="ERROR")
end = time.monotonic() + {patience_seconds}
while True:
    total, free = ray.cluster_resources(), ray.available_resources()
    groups = [group["state"] for group in ray.util.placement_group_table().values() if group["state"] != "REMOVED"]
    held = groups + [name for name in ("CPU", "memory") if free.get(name, 0) < total[name]]
    if not held or time.monotonic() >= end:
        break
    time.sleep(0.2)
print(json.dumps(held))
"""
    words = [sys.executable, "-c", code]
    environment = {**os.environ, **OPEN}
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env=environment, check=True)
    found: list[str] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
