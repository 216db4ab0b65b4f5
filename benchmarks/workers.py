"""What a trial of two workers costs beyond its training: Ray's documented pattern and ours, the same trials in the same run.

    python benchmarks/workers.py [--trials 4]

Both train digits for four short epochs with the same loop on two workers of one CPU, one trial after the other, in the same
environment (`engine/environment.py`). The stock pattern is that of Ray's guide "Hyperparameter Tuning with Ray Tune": a
function that builds a TorchTrainer for its trial, with TuneReportCallback; also with Ray's poll at 0.2 s in place of 2 s.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ablate.engine import environment
from ablate.engine.specify import specify
from ablate.store.asked import Asked
from ablate.store.folder import StudyFolder
from ablate.study.load import parse_study
from ablate.training.prepare import prepare_data
from ablate.training.spec import TrialSpec

PATTERNS = {"stock, poll 2 s": "2.0", "stock, poll 0.2 s": "0.2", "ablate": "0.5"}
"""Name -> RAY_TRAIN_HEALTH_CHECK_INTERVAL_S; ours is what `ablate run` sets."""
STUDY = """
study: workers
data: {name: digits, protocol: closed}
space:
  backbone: {simple_cnn: {width: 8, depth: 2}}
  embedding_dim: 16
  loss: triplet
  batch: {classes: 8, per_class: 8}
  epochs: 4
resources: {cpus: 1, workers: 2}
"""


def specs(count: int, folder: Path) -> list[dict[str, Any]]:
    """Trials of one configuration, one seed after another."""
    study = parse_study(STUDY, "the study of this benchmark")
    data, _ = prepare_data(study, folder)
    configuration, place = study.space.first(), StudyFolder(folder)
    asked = [Asked(number, configuration, seed=number) for number in range(count)]
    return [specify(each, study, data, place, {}).to_dict() for each in asked]


def stock(storage: str) -> Any:
    """The documented pattern."""

    def work(config: dict[str, Any]) -> None:
        import ray.train
        from ray.train.torch import get_device

        from ablate.training.loop import train
        from ablate.training.workers import Workers

        context = ray.train.get_context()
        workers = Workers(context.get_world_rank(), context.get_world_size(), get_device())
        train(TrialSpec.from_dict(config), ray.train.report, workers)

    def drive(config: dict[str, Any]) -> None:
        import ray.train
        from ray.train.torch import TorchTrainer
        from ray.tune.integration.ray_train import TuneReportCallback

        TorchTrainer(
            work,
            train_loop_config=config["spec"],
            scaling_config=ray.train.ScalingConfig(num_workers=2, resources_per_worker={"CPU": 1}),
            run_config=ray.train.RunConfig(
                name=f"train-{config['spec']['id']}", storage_path=storage, callbacks=[TuneReportCallback()]
            ),
        ).fit()

    return drive


def measure(pattern: str, trials: int) -> list[float]:
    """Seconds from the end of one trial (the first: from the start of Tune) to the end of the next."""
    environment.prepare(own_ray=True)
    import ray
    import ray.tune

    from ablate.engine.distributed import TOKEN, DistributedTrial

    ends: list[float] = []

    class Clock(ray.tune.Callback):  # type: ignore[misc]
        def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            ends.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        ours = ray.tune.with_parameters(DistributedTrial, storage=folder)
        begin = time.perf_counter()
        ray.tune.Tuner(
            ray.tune.with_resources(
                ours if pattern == "ablate" else stock(folder), ray.tune.PlacementGroupFactory([TOKEN])
            ),
            param_space={"spec": ray.tune.grid_search(specs(trials, Path(folder)))},
            tune_config=ray.tune.TuneConfig(max_concurrent_trials=1, reuse_actors=pattern == "ablate"),
            run_config=ray.tune.RunConfig(
                name="bench",
                storage_path=folder,
                verbose=0,
                callbacks=[Clock()],
                checkpoint_config=ray.tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        ).fit()
        ray.shutdown()
    return [after - before for before, after in zip([begin, *ends], ends, strict=False)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--pattern", choices=PATTERNS, help="only this one, in this process; prints JSON")
    asked = parser.parse_args()
    if asked.pattern:
        print(json.dumps(measure(asked.pattern, asked.trials)))
        return
    found: dict[str, list[float]] = {}
    for pattern, poll in PATTERNS.items():
        words = [sys.executable, str(Path(__file__)), "--pattern", pattern, "--trials", str(asked.trials)]
        told = subprocess.run(
            words, env={**os.environ, "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": poll}, stdout=subprocess.PIPE, check=True
        )
        found[pattern] = json.loads(told.stdout.splitlines()[-1])
    later = {pattern: statistics.median(seconds[1:]) for pattern, seconds in found.items()}
    print(f"{'pattern':20}{'first trial':>12}{'later ones':>12}{'ratio':>8}")
    for pattern, seconds in found.items():
        print(f"{pattern:20}{seconds[0]:10.1f} s{later[pattern]:10.2f} s{later[pattern] / later['ablate']:8.1f}")


if __name__ == "__main__":
    main()
