"""What Ray, MLflow and Optuna are told through the environment, before they are imported; a user's own value wins."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

SETTINGS = {
    "RAY_AIR_NEW_OUTPUT": "0",  # the old engine is silent at verbose=0; the new one prints errors all the same
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths keep their meaning
    "RAY_DEDUP_LOGS": "0",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",  # a process for each group of workers
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",  # how soon the end of workers is seen; by default 2
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "600",  # on a loaded machine workers need a minute to import torch
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_timeout_ms_task_wait_for_death_info": "60000",  # else it is not known whether a node died, or a process alone
    "RAY_prestart_worker_first_driver": "0",  # Tune never uses prestarted workers: two processes less
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # five files per trial, copied again at every snapshot
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is ours: the study must end within seconds, resumable
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # a failed trial reports its reason instead of the objective
    "TUNE_FORCE_TRIAL_CLEANUP_S": "60",
    "TUNE_FUNCTION_THREAD_TIMEOUT_S": "30",  # a stopped trial finishes its epoch's report before the next begins
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",  # the study's memory is ours; Tune's snapshots only cost
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # two lines for each trial
}
"""Measured or read in the sources of Ray 2.60, Optuna 5.0 and MLflow 3.17."""

PORTS = range(20_000, 32_000)
"""For Ray's agents: Linux gives others from 32,768 on, and Ray's workers have theirs below 20,000."""

FOR_WORKERS = (
    "RAY_CHDIR_TO_TRIAL_DIR",
    "TUNE_FUNCTION_THREAD_TIMEOUT_S",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S",
    "RAY_TRAIN_METRICS_ENABLED",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S",
    "RAY_timeout_ms_task_wait_for_death_info",
    "ABLATE_CACHE",
    "CUBLAS_WORKSPACE_CONFIG",
    "TORCH_HOME",
    "HF_HOME",
)
"""Those that must reach trials on other machines, which do not inherit this process's environment."""


def prepare(*, own_ray: bool) -> None:
    """Set what is not set yet. `own_ray`: Ray will start here for this study alone, not be joined.

    Must come before `import ray`: its compiled part reads some of them then.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    if own_ray and "RAY_AUTH_MODE" not in os.environ:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # else Ray writes one into the home folder


def skip_callback_tags() -> None:
    """Keep Ray from importing mlflow (two seconds, in the driver, before the first trial) to count the callbacks it is given.

    It does so for its usage statistics, also where those are off. Ray 2.60, `tune/tune.py`; can go when that is lazy.
    """
    from ray.air._internal import usage

    if hasattr(usage, "tag_callbacks"):
        usage.tag_callbacks = lambda callbacks: False


@contextmanager
def quick_start() -> Iterator[None]:
    """Let `ray.init` start a Ray for this machine in three seconds in place of seven (two cores).

    A node is there once its two agents have said which ports they found, and each is a Python that imports Ray first; where
    the ports are given they start beside the first trial. The autoscaler's monitor and the one that forwards logs, two more,
    are left out: nobody asks them anything here. Ray 2.60, `_private/node.py`; `ray start` has options for all of it.
    """
    from ray._private import parameter

    whole = parameter.RayParams
    agents = ("metrics_agent_port", "runtime_env_agent_port", "dashboard_agent_listen_port")
    ports = dict(zip(agents, free_ports(len(agents)), strict=True))
    parameter.RayParams = partial(whole, no_monitor=True, include_log_monitor=False, **ports)
    try:
        yield
    finally:
        parameter.RayParams = whole


def free_ports(number: int) -> list[int]:
    """Different ones below those that the kernel hands out, so that no connection takes one before its agent does."""
    found: list[int] = []
    while len(found) < number:
        port = PORTS[secrets.randbelow(len(PORTS))]
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            found += [port] if port not in found else []
    return found


def outlive_low_memory() -> None:
    """Let Tune take a process that Ray ended for want of memory for an actor that died: it would end the whole study.

    Ray 2.60, `air/execution/_internal/actor_manager.py`: its OutOfMemoryError is neither an actor's error nor a task's.
    """
    from ray.air.execution._internal.actor_manager import RayActorManager
    from ray.exceptions import OutOfMemoryError, RayActorError

    failed = RayActorManager._actor_task_failed
    if failed.__name__ == "as_an_actor":
        return

    def as_an_actor(manager: Any, tracked_actor_task: Any, exception: Exception) -> None:  # called by keywords
        if isinstance(exception, OutOfMemoryError):
            exception = RayActorError(error_msg=str(exception))
        failed(manager, tracked_actor_task, exception)

    RayActorManager._actor_task_failed = as_an_actor


def for_workers() -> dict[str, str]:
    """The variables to hand to a cluster that is joined."""
    return {name: os.environ[name] for name in FOR_WORKERS if name in os.environ}
