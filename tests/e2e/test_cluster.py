"""`--address` joins a Ray that somebody else started, and leaves it as it was."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.study import rows, run, write_study

pytestmark = [pytest.mark.slow, pytest.mark.ray]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """The address of a head node of 2 CPUs, without token, so that nothing is written into the home folder."""
    port = free_port()
    ray = Path(sys.executable).with_name("ray")
    words = ["start", "--head", f"--port={port}", "--num-cpus=2", "--include-dashboard=false", "--block"]
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    log = (tmp_path / "ray.log").open("w")
    session = tempfile.mkdtemp(prefix="ray-")  # short: the path of a socket has 107 bytes
    head = subprocess.Popen([ray, *words, f"--temp-dir={session}"], stdout=log, stderr=log, env=environment)
    try:
        end = time.monotonic() + 60
        while "Ray runtime started" not in (tmp_path / "ray.log").read_text():
            assert head.poll() is None and time.monotonic() < end, (tmp_path / "ray.log").read_text()
            time.sleep(0.2)
        yield f"127.0.0.1:{port}"
        assert head.poll() is None, "the study ended a Ray that it only joined"
    finally:
        head.terminate()
        head.wait(timeout=30)
        log.close()
        shutil.rmtree(session, ignore_errors=True)


def test_a_study_runs_on_a_ray_that_was_started_apart(tmp_path: Path, cluster: str) -> None:
    study, out = write_study(tmp_path, trials=4, epochs=2), tmp_path / "runs"
    joined = {"RAY_AUTH_MODE": "disabled"}
    refused = run("run", study, "--out", out, "--address", cluster, "--gpus", "4", env=joined)
    assert refused.returncode == 2, refused.stderr
    assert f"--gpus 4: the cluster at {cluster} has 0 GPUs" in refused.stderr
    assert not out.exists()
    done = run("run", study, "--out", out, "--address", cluster, env=joined)
    assert done.returncode == 0, done.stderr
    assert [row["state"] in ("complete", "pruned") for row in rows(out / "small")] == [True] * 4


def test_without_address_a_ray_that_runs_here_is_left_alone(tmp_path: Path, cluster: str) -> None:
    study = write_study(tmp_path, trials=1, epochs=1, stopping="none")
    done = run("run", study, "--out", tmp_path / "runs", "--cpus", "1", env={"RAY_ADDRESS": cluster})
    assert done.returncode == 0, done.stderr
    assert [row["state"] for row in rows(tmp_path / "runs" / "small")] == ["complete"]


def test_an_address_where_no_ray_answers_is_refused(tmp_path: Path) -> None:
    refused = run("run", write_study(tmp_path), "--out", tmp_path / "runs", "--address", f"127.0.0.1:{free_port()}")
    assert refused.returncode == 2, refused.stderr
    assert "no Ray cluster answers" in refused.stderr and "Traceback" not in refused.stderr
    assert not (tmp_path / "runs").exists()


def test_what_is_no_address_is_refused(tmp_path: Path) -> None:
    refused = run("run", write_study(tmp_path), "--out", tmp_path / "runs", "--address", "nonsense")
    assert refused.returncode == 2, refused.stderr
    assert refused.stderr.splitlines() == [
        "--address nonsense: this is no address of a Ray cluster",
        "  write auto or HOST:PORT, or leave --address out to run on this machine",
    ]
    assert not (tmp_path / "runs").exists()
