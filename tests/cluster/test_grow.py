"""`grow.py` waits for GPUs, runs its command, gives its exit code, and asks for nothing afterwards."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.nodes import OPEN, head, node
from tests.e2e.study import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.ray]
GROW = Path(__file__).parents[2] / "cluster" / "grow.py"
ASKED = """
import json, ray
from ray._raylet import GcsClient
from ray.autoscaler.v2.sdk import get_cluster_resource_state
from ray.experimental.internal_kv import _internal_kv_get
ray.init("auto", log_to_driver=False, logging_level="ERROR")
state = get_cluster_resource_state(GcsClient(ray.get_runtime_context().gcs_address))
print("V2", state.cluster_resource_constraints)
print("V1", _internal_kv_get("autoscaler_resource_request"))
raise SystemExit(7)
"""
"""A command that says what the autoscaler is asked for, and fails."""


def test_a_command_runs_once_its_gpus_are_there_and_they_are_let_go_after_it(tmp_path: Path) -> None:
    with head(tmp_path, "--num-cpus=0") as address:
        environment = {**os.environ, **OPEN, "RAY_ADDRESS": address}
        log = tmp_path / "grow.log"
        with log.open("w") as output:
            words = [sys.executable, GROW, "2", "--", sys.executable, "-c", ASKED]
            growing = subprocess.Popen(words, stdout=output, stderr=output, env=environment)
            wait_until(lambda: "0 of 2 GPUs" in log.read_text(), seconds=300, what="it waits")
            with node(tmp_path / "node.log", f"--address={address}", "--num-cpus=1", "--num-gpus=2"):
                assert growing.wait(timeout=300) == 7, log.read_text()
        print(log.read_text())
        refused = subprocess.run(
            [sys.executable, GROW, "--minutes", "0", "8", "--", "true"], env=environment, capture_output=True, text=True
        )
        assert refused.returncode == 2 and "did not get 8 GPUs within 0 minutes" in refused.stderr
        after = subprocess.run([sys.executable, "-c", ASKED], env=environment, capture_output=True, text=True)
        print(after.stdout, after.stderr)
        assert False
