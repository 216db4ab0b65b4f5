"""Nodes of a Ray cluster, as processes of this machine that can be started and killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from ablate.engine.environment import free_ports

OPEN = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
"""Without token, so that nothing is written into the home folder."""
IMPATIENT = {"RAY_health_check_period_ms": "500", "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0"}
"""A dead node is missed five times, by default every 3 seconds, before others are told; and none waits before it ends."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def head(folder: Path, *words: str, env: Mapping[str, str] = OPEN) -> Iterator[str]:
    """A head node, and its address; it must still be there at the end."""
    session = tempfile.mkdtemp(prefix="ray-")  # short: the path of a socket has 107 bytes
    port = free_port()
    try:
        own = ("--head", "--include-dashboard=false", "--no-monitor", f"--port={port}", f"--temp-dir={session}")
        with nodes([folder / "head.log"], *own, *words, env=env) as (process,):
            yield f"127.0.0.1:{port}"
            assert process.poll() is None, "a Ray that was only joined has been ended"
    finally:
        shutil.rmtree(session, ignore_errors=True)


@contextmanager
def node(log: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """One of `nodes`."""
    with nodes([log], *words) as (process,):
        yield process


@contextmanager
def nodes(
    logs: Sequence[Path], *words: str, env: Mapping[str, str] = OPEN
) -> Iterator[tuple[subprocess.Popen[bytes], ...]]:
    """`ray start` with these words, once for each log, each in a process group of its own; they may be killed meanwhile.

    One after the other: of two that start at once on a machine, both may take the same name for their socket (Ray 2.60).
    """
    ray = str(Path(sys.executable).with_name("ray"))
    command = [ray, "start", "--include-log-monitor=false", "--block", *words]
    agents = ("dashboard-agent-grpc", "dashboard-agent-listen", "runtime-env-agent")
    started: list[subprocess.Popen[bytes]] = []
    with ExitStack() as ending:
        for log in logs:
            ports = [f"--{agent}-port={port}" for agent, port in zip(agents, free_ports(3), strict=True)]
            process = ending.enter_context(_process([*command, *ports], log, {**os.environ, **IMPATIENT, **env}))
            end = time.monotonic() + 300
            while "Ray runtime started" not in log.read_text():
                assert process.poll() is None and time.monotonic() < end, log.read_text()
                time.sleep(0.2)
            started.append(process)
        yield tuple(started)
        for process in started:
            process.terminate()  # all, before one is waited for


@contextmanager
def _process(command: list[str], log: Path, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=env, start_new_session=True)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)


def kill(process: subprocess.Popen[bytes]) -> None:
    """The node is gone from one moment to the next, as a machine whose plug is pulled."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=60)


def below(pid: int, word: str) -> list[psutil.Process]:
    """What a process has started, directly or not, among whose words is `word`; Ray's trials name what they do there."""
    return [process for process in psutil.Process(pid).children(recursive=True) if word in _title(process)]


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""  # it has just ended
