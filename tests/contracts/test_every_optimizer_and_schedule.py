"""What every optimizer and every schedule owe to the training loop: steps that lead down, rates that never rise."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ablate.catalogue.optimizers import OPTIMIZERS
from ablate.catalogue.registry import Entry
from ablate.catalogue.schedules import READS_EPOCHS, SCHEDULES

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


def rates(entry: Entry, epochs: int, goal: str = "maximize") -> list[float]:
    """The rate of each epoch where the objective never improves, as the training loop steps it; and that after the last."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=1.0)
    schedule = entry.build(optimizer, epochs, goal)
    found = [optimizer.param_groups[0]["lr"]]
    for _ in range(epochs):
        optimizer.step()
        if isinstance(schedule, ReduceLROnPlateau):
            schedule.step(0.5)
        else:
            schedule.step()
        found.append(optimizer.param_groups[0]["lr"])
    return found


@every_schedule
@pytest.mark.parametrize("goal", ["maximize", "minimize"])
@pytest.mark.parametrize("epochs", [1, 2, 12])
def test_rates_begin_at_the_optimizers_never_rise_and_never_go_below_zero(entry: Entry, epochs: int, goal: str) -> None:
    found = rates(entry, epochs, goal)
    assert found[0] == 1.0
    assert all(later <= earlier for earlier, later in pairwise(found))
    assert found[-2] > 0, "the last epoch learns nothing"
    assert found[-1] >= 0


@every_schedule
def test_reads_epochs_names_exactly_the_schedules_whose_early_rates_depend_on_their_length(entry: Entry) -> None:
    """A study may be made longer only where its first epochs would have been the same."""
    shorter, longer = rates(entry, 12), rates(entry, 20)
    assert (shorter[:12] != longer[:12]) == (entry.name in READS_EPOCHS)


def test_reads_epochs_names_nothing_that_is_not_there() -> None:
    assert set(SCHEDULES.names) >= READS_EPOCHS
