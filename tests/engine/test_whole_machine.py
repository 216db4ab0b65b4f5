"""What is timed has a machine to itself; where it cannot, that is told."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.ray]

ASKS = """
import json
from ablate.engine import environment, session
environment.prepare(own_ray=True)  # before Ray is imported
import ray
from ablate.engine.resources import Budget
from ablate.engine.whole_machine import whole_machine

@ray.remote
class Trial:
    def ready(self):
        return True

folder = session.start(Budget(2, 0), lambda noted: None, [])
try:
    told = {}
    with whole_machine(cpus=1, gpus=0, patience_seconds=30) as alone:
        place = ray.remote(lambda: "in its place").options(num_cpus=1, scheduling_strategy=alone)
        told["idle"] = [alone is not None, ray.available_resources().get("CPU", 0.0), ray.get(place.remote())]
    with whole_machine(cpus=3, gpus=0, patience_seconds=30) as alone:
        told["too small"] = alone is not None
    trial = Trial.options(num_cpus=1).remote()
    ray.get(trial.ready.remote())
    with whole_machine(cpus=1, gpus=0, patience_seconds=1) as alone:
        told["busy"] = alone is not None
    ray.kill(trial)
    with whole_machine(cpus=1, gpus=0, patience_seconds=30) as alone:
        told["idle again"] = alone is not None
    print(json.dumps(told))
finally:
    session.leave(folder)
"""


def test_all_of_a_machine_is_reserved_and_a_busy_one_is_not_waited_for_without_end() -> None:
    done = subprocess.run([sys.executable, "-c", ASKS], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "idle": [True, 0.0, "in its place"],
        "too small": False,
        "busy": False,
        "idle again": True,
    }
