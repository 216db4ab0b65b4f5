"""Domains: the values that one parameter may take, apart from who draws them."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from ablate.catalogue.registry import Kind
from ablate.study.yaml_lines import shown
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

KINDS: dict[Kind, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    bool | str: "true, false or text",
}
"""Types of parameters, as error messages call them."""


def parse_domain(value: object, kind: Kind, fault: Callable[[str, str], None]) -> Domain:
    """The domain that `value` writes, of numbers or words of type `kind`.

    Whatever is wrong is told to `fault(what, mend)`; the domain that comes back is then of no use.
    """
    if isinstance(value, dict):
        word, content = next(iter(value.items()), ("", None))
        if len(value) == 1 and word == "choice":
            return _choice(content, kind, fault)
        if len(value) == 1 and word in KEYWORDS:
            return _range(str(word), content, kind, fault)
        near = difflib.get_close_matches(str(word), KEYWORDS, n=1)
        meant = f"did you mean '{near[0]}'? Write" if near and word not in KEYWORDS else "write"
        fault(f"{shown(value)} is no range", f"{meant} {_suited(kind)}")
        return Fixed(0)
    if isinstance(value, list):
        return _choice(value, kind, fault)
    return Fixed(_scalar(value, kind, fault))


def _suited(kind: Kind) -> str:
    """The ranges that draw values of type `kind`."""
    suited: dict[Kind, tuple[str, ...]] = {int: ("int", "log_int"), float: ("uniform", "log_uniform")}
    words = suited.get(kind, ())
    ranges = [f"{{{word}: [low, high]}}" for word in words]
    return " or ".join([*ranges, "[first, second, ...]"])


def _scalar(value: object, kind: Kind, fault: Callable[[str, str], None]) -> Scalar:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and kind in (int, float) and not _is_finite(value):
        fault(f"{shown(value)} is no finite number", "write a finite number")
        return 0
    if kind is float and is_number:
        return float(cast(float, value))
    if isinstance(value, kind) and (kind in (bool, bool | str) or not isinstance(value, bool)):
        return cast(Scalar, value)
    if value is None:
        fault("is empty", f"write {KINDS[kind]}")
    elif kind is int and isinstance(value, float) and value.is_integer():
        fault(f"{value} is not {KINDS[kind]}", f"write {value:.0f}")
    elif isinstance(value, str) and kind in (int, float) and value.replace(".", "", 1).isdecimal():
        fault(f"{value!r} is text, not {KINDS[kind]}", f"write {float(value):g}, without quotes or leading zeros")
    else:
        fault(f"{shown(value)} is not {KINDS[kind]}", f"write {KINDS[kind]}")
    return 0


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False


def _choice(options: object, kind: Kind, fault: Callable[[str, str], None]) -> Domain:
    if not isinstance(options, list) or not options:
        fault(f"a choice needs a list of values, not {shown(options)}", "write [first, second, ...]")
        return Fixed(0)
    before = []

    def tell(what: str, mend: str) -> None:
        before.append(what)
        fault(what, mend)

    values = tuple(_scalar(option, kind, tell) for option in options)
    if not before and len(set(values)) < len(values):
        fault(f"the choice {shown(options)} names a value twice", "name each value once")
    return Choice(values) if len(values) > 1 else Fixed(values[0])


def _range(word: str, limits: Any, kind: Kind, fault: Callable[[str, str], None]) -> Domain:
    """Every check is made, so that a range with two faults is mended in one go."""
    if not isinstance(limits, list) or len(limits) != 2 or any(type(limit) not in (int, float) for limit in limits):
        fault(f"{word} needs two numbers, not {shown(limits)}", f"write {{{word}: [low, high]}}")
        return Fixed(0)
    if not all(map(_is_finite, limits)):
        fault(f"{word}: {shown(limits)} has no finite limits", "write finite numbers")
        return Fixed(0)
    low, high = limits
    log, whole = word.startswith("log_"), word.endswith("int")
    if low >= high:
        fault(f"{word}: the lower limit {low} is not below the upper limit {high}", "swap or change them")
    if log and low <= 0:
        fault(f"{word}: the lower limit {low} has no logarithm", "write a lower limit above 0")
    if whole != (kind is int) or kind not in (int, float):
        fault(f"{word} does not draw {KINDS[kind]}", f"write {_suited(kind)}")
        return Fixed(0)
    if whole and not (isinstance(low, int) and isinstance(high, int)):
        fault(f"{word}: the limits {low} and {high} are not whole", "write whole numbers")
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


def written(domain: Domain) -> str:
    """As a study file writes it, with every digit: two domains are equal where this is."""
    if isinstance(domain, Fixed):
        return _written(domain.value)
    if isinstance(domain, Choice):
        return f"[{', '.join(map(_written, domain.options))}]"
    word = ("log_" if domain.log else "") + ("int" if isinstance(domain, Int) else "uniform")
    return f"{{{word}: [{domain.low}, {domain.high}]}}"


def _written(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
