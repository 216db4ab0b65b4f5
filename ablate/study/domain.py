"""Domains: the values that one parameter may take, apart from who draws them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from ablate.types import Scalar


@dataclass(frozen=True)
class Fixed:
    """One value: nothing to draw."""

    value: Scalar


@dataclass(frozen=True)
class Choice:
    """One of several values, unordered."""

    options: tuple[Scalar, ...]


@dataclass(frozen=True)
class Uniform:
    """A real number from `low` to `high`; on a logarithmic scale where `log`."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Int:
    """A whole number from `low` to `high`, both included; on a logarithmic scale where `log`."""

    low: int
    high: int
    log: bool = False


Domain = Fixed | Choice | Uniform | Int

KEYWORDS = ("uniform", "log_uniform", "int", "log_int", "choice")
"""How a study file writes a domain: `{log_uniform: [1.0e-4, 1.0e-2]}`; a list alone is a choice, a scalar fixed."""


def parse_domain(value: object, kind: type, fault: Callable[[str, str], None]) -> Domain:
    """The domain that `value` writes, of numbers or words of type `kind`.

    Whatever is wrong is told to `fault(what, mend)`; the domain that comes back is then of no use.
    """
    if isinstance(value, dict):
        if len(value) != 1 or next(iter(value)) not in KEYWORDS:
            fault(f"{value} is no range", f"write one of {{{', '.join(f'{word}: [...]' for word in KEYWORDS)}}}")
            return Fixed(0)
        word, limits = next(iter(value.items()))
        if word == "choice":
            return _choice(limits, kind, fault)
        return _range(str(word), limits, kind, fault)
    if isinstance(value, list):
        return _choice(value, kind, fault)
    return Fixed(_scalar(value, kind, fault))


def _scalar(value: object, kind: type, fault: Callable[[str, str], None]) -> Scalar:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return cast(Scalar, value)
    fault(f"{value!r} is not of type {kind.__name__}", f"write a value of type {kind.__name__}")
    return 0


def _choice(options: object, kind: type, fault: Callable[[str, str], None]) -> Domain:
    if not isinstance(options, list) or not options:
        fault(f"a choice needs a list of values, not {options!r}", "write [first, second, ...]")
        return Fixed(0)
    values = tuple(_scalar(option, kind, fault) for option in options)
    if len(set(values)) < len(values):
        fault(f"the choice {options} names a value twice", "name each value once")
    return Choice(values) if len(values) > 1 else Fixed(values[0])


def _range(word: str, limits: Any, kind: type, fault: Callable[[str, str], None]) -> Domain:
    numbers = isinstance(limits, list) and len(limits) == 2
    if not numbers or any(isinstance(limit, bool) or not isinstance(limit, (int, float)) for limit in limits):
        fault(f"{word} needs its two limits, not {limits!r}", f"write {{{word}: [low, high]}}")
        return Fixed(0)
    low, high = limits
    log = word.startswith("log_")
    whole = word.endswith("int")
    if low >= high:
        fault(f"{word}: the lower limit {low} is not below the upper limit {high}", "swap or change them")
    elif log and low <= 0:
        fault(f"{word}: the lower limit {low} has no logarithm", "write a lower limit above 0")
    if whole and not (isinstance(low, int) and isinstance(high, int)):
        fault(f"{word}: the limits {low} and {high} are not whole", "write whole numbers")
        return Fixed(0)
    if whole != (kind is int) or kind not in (int, float):
        right = {int: "int or log_int", float: "uniform or log_uniform"}.get(kind, "choice")
        fault(f"{word} does not draw values of type {kind.__name__}", f"write {right}")
        return Fixed(0)
    return Int(low, high, log) if whole else Uniform(float(low), float(high), log)


def count(domain: Domain) -> int | None:
    """How many values the domain has; None for the reals."""
    if isinstance(domain, Fixed):
        return 1
    if isinstance(domain, Choice):
        return len(domain.options)
    return domain.high - domain.low + 1 if isinstance(domain, Int) else None


def limits(domain: Domain) -> tuple[float, float]:
    """The smallest and the largest number of a domain of numbers."""
    if isinstance(domain, (Uniform, Int)):
        return domain.low, domain.high
    options = domain.options if isinstance(domain, Choice) else (domain.value,)
    numbers = [float(option) for option in options]
    return min(numbers), max(numbers)


def describe(domain: Domain) -> str:
    """For people: `0.2 to 2`, `16 to 256, log`, `32 | 64`."""
    if isinstance(domain, Fixed):
        return str(domain.value)
    if isinstance(domain, Choice):
        return " | ".join(map(str, domain.options))
    return f"{domain.low:g} to {domain.high:g}{', log' if domain.log else ''}"
