"""The Ray session of a run: one of our own on this machine, or a cluster that is joined and left as it was."""

from __future__ import annotations

import gc
import math
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ablate.engine import environment
from ablate.engine.resources import Budget, Machine, budget, local_cpus, local_gpus
from ablate.errors import ResourceError
from ablate.study.spending import Resources


def local_budget(trial: Resources, *, cpus: int | None, gpus: float | None) -> Budget:
    """What a study may use of this machine; starts nothing. Raises ResourceError."""
    found = budget(cpus, gpus, found_cpus=local_cpus(), found_gpus=local_gpus(), where="this machine")
    found.slots(trial)
    return found


def join(address: str, trial: Resources, *, cpus: int | None, gpus: float | None) -> Budget:
    """Connect to a cluster and see what a study may use of it; leaves it again where that is too little.

    Raises ResourceError, also where no cluster answers, or it has another token, or where that is no address.
    """
    import ray
    from ray.exceptions import AuthenticationError

    try:
        _check_answers(address)
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level="WARNING",
            runtime_env={"env_vars": environment.for_workers()},
        )
    except AuthenticationError:
        raise ResourceError(
            f"--address {address}: this Ray cluster is joined with its token, and here none is set, or another\n"
            "  set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN to the cluster's token, or put that into ~/.ray/auth_token"
        ) from None
    except OSError as error:  # ray.init raises ConnectionError, which is one
        raise ResourceError(
            f"--address {address}: no Ray cluster answers there ({str(error).splitlines()[0]})\n"
            "  start one with `ray start --head`, or leave --address out to run on this machine"
        ) from None
    except ValueError:
        raise ResourceError(
            f"--address {address}: this is no address of a Ray cluster\n"
            "  write auto or HOST:PORT, or leave --address out to run on this machine"
        ) from None
    try:
        has = ray.cluster_resources()
        where = f"the cluster at {address}"
        found_cpus, found_gpus = int(has.get("CPU", 0)), has.get("GPU", 0)
        found = budget(
            cpus, gpus, found_cpus=found_cpus, found_gpus=found_gpus, where=where, machines=_machines(ray.nodes())
        )
        found.slots(trial)
    except ResourceError:
        leave()
        raise
    return found


def _machines(nodes: Sequence[Mapping[str, Any]]) -> tuple[Machine, ...]:
    """Those that are alive and hold trials: a head node may have no CPUs for them."""
    held = [node["Resources"] for node in nodes if node["Alive"]]
    machines = [Machine(int(has.get("CPU", 0)), int(has.get("GPU", 0))) for has in held]
    return tuple(machine for machine in machines if machine.cpus)


def _check_answers(address: str) -> None:
    """Raise OSError where nothing listens at HOST:PORT, AuthenticationError where that wants another token.

    Ray itself (2.60) would try for minutes, or for 20 seconds, warning of each try. `auto` is what Ray finds by it;
    addresses of other forms pass.
    """
    import grpc  # type: ignore[import-untyped]
    from ray._private.gcs_utils import create_gcs_channel
    from ray._private.services import canonicalize_bootstrap_address
    from ray.core.generated.gcs_service_pb2 import GetClusterIdRequest
    from ray.core.generated.gcs_service_pb2_grpc import NodeInfoGcsServiceStub
    from ray.exceptions import AuthenticationError

    place = (canonicalize_bootstrap_address(address) or "") if address == "auto" else address
    host, _, port = place.rpartition(":")
    if not host or not port.isdigit():
        return
    socket.create_connection((host, int(port)), timeout=5).close()
    with create_gcs_channel(place) as channel:
        try:
            NodeInfoGcsServiceStub(channel).GetClusterId(GetClusterIdRequest(), timeout=5)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                raise AuthenticationError(error.details()) from None
            # whatever else it is, Ray may overcome: it tries again


def start(allowed: Budget, note: Callable[[dict[str, Any]], None], last: Sequence[Mapping[str, Any]]) -> str:
    """Start a Ray of our own and give its session folder, which is told to `note`; `last` is what dead drivers noted.

    What a killed driver left of its Ray is ended first: its agents stay for a minute and slow this start.
    """
    import ray

    from ablate.engine.leftovers import end_leftovers

    for driver in last:
        if "session_dir" in driver:
            end_leftovers(driver["session_dir"])
    with environment.quick_start():
        context = ray.init(
            address="local",  # else RAY_ADDRESS, or a Ray that runs on this machine, would be joined
            num_cpus=allowed.cpus,
            num_gpus=math.ceil(allowed.gpus),
            include_dashboard=False,
            log_to_driver=False,
            logging_level="WARNING",
        )
    import ray.dag.compiled_dag_node  # `ray.shutdown` imports it: there it could wait for locks of another thread's import

    session_dir = str(context.address_info["session_dir"])
    note({"pid": os.getpid(), "session_dir": session_dir})
    return session_dir


def leave(session_dir: str | None = None) -> None:
    """Leave the cluster that was joined, or end our own Ray, whose session folder is given.

    Its agents ignore the end of a Ray that is only seconds old, and would slow the next start for a minute.
    """
    import ray

    if ray.is_initialized():
        gc.collect()  # Tune's cycles hold Ray's handles: one that another thread collects after the end aborts the process
        ray.shutdown()
    if session_dir is not None:
        from ablate.engine.leftovers import end_leftovers

        end_leftovers(session_dir)
