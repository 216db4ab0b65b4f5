"""What is measured of a study's networks, and not by a trial that trains: attributes of its Optuna study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna


class Measured:
    """Latency and shares of GPUs by architecture; what the test split said."""

    def __init__(self, study: optuna.Study) -> None:
        self._study = study

    def latency(self) -> dict[str, dict[str, float]]:
        """{architecture: {"cost/latency_ms_p50": ...}}."""
        return dict(self._study.user_attrs.get("latency", {}))

    def tests(self) -> dict[str, dict[str, float]]:
        """What the test split said of each trial that was allowed to read it: {id: {"test/...": ...}}."""
        return dict(self._study.user_attrs.get("test", {}))

    def note(self, *, latency: Mapping[str, Any], tests: Mapping[str, Any]) -> None:
        """Write down what was found after the last trial."""
        self._study.set_user_attr("latency", self.latency() | dict(latency))
        self._study.set_user_attr("test", self.tests() | dict(tests))

    def gpu_shares(self, kind: str) -> dict[str, float]:
        """Of a GPU of this kind, for each architecture that was measured on one."""
        return dict(self._study.user_attrs.get("gpu_shares", {}).get(kind, {}))

    def note_gpu_shares(self, kind: str, shares: Mapping[str, float]) -> None:
        """Write down what was measured."""
        known = self._study.user_attrs.get("gpu_shares", {})
        self._study.set_user_attr("gpu_shares", {**known, kind: {**self.gpu_shares(kind), **shares}})
