"""What every entry of every registry owes to whoever reads `ablate list` or writes its name alone in YAML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from ablate.catalogue.datasets import DATASETS
from ablate.catalogue.registry import Entry, Registry
from ablate.study.domain import limits, parse_domain
from ablate.study.space_file import REGISTRIES
from ablate.study.splits import PROTOCOLS

README = Path(__file__).parents[2] / "README.md"
ALL: dict[str, Registry[Any]] = {**REGISTRIES, "dataset": DATASETS}
ENTRIES = [entry for registry in ALL.values() for entry in registry]
every_entry = pytest.mark.parametrize("entry", ENTRIES, ids=[f"{entry.kind}-{entry.name}" for entry in ENTRIES])


def test_every_registry_has_entries() -> None:
    assert len(ALL) == 7
    assert min(len(registry.names) for registry in ALL.values()) >= 3


@every_entry
def test_the_entry_says_in_a_sentence_what_it_is_and_where_it_comes_from(entry: Entry) -> None:
    assert entry.build.__doc__, f"{entry.kind} {entry.name}: its builder has no docstring"
    assert entry.summary.endswith(".") and len(entry.summary) > 20, entry.summary
    assert len(entry.source) > 10, f"{entry.kind} {entry.name}: name the paper or the origin"
    assert entry.name == entry.name.lower() and " " not in entry.name


@every_entry
def test_the_defaults_of_the_entry_have_their_type_and_lie_within_its_bounds(entry: Entry) -> None:
    for name, parameter in entry.parameters.items():
        where = f"{entry.kind} {entry.name}: {name}"
        kind = type(parameter.default)
        assert kind in (get_args(parameter.type) or (parameter.type,)), f"{where} is {parameter.default!r}"
        if parameter.type in (int, float):
            assert parameter.low <= parameter.default <= parameter.high, where
            assert parameter.low < parameter.high, f"{where} has bounds that leave nothing"


@every_entry
def test_the_numbers_of_the_entry_are_bounded(entry: Entry) -> None:
    """Without bounds a margin of -3 or a width of 0 would be found only by the trial that it breaks."""
    assert missing_bounds(entry) == ""


def missing_bounds(entry: Entry) -> str:
    """What to add to the entry; empty where nothing is missing."""
    numbers = [parameter for parameter in entry.parameters.values() if parameter.type in (int, float)]
    unbounded = [number.name for number in numbers if number.low == -float("inf") or number.high == float("inf")]
    example = ", ".join(f'"{name}": (LOWEST, HIGHEST)' for name in unbounded)
    return f"{entry.kind} {entry.name}: add bounds={{{example}}} to its register(...)" if unbounded else ""


def test_what_is_missing_is_said_as_it_is_to_be_written() -> None:
    def build(*, margin: float = 1.0, width: int = 3, name: str = "x") -> None:
        """A builder."""

    entry = Entry("loss", "made_up", build, {}, "a test", {"width": (1, 9)})
    expected = 'loss made_up: add bounds={"margin": (LOWEST, HIGHEST)} to its register(...)'
    assert missing_bounds(entry) == expected


def test_the_example_of_the_readme_is_a_sound_entry() -> None:
    from torch import nn

    (example,) = re.findall(r"```python\n(# ablate/catalogue/losses.py.*?)```", README.read_text(), re.DOTALL)
    losses: Registry[Any] = Registry("loss", "ablate.catalogue")
    exec("from __future__ import annotations\n" + example, {"LOSSES": losses, "nn": nn})
    (entry,) = losses._entries.values()
    assert missing_bounds(entry) == ""
    (parameter,) = entry.parameters.values()
    assert parameter.low <= parameter.default <= parameter.high
    assert isinstance(entry.build(), nn.Module)


def refuse(what: str, mend: str) -> None:
    raise AssertionError(f"{what}: {mend}")


@every_entry
def test_the_default_space_of_the_entry_is_read_and_lies_within_its_bounds(entry: Entry) -> None:
    assert set(entry.space) <= set(entry.parameters), f"{entry.kind} {entry.name}: nothing reads part of its space"
    for name, value in entry.space.items():
        parameter = entry.parameters[name]
        domain = parse_domain(value, parameter.type, refuse)
        if parameter.type in (int, float):
            least, most = limits(domain)
            assert parameter.low <= least and most <= parameter.high, f"{entry.kind} {entry.name}: {name}"


def test_the_protocols_of_splits_and_of_metrics_are_the_same() -> None:
    from ablate.catalogue.metrics import METRICS
    from ablate.catalogue.metrics import PROTOCOLS as REPORTED

    assert set(PROTOCOLS) == set(REPORTED)
    assert {metric for metrics in REPORTED.values() for metric in metrics} == set(METRICS.values())
