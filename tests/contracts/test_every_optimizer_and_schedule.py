"""What every optimizer and every schedule owe to the training loop: steps that lead down, rates up to the optimizer's."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from ablate.catalogue.optimizers import OPTIMIZERS
from ablate.catalogue.registry import Entry
from ablate.catalogue.schedules import READS_EPOCHS, SCHEDULES, Course

every_optimizer = pytest.mark.parametrize("entry", OPTIMIZERS, ids=OPTIMIZERS.names)
every_schedule = pytest.mark.parametrize("entry", SCHEDULES, ids=SCHEDULES.names)


@every_optimizer
def test_a_step_lowers_a_quadratic(entry: Entry) -> None:
    point = nn.Parameter(torch.tensor([3.0, -2.0]))
    optimizer = entry.build([point])
    values = []
    for _ in range(2):
        value = point.square().sum()
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        values.append(float(value.detach()))
    assert values[1] < values[0]


@every_optimizer
def test_every_parameter_of_the_optimizer_reaches_it(entry: Entry) -> None:
    """A knob that turns nothing makes an ablation a lie."""
    for name, parameter in entry.parameters.items():
        value = parameter.default / 2 or 0.125
        group = entry.build([nn.Parameter(torch.ones(1))], **{name: value}).param_groups[0]
        assert group[name] == value, f"{entry.name}: {name} is {group.get(name)}"


STEPS = 4
"""Of an epoch."""


def rates(entry: Entry, epochs: int, goal: str = "maximize", **params: float) -> list[float]:
    """The rate of each step where the objective never improves, as the training loop asks for it; full is 1."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=1.0)
    schedule = entry.build(optimizer, Course(epochs, STEPS, goal), **params)
    found = []
    for _ in range(epochs):
        for _ in range(STEPS):
            schedule.begin_step()
            found.append(optimizer.param_groups[0]["lr"])
        schedule.end_epoch(0.5)
    return found


@every_schedule
@pytest.mark.parametrize("goal", ["maximize", "minimize"])
@pytest.mark.parametrize("epochs", [1, 2, 12])
def test_rates_stay_between_zero_and_the_optimizers_and_once_they_fall_never_rise(
    entry: Entry, epochs: int, goal: str
) -> None:
    found = rates(entry, epochs, goal)
    assert min(found) > 0, "a step learns nothing"
    assert max(found) <= 1.0
    highest = found.index(max(found))
    assert all(later >= earlier for earlier, later in pairwise(found[: highest + 1]))
    assert all(later <= earlier for earlier, later in pairwise(found[highest:]))
    if epochs == 12:
        assert max(found) > 0.99, "the optimizer's own rate is never reached"


@every_schedule
def test_reads_epochs_names_exactly_the_schedules_whose_early_rates_depend_on_their_length(entry: Entry) -> None:
    """A study may be made longer only where its first epochs would have been the same."""
    shorter, longer = rates(entry, 12), rates(entry, 20)
    assert (shorter != longer[: 12 * STEPS]) == (entry.name in READS_EPOCHS)


@every_schedule
@pytest.mark.parametrize("warmup", [0.25, 1.0, 2.5])
def test_a_warm_up_climbs_step_by_step_to_what_the_schedule_says(entry: Entry, warmup: float) -> None:
    if "warmup" not in entry.parameters:
        assert entry.name == "one_cycle", "it rises by itself"
        return
    full, warmed, steps = rates(entry, 12), rates(entry, 12, warmup=warmup), warmup * STEPS
    for step, (rate, unwarmed) in enumerate(zip(warmed, full, strict=True)):
        assert rate == pytest.approx(unwarmed * min(1.0, (step + 1) / steps), abs=1e-12)


@every_schedule
def test_every_group_of_weights_follows_with_its_own_rate(entry: Entry) -> None:
    groups: list[dict[str, Any]] = [
        {"params": [nn.Parameter(torch.ones(1))]},
        {"params": [nn.Parameter(torch.ones(1))], "lr": 0.03},
    ]
    optimizer = torch.optim.SGD(groups, lr=1.0)
    schedule = entry.build(optimizer, Course(6, STEPS, "maximize"))
    for _ in range(6):
        for _ in range(STEPS):
            schedule.begin_step()
            network, own = (group["lr"] for group in optimizer.param_groups)
            assert own == pytest.approx(0.03 * network)
        schedule.end_epoch(0.5)


def test_reads_epochs_names_nothing_that_is_not_there() -> None:
    assert set(SCHEDULES.names) >= READS_EPOCHS
