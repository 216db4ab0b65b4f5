"""A trial of one worker: TorchTrainer in local mode, inside Tune's reused trial actor.

The process stays warm between trials (torch, the GPU's context, the data); `training.fresh` sets back the rest.
"""

from __future__ import annotations

import os
from typing import Any

from ablate.engine.failing import context_is_lost, reason
from ablate.training.spec import TrialSpec


def run_trial(config: dict[str, Any]) -> None:
    """Tune's function trainable. What is expected to go wrong is reported as `failure`: raising would cost the warm process."""
    import ray.train
    import ray.tune
    from ray.train.torch import TorchTrainer

    from ablate.training.loop import train

    spec = TrialSpec.from_dict(config["spec"])

    def train_one() -> None:
        try:
            train(spec, ray.tune.report)
        except Exception as error:  # noqa: BLE001  whatever a component raises ends this trial, not the study
            told = reason(error, spec)
            if context_is_lost(error):
                os._exit(1)  # Tune must start another process
            ray.tune.report(told)

    logging = ray.train.LoggingConfig(log_level="WARNING")
    TorchTrainer(
        train_one,
        scaling_config=ray.train.ScalingConfig(num_workers=0),  # 0: in this very process (local mode)
        run_config=ray.train.RunConfig(logging_config=logging),
    ).fit()
