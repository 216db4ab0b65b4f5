"""`grow.py` waits for GPUs, runs its command, gives its exit code, and asks for nothing afterwards."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.nodes import OPEN, head, node
from tests.e2e.study import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.ray]
GROW = str(Path(__file__).parents[2] / "cluster" / "grow.py")
ASKED = """
import json, ray
from ray._raylet import GcsClient
from ray.autoscaler.v2.sdk import get_cluster_resource_state
from ray.autoscaler.v2.utils import is_autoscaler_v2
from ray.experimental.internal_kv import _internal_kv_get
context = ray.init("auto", log_to_driver=False, logging_level="ERROR")
if is_autoscaler_v2():
    state = get_cluster_resource_state(GcsClient(context.address_info["gcs_address"]))
    wanted = [each for constraint in state.cluster_resource_constraints for each in constraint.resource_requests]
    gpus = sum(each.count * each.request.resources_bundle["GPU"] for each in wanted)
else:
    gpus = sum(bundle["GPU"] for bundle in json.loads(_internal_kv_get("autoscaler_resource_request")))
print(f"asked for {gpus:g}")
raise SystemExit(7)
"""
"""A command that says for how many GPUs the autoscaler is asked, and fails."""


def test_a_command_runs_once_its_gpus_are_there_and_they_are_let_go_after_it(tmp_path: Path) -> None:
    log = tmp_path / "grow.log"
    with head(tmp_path, "--num-cpus=0") as address, log.open("w") as output:
        environment = {**os.environ, **OPEN, "RAY_ADDRESS": address}
        words = [sys.executable, GROW, "2", "--", sys.executable, "-c", ASKED]
        growing = subprocess.Popen(words, stdout=output, stderr=output, env=environment)
        wait_until(lambda: "0 of 2 GPUs" in log.read_text(), seconds=300, what="it waits")
        with node(tmp_path / "node.log", f"--address={address}", "--num-cpus=1", "--num-gpus=2"):
            assert growing.wait(timeout=300) == 7, log.read_text()
            assert "2 of 2 GPUs" in log.read_text() and "asked for 2" in log.read_text()
            after = subprocess.run([sys.executable, "-c", ASKED], env=environment, capture_output=True, text=True)
            assert "asked for 0" in after.stdout, after.stderr
            words = [sys.executable, GROW, "--minutes", "0", "8", "--", "echo", "started"]
            refused = subprocess.run(words, env=environment, capture_output=True, text=True)
            assert refused.returncode == 2 and not refused.stdout
            assert "did not get 8 GPUs within 0 minutes" in refused.stderr
