"""A spec crosses processes as plain values."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from ablate.training.spec import TrialSpec
from tests.training.trials import DIGITS, trial


def test_a_spec_comes_back_from_json(tmp_path: Path) -> None:
    spec = replace(
        trial(tmp_path),
        data=replace(DIGITS, params=(("brightness", 3), ("grey", True))),
        constraints={"cost/params": (None, 10.0)},
        measure=("throughput",),
        usd_per_hour=0.5,
        known_costs={"cost/latency_ms_p50": 1.5},
    )
    assert TrialSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    assert hash(spec.data) == hash(TrialSpec.from_dict(spec.to_dict()).data)
