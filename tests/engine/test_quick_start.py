"""What a Ray of our own is told before it starts, so that the first trial need not wait for its services."""

from __future__ import annotations

import socket

import pytest

from ablate.engine import environment

pytestmark = pytest.mark.ray


def test_agents_getfree_ports_of_their_own_and_no_monitor_is_started() -> None:
    from ray._private import parameter

    whole = parameter.RayParams
    with environment.quick_start():
        asked = parameter.RayParams(num_cpus=2)
    assert parameter.RayParams is whole, "a cluster that is started by others is left as it is"
    assert (asked.no_monitor, asked.include_log_monitor, asked.num_cpus) == (True, False, 2)
    ports = {asked.metrics_agent_port, asked.runtime_env_agent_port, asked.dashboard_agent_listen_port}
    assert len(ports) == 3 and ports <= set(environment.PORTS)


def test_a_port_that_is_taken_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken, socket.socket() as other:
        taken.bind(("", 0))
        other.bind(("", 0))
        free = other.getsockname()[1]
        other.close()
        monkeypatch.setattr(environment, "PORTS", [taken.getsockname()[1], free])
        assert environment.free_ports(1) == [free]
