"""Prices come from a list with date and source; where it says nothing, a study is refused and nothing is made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablate.study.load import parse_study
from tests.study.sound import TEXT, faults_in

LIST = """machines:
  office: {usd_per_gpu_hour: 0.75, usd_per_cpu_hour: 0.02, date: 2026-11-01, source: "invoice 17"}
  laptop: {date: 2026-11-01, source: nobody has counted}
"""
SHIPPED = Path(__file__).parents[2] / "cluster" / "prices.yaml"


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text(LIST)
    return path


def with_machine(prices: Path, machine: str) -> str:
    return f"{TEXT}cost: {{prices: {prices}, machine: {machine}}}\n"


def test_a_trial_costs_the_hours_of_what_it_holds(prices: Path) -> None:
    text = with_machine(prices, "office").replace("{cpus: 1}", "{cpus: 4}")
    study = parse_study(text, "f.yaml")
    assert study.usd_per_hour == pytest.approx(4 * 0.02)
    assert study.price is not None and study.price.source == "invoice 17"
    on_gpu = parse_study(text.replace("{cpus: 4}", "{cpus: 4, gpus: 0.5}"), "f.yaml")
    assert on_gpu.usd_per_hour == pytest.approx(0.5 * 0.75)
    assert on_gpu.meaning["cost.machine"] != study.meaning["cost.machine"], "they cannot be told in one table"


def test_a_study_without_a_price_means_what_it_meant_before_there_were_any() -> None:
    study = parse_study(TEXT, "f.yaml")
    assert study.usd_per_hour is None
    assert "cost.machine" not in study.meaning


@pytest.mark.parametrize(
    ("machine", "what", "mend"),
    [
        ("offise", "lists no 'offise'", "did you mean 'office'?"),
        ("laptop", "lists no usd_per_cpu_hour of 'laptop'", "with its date and source"),
    ],
)
def test_what_the_list_does_not_say_is_refused(prices: Path, machine: str, what: str, mend: str) -> None:
    (fault,) = faults_in(with_machine(prices, machine))
    assert fault.where == "f.yaml:16"
    assert what in fault.what and mend in fault.mend


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (LIST.replace('source: "invoice 17"', ""), "machines.office.source: Field required"),
        (LIST.replace("date: 2026-11-01, source: nobody", "source: nobody"), "machines.laptop.date: Field required"),
        (LIST.replace("0.75", "-1"), "greater than or equal to 0"),
        (LIST.replace("0.75", "[1"), "while parsing"),
        ("", "the file: "),
    ],
)
def test_an_unsound_list_is_refused(prices: Path, content: str, why: str) -> None:
    prices.write_text(content)
    (fault,) = faults_in(with_machine(prices, "office"))
    assert why in fault.what


def test_every_fault_of_a_list_is_told(prices: Path) -> None:
    prices.write_text(LIST.replace("0.75", "-1").replace("date: 2026-11-01, source: nobody", "source: nobody"))
    faults = faults_in(with_machine(prices, "office"))
    assert ["office" in fault.what for fault in faults] == [True, False]


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (fault,) = faults_in(with_machine(tmp_path / "none.yaml", "office"))
    assert "no such file" in fault.what


def test_a_list_needs_a_machine_and_money_a_list(prices: Path) -> None:
    (half,) = faults_in(f"{TEXT}cost: {{prices: {prices}}}\n")
    assert "a price needs a list and a machine" in half.what
    (blind,) = faults_in(TEXT.replace("cost/flops", "cost/usd"))
    assert (blind.where, blind.what) == ("f.yaml:14", "constraints.cost/usd: nothing says what an hour costs")
    (of_gpus,) = faults_in(TEXT.replace("cost/flops", "cost/peak_gpu_mib"))
    assert of_gpus.what == "constraints.cost/peak_gpu_mib: is known on GPUs only, and a trial holds none"
    parse_study(TEXT.replace("cost/flops", "cost/peak_gpu_mib").replace("cpus: 1", "cpus: 1, gpus: 1"), "f.yaml")


@pytest.mark.parametrize(
    ("other", "told"),
    [("", "a price needs a list and a machine"), (", machine: 3", "cost.machine"), (", machin: a", "machin")],
)
def test_a_list_that_is_not_there_is_told_together_with_what_else_is_wrong(
    tmp_path: Path, other: str, told: str
) -> None:
    found = [fault.what for fault in faults_in(f"{TEXT}cost: {{prices: {tmp_path / 'none.yaml'}{other}}}\n")]
    assert any("no such file" in what for what in found)
    assert any(told in what for what in found)


def test_the_shipped_list_is_an_example_without_prices() -> None:
    (fault,) = faults_in(with_machine(SHIPPED, "my-workstation"))
    assert "lists no usd_per_cpu_hour of 'my-workstation'" in fault.what


def test_what_a_constraint_names_is_measured_unasked() -> None:
    assert parse_study(TEXT, "f.yaml").measures == ()
    asked = parse_study(f"{TEXT}cost: {{measure: [int8]}}\n", "f.yaml")
    assert asked.measures == ("int8",)
    limited = TEXT.replace("{cost/flops: {max: 5}}", "{cost/throughput_per_second: {min: 5}}")
    assert parse_study(limited, "f.yaml").measures == ("throughput",)
