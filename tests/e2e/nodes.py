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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OPEN = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
"""Without token, so that nothing is written into the home folder."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def head(folder: Path, *words: str) -> Iterator[str]:
    """A head node, and its address; it must still be there at the end."""
    session = tempfile.mkdtemp(prefix="ray-")  # short: the path of a socket has 107 bytes
    port = free_port()
    try:
        own = ("--head", "--include-dashboard=false", "--no-monitor", f"--port={port}", f"--temp-dir={session}")
        with node(folder / "head.log", *own, *words) as process:
            yield f"127.0.0.1:{port}"
            assert process.poll() is None, "a Ray that was only joined has been ended"
    finally:
        shutil.rmtree(session, ignore_errors=True)


@contextmanager
def node(log: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """`ray start` with these words, in a process group of its own; it may be killed meanwhile."""
    ray = str(Path(sys.executable).with_name("ray"))
    command = [ray, "start", "--include-log-monitor=false", "--block", *words]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **OPEN}, start_new_session=True
        )
        try:
            end = time.monotonic() + 300
            while "Ray runtime started" not in log.read_text():
                assert process.poll() is None and time.monotonic() < end, log.read_text()
                time.sleep(0.2)
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)


def kill(process: subprocess.Popen[bytes]) -> None:
    """The node is gone from one moment to the next, as a machine whose plug is pulled."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=60)
