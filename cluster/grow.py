"""Run a command once the cluster has the GPUs it needs, and let them go after it.

    python cluster/grow.py 4 -- ablate run search_spaces/faces.yaml --address auto --gpus 4

`ablate run` counts what is there before it starts; a cluster that grows on demand starts with nothing. So the autoscaler is
asked for GPUs first. What it is asked for it also keeps: a node that dies is replaced. Its exit code is the command's.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time

POLL_SECONDS = 5
"""As often as Ray's autoscaler looks."""


def ask(gpus: int) -> None:
    """Tell the autoscaler how many GPUs to hold; it remembers the last number it was told."""
    from ray.autoscaler.sdk import request_resources

    request_resources(bundles=[{"GPU": 1}] * gpus)


def wait(gpus: int, seconds: float) -> bool:
    """Whether the cluster came to have so many GPUs in time."""
    import ray

    end, seen = time.monotonic() + seconds, -1.0
    while True:
        found = ray.cluster_resources().get("GPU", 0)
        if found != seen:
            print(f"{found:g} of {gpus} GPUs", file=sys.stderr, flush=True)
            seen = found
        if found >= gpus:
            return True
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)


def run(command: list[str]) -> int:
    """The command's exit code. Ctrl-C and SIGTERM are its own affair: a study ends by them in order, and can go on later."""
    process = subprocess.Popen(command)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the command as well
    signal.signal(signal.SIGTERM, lambda number, frame: process.terminate())
    return process.wait()


def main() -> int:
    import ray

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gpus", type=int)
    parser.add_argument("--minutes", type=float, default=30, help="how long to wait for them; default: %(default)g")
    parser.add_argument("command", nargs="+", metavar="-- COMMAND")
    given = parser.parse_args()

    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    ray.init("auto", log_to_driver=False, logging_level="ERROR")
    try:
        ask(given.gpus)
        if not wait(given.gpus, given.minutes * 60):
            print(
                f"the cluster did not get {given.gpus} GPUs within {given.minutes:g} minutes, nothing was started\n"
                "  `ray status` says what it waits for: a quota, a zone without machines, or max_workers",
                file=sys.stderr,
            )
            return 2
        return run(given.command)
    except KeyboardInterrupt:
        return 130
    finally:
        ask(0)


if __name__ == "__main__":
    sys.exit(main())
