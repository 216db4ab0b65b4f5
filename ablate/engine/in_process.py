"""A trial of one worker: TorchTrainer in local mode, inside Tune's reused trial actor.

The process stays warm between trials (torch, the GPU's context, the data); `training.fresh` sets back the rest.
"""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import Any

from ablate.training.spec import TrialSpec


def run_trial(config: dict[str, Any]) -> None:
    """Tune's function trainable. What is expected to go wrong is reported as `failure`: raising would cost the warm process."""
    import ray.train
    import ray.tune
    import torch
    from ray.train.torch import TorchTrainer

    from ablate.training.failures import Diverged, Infeasible
    from ablate.training.loop import train

    spec = TrialSpec.from_dict(config["spec"])

    def train_one() -> None:
        try:
            train(spec, ray.tune.report)
        except Infeasible as error:
            ray.tune.report({"infeasible": str(error)})
        except Diverged as error:
            ray.tune.report({"failure": f"diverged: {error}"})
        except (torch.OutOfMemoryError, MemoryError) as error:
            _keep_traceback(spec)
            ray.tune.report({"failure": f"out of memory: {_first_line(error)}"})
        except Exception as error:  # noqa: BLE001  whatever a component raises ends this trial, not the study
            _keep_traceback(spec)
            if "CUDA error" in str(error):
                os._exit(1)  # the GPU's context is lost for good: Tune must start another process
            memory = "out of memory: " if "can't allocate memory" in str(error) else ""
            ray.tune.report({"failure": f"{memory}{type(error).__name__}: {_first_line(error)}"})

    logging = ray.train.LoggingConfig(log_level="WARNING")
    TorchTrainer(
        train_one,
        scaling_config=ray.train.ScalingConfig(num_workers=0),  # 0: in this very process (local mode)
        run_config=ray.train.RunConfig(logging_config=logging),
    ).fit()


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _keep_traceback(spec: TrialSpec) -> None:
    folder = Path(spec.folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "error.txt").write_text(traceback.format_exc())
