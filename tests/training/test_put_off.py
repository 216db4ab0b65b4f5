"""Imports that are put off cost nothing until they are used, and then work."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROBE = """
import sys
import ablate.training.build
from ablate.catalogue.losses import LOSSES
LOSSES["triplet"].build()
assert "scipy.stats._stats_py" not in sys.modules, "training imports scipy.stats, a second at every process start"
import scipy.stats
assert scipy.stats.rankdata([3, 1, 2]).tolist() == [3, 1, 2]
assert "scipy.stats._stats_py" in sys.modules
"""


@pytest.mark.slow  # starts a process that imports torch
def test_building_a_trial_leaves_scipy_stats_alone_and_it_still_works() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
