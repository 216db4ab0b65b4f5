"""A trial of several workers: TorchTrainer on the cluster, driven by Tune's reused trial actor.

The stock pattern starts a trainer for each trial, and its workers import torch anew. Here one serves all trials of a slot:
its workers ask for one after the other, and end where a failure leaves them at odds with each other. What they report goes
past Ray Train (`engine.exchange`), without its two seconds between reports and its bridge that can hang; and a trial that
is stopped leaves no workers, for it does not end them.
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import ray
import ray.train
import ray.tune
from ray.tune.result import RESULT_DUPLICATE

from ablate.engine.exchange import Exchange, Message
from ablate.engine.failing import reason, why_lost
from ablate.training.failures import Diverged, Infeasible
from ablate.training.spec import TrialSpec

TOKEN = {"memory": 2**20}
"""What the trial actor itself holds. Tune wants something; a part of a CPU could cost a whole group of workers its place."""
LOOK_SECONDS = 1.0
"""How often the trial actor looks whether its workers are still there."""
STOP_SECONDS = 30.0
"""From a decision to stop until all workers have left the trial: they wait for it at a report."""
END_SECONDS = 20.0
"""Until workers that may end have ended."""
LOST_SECONDS = 120.0
"""How long a worker that lost its connection to another waits: Ray Train then ends it with what became of the other."""


class _Stopped(Exception):
    """The answer to a report was: stop."""


class DistributedTrial(ray.tune.Trainable):  # type: ignore[misc]
    """Tune's class trainable: one slot of the study, trial after trial."""

    def setup(self, config: dict[str, Any], *, storage: str) -> None:
        """`storage` is a folder that all nodes see."""
        self.storage = storage
        self.group: _Group | None = None
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """The next trial of this slot: that before has ended, or its last report was its last."""
        if self.group is not None and not self.group.left:
            self._end(self.group.stop())
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """The next report. A trial that is over repeats none: Tune then takes the last.

        Raises RuntimeError where a worker's node has died: the trial can go on elsewhere.
        """
        assert self.group is not None, "a step of no trial"
        message = self.group.next()
        if message.kind == "report":
            return message.told
        self._end(message.kind == "ended")
        if why_lost(message.told.get("failure", "")):
            raise RuntimeError(message.told["failure"])
        return {"done": True, **(message.told or {RESULT_DUPLICATE: True})}

    def cleanup(self) -> None:
        """The slot is no longer needed, or is given up in the middle of a trial."""
        self._end(keep=False)

    def _begin(self, config: dict[str, Any]) -> None:
        spec = TrialSpec.from_dict(config["spec"])
        if self.group is None:
            self.group = _Group(spec, self.storage)
        self.group.start(spec)

    def _end(self, keep: bool) -> None:
        """Of a trial; workers that are not kept end, and the next trial starts others."""
        if not keep and self.group is not None:
            self.group.close()
            self.group = None


class _Group:
    """The workers of a slot, and the thread that waits for their trainer."""

    def __init__(self, spec: TrialSpec, storage: str) -> None:
        from ray.train.torch import TorchTrainer  # imports torch, which the study's driver does without

        self.exchange = ray.remote(Exchange).options(num_cpus=0).remote(spec.workers)
        self.left = True
        """Whether all workers have left the trial that was started last."""
        self.error: Exception | None = None
        self.controller: Any = None
        self.trainer = TorchTrainer(
            work,
            train_loop_config={"exchange": self.exchange},
            scaling_config=ray.train.ScalingConfig(
                num_workers=spec.workers,
                use_gpu=spec.gpus > 0,
                resources_per_worker={"CPU": spec.cpus, **({"GPU": spec.gpus} if spec.gpus else {})},
            ),
            run_config=ray.train.RunConfig(
                name=f"workers-{uuid.uuid4().hex[:8]}",
                storage_path=storage,
                callbacks=[_introduction(self.exchange)],
                failure_config=ray.train.FailureConfig(max_failures=0, controller_failure_limit=3),
                logging_config=ray.train.LoggingConfig(log_level="WARNING"),
            ),
        )
        self.thread = threading.Thread(target=self._fit, name="workers", daemon=True)
        self.thread.start()

    def _fit(self) -> None:
        try:
            self.trainer.fit()
        except Exception as error:  # noqa: BLE001  told to whoever waits for the workers
            self.error = error

    def start(self, spec: TrialSpec) -> None:
        self.left = False
        ray.get(self.exchange.start.remote(spec.to_dict()))

    def next(self) -> Message:
        """What the workers say next; that they have ended where they say nothing any more."""
        coming = self.exchange.next.remote()
        while True:
            alive = self.thread.is_alive()  # asked first, or a last word could be missed
            if ray.wait([coming], timeout=LOOK_SECONDS if alive else 0)[0]:
                message: Message = ray.get(coming)
                self.left = message.kind == "ended"
                return self._explained(message) if message.kind == "failed" else message
            if not alive:
                return self._explained(Message("failed", {"failure": f"the workers ended: {self.error}"}))

    def _explained(self, message: Message) -> Message:
        """With the death of a worker's process as the reason, where one has died."""
        self.thread.join(END_SECONDS)
        lost = _lost(self.error)
        return Message("failed", {"failure": f"process died: {lost}"}) if lost else message

    def stop(self) -> bool:
        """Whether all workers have left the trial, and can have another."""
        self.left = bool(ray.wait([self.exchange.stop.remote()], timeout=STOP_SECONDS)[0])
        return self.left

    def close(self) -> None:
        """End the workers, and give back what they hold; those that do not end are ended by Ray Train."""
        self.exchange.close.remote()
        self.thread.join(END_SECONDS)
        if self.thread.is_alive():
            self._abort()
            self.thread.join(END_SECONDS)
        ray.kill(self.exchange)

    def _abort(self) -> None:
        """Without it the placement group of the workers would stay."""
        told = ray.get(self.exchange.controller.remote())
        if told is None:
            return  # it has not begun
        controller = ray.cloudpickle.loads(told)
        try:
            ray.get(controller.abort.remote(), timeout=END_SECONDS)
        except ray.exceptions.RayActorError:
            return  # it has ended itself: that is what was asked for


def _introduction(exchange: Any) -> Any:
    """A callback that tells the exchange of the controller before its workers start: then they can be ended at any time.

    Ray Train's public callbacks begin with the first report; this one is internal to Ray 2.60, and is passed on as it is.
    """
    from ray.train.v2._internal.execution.callback import ControllerCallback

    class Introduction(ControllerCallback):  # type: ignore[misc]
        def after_controller_start(self, train_run_context: Any) -> None:
            exchange.introduce.remote(ray.cloudpickle.dumps(ray.get_runtime_context().current_actor))

    return Introduction()


def _lost(error: Exception | None) -> str | None:
    """What became of a worker whose process is gone, if one is; of several the one whose node died, which took the others."""
    failures: dict[int, Exception] = getattr(error, "worker_failures", {})
    causes = {rank: getattr(failure, "health_check_failure", failure) for rank, failure in failures.items()}
    told = [
        f"worker {rank}: {' '.join(str(cause).split())}"
        for rank, cause in causes.items()
        if isinstance(cause, ray.exceptions.RayActorError)
    ]
    return min(told, key=lambda text: not why_lost(text), default=None)


def work(config: dict[str, Any]) -> None:
    """What each worker does: trial after trial, until there will be none."""
    from ray.train.torch import get_device

    from ablate.training.workers import Workers

    context, exchange, number = ray.train.get_context(), config["exchange"], 0
    workers = Workers(context.get_world_rank(), context.get_world_size(), get_device())
    while (found := ray.get(exchange.next_trial.remote(number))) is not None:
        number, told = found
        why = _train(TrialSpec.from_dict(told), exchange, workers)
        ray.get(exchange.end.remote(workers.rank, why))


def _train(spec: TrialSpec, exchange: Any, workers: Any) -> dict[str, str]:
    """Train one trial; why it ended early, if it did and the workers can go on. Raises what they cannot survive."""
    from ablate.training.loop import train

    reports = 0

    def report(told: dict[str, int | float]) -> None:
        nonlocal reports
        reports += 1
        if not ray.get(exchange.report.remote(reports, told if workers.rank == 0 else None)):
            raise _Stopped

    try:
        train(spec, report, workers)
    except _Stopped:
        return {}
    except (Infeasible, Diverged) as error:  # all workers find the same
        return reason(error, spec)
    except Exception as error:
        if _connection_is_lost(error):
            time.sleep(LOST_SECONDS)
        ray.get(exchange.fail.remote(reason(error, spec)))
        raise
    return {}


def _connection_is_lost(error: Exception) -> bool:
    """Whether another worker is gone, or has failed, which is then the reason; gloo has no exception of its own."""
    import torch.distributed

    return isinstance(error, torch.distributed.DistError) or "gloo" in str(error)
