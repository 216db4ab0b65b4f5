"""Domains: what a study file may write for one parameter, and what is said of the rest."""

from __future__ import annotations

import pytest

from ablate.study.domain import Choice, Domain, Fixed, Int, Uniform, count, describe, limits, parse_domain, written
from ablate.study.yaml_lines import parse_value


def parsed(value: object, kind: type) -> tuple[Domain, list[tuple[str, str]]]:
    faults: list[tuple[str, str]] = []
    domain = parse_domain(value, kind, lambda what, mend: faults.append((what, mend)))
    return domain, faults


@pytest.mark.parametrize(
    ("value", "kind", "domain"),
    [
        (0.2, float, Fixed(0.2)),
        (1, float, Fixed(1.0)),
        (3, int, Fixed(3)),
        (True, bool, Fixed(True)),
        ("mean", str, Fixed("mean")),
        ([1, 2], float, Choice((1.0, 2.0))),
        ([0.5], float, Fixed(0.5)),
        ({"choice": [1, 2]}, int, Choice((1, 2))),
        ({"uniform": [0, 1]}, float, Uniform(0.0, 1.0)),
        ({"log_uniform": [0.1, 1]}, float, Uniform(0.1, 1.0, log=True)),
        ({"int": [1, 3]}, int, Int(1, 3)),
        ({"log_int": [1, 256]}, int, Int(1, 256, log=True)),
    ],
)
def test_every_way_to_write_a_domain_is_read(value: object, kind: type, domain: Domain) -> None:
    assert parsed(value, kind) == (domain, [])


@pytest.mark.parametrize(
    ("value", "kind", "what", "mend"),
    [
        (None, float, "is empty", "write a number"),
        ("big", float, "'big' is not a number", "write a number"),
        ("0.20", float, "'0.20' is text", "write 0.2, without quotes"),
        ("010", int, "'010' is text", "write 10, without quotes or leading zeros"),
        (True, float, "true is not a number", "write a number"),
        (1, bool, "1 is not true or false", "write true or false"),
        (64.0, int, "64.0 is not a whole number", "write 64"),
        (64.5, int, "64.5 is not a whole number", "write a whole number"),
        (float("nan"), float, ".nan is no finite number", "finite"),
        (float("inf"), float, ".inf is no finite number", "finite"),
        (10**400, float, "is no finite number", "finite"),
        ([], float, "a choice needs a list", "[first, second, ...]"),
        ({"choice": 5}, float, "a choice needs a list of values, not 5", "[first, second, ...]"),
        ([0.2, 0.2], float, "the choice [0.2, 0.2] names a value twice", "name each value once"),
        ([1, 1.0], float, "names a value twice", "name each value once"),
        ([0.1, [0.2]], float, "[0.2] is not a number", "write a number"),
        ([0.1, float("nan")], float, ".nan is no finite number", "finite"),
        ({"uniform": [1, 0]}, float, "the lower limit 1 is not below the upper limit 0", "swap"),
        ({"uniform": [1, 1]}, float, "not below", "swap"),
        ({"uniform": [1]}, float, "uniform needs two numbers, not [1]", "{uniform: [low, high]}"),
        ({"uniform": ["a", "b"]}, float, "uniform needs two numbers", "{uniform: [low, high]}"),
        ({"uniform": [False, True]}, float, "uniform needs two numbers", "{uniform: [low, high]}"),
        ({"uniform": {"low": 0}}, float, "uniform needs two numbers, not {low: 0}", "{uniform: [low, high]}"),
        ({"uniform": [0, float("inf")]}, float, "has no finite limits", "finite"),
        ({"uniform": [0, float("nan")]}, float, "has no finite limits", "finite"),
        ({"uniform": [0, 10**400]}, float, "has no finite limits", "finite"),
        ({"log_uniform": [0, 1]}, float, "the lower limit 0 has no logarithm", "above 0"),
        ({"int": [0, 1]}, float, "int does not draw a number", "{uniform: [low, high]} or {log_uniform"),
        ({"uniform": [8, 64]}, int, "uniform does not draw a whole number", "{int: [low, high]} or {log_int"),
        ({"uniform": [0, 1]}, str, "uniform does not draw text", "[first, second, ...]"),
        ({"int": [8.5, 64]}, int, "the limits 8.5 and 64 are not whole", "whole numbers"),
        ({"unifrom": [0, 1]}, float, "{unifrom: [0, 1]} is no range", "did you mean 'uniform'?"),
        ({"uniform": [0, 1], "log": True}, float, "is no range", "write {uniform"),
        ({}, float, "{} is no range", "write {uniform"),
    ],
)
def test_every_bad_domain_is_told_once_with_its_mend(value: object, kind: type, what: str, mend: str) -> None:
    _, faults = parsed(value, kind)
    assert len(faults) == 1, faults
    assert what in faults[0][0] and mend in faults[0][1], faults


def test_a_range_with_two_faults_tells_both() -> None:
    _, faults = parsed({"log_uniform": [1, -1]}, float)
    assert [what for what, _ in faults] == ["log_uniform: the lower limit 1 is not below the upper limit -1"]
    _, faults = parsed({"log_uniform": [0, -1]}, float)
    assert len(faults) == 2


@pytest.mark.parametrize(
    ("domain", "size", "text"),
    [
        (Fixed(0.2), 1, "0.2"),
        (Choice((32, 64)), 2, "32 | 64"),
        (Int(1, 3), 3, "1 to 3"),
        (Int(16, 256, log=True), 241, "16 to 256, log"),
        (Uniform(0.2, 2.0), None, "0.2 to 2"),
    ],
)
def test_a_domain_says_how_many_values_it_has_and_which(domain: Domain, size: int | None, text: str) -> None:
    assert (count(domain), describe(domain)) == (size, text)


def test_limits_are_the_smallest_and_largest_value() -> None:
    assert limits(Choice((3, 1, 2))) == (1, 3)
    assert limits(Fixed(4)) == (4, 4)
    assert limits(Int(2, 9)) == (2, 9)
    assert limits(Uniform(-0.5, 0.5)) == (-0.5, 0.5)


@pytest.mark.parametrize(
    ("domain", "kind"),
    [
        (Fixed(0.1234567890123), float),
        (Fixed(True), bool),
        (Fixed("mean"), str),
        (Choice((32, 64)), int),
        (Choice((1e-7, 0.5)), float),
        (Int(16, 256), int),
        (Int(16, 256, log=True), int),
        (Uniform(0.1234567890123, 2.0), float),
        (Uniform(1e-7, 1e20, log=True), float),
    ],
)
def test_what_is_written_of_a_domain_is_read_as_the_same_domain(domain: Domain, kind: type) -> None:
    assert parsed(parse_value(written(domain)), kind) == (domain, [])
