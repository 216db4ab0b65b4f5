"""The registry: a name in YAML, the function that builds it, its default search space and its source.

A component is a function with keyword parameters. What the parameters are called and of which type they are is read
from its signature, so a name is written once. Builders import torch inside: reading a study file must not cost the
two seconds that torch takes.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import math
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType, UnionType
from typing import Any, Generic, ParamSpec, TypeVar

from ablate.errors import UnknownComponent

P = ParamSpec("P")
R = TypeVar("R")
Kind = type | UnionType
"""Of a parameter: int, float, bool, str, or `bool | str`."""


@dataclass(frozen=True)
class Parameter:
    """One keyword of a component that a study file can set."""

    name: str
    type: Kind
    """int, float, bool, str or `bool | str`, from the annotation."""
    default: Any
    """What it is where a study file does not name it."""
    low: float
    """Smallest value that makes sense."""
    high: float
    """Largest."""


@dataclass(frozen=True)
class Entry:
    """One component as the catalogue lists it."""

    kind: str
    name: str
    build: Callable[..., Any]
    space: Mapping[str, Any]
    """Default search space in the study file's own notation: {"margin": {"uniform": [0.05, 1.0]}}."""
    source: str
    """Paper or origin."""
    bounds: Mapping[str, tuple[float, float]]
    """Smallest and largest value that makes sense, for the numbers that have such."""

    @property
    def summary(self) -> str:
        """The first line of the builder's docstring."""
        return (inspect.getdoc(self.build) or "").splitlines()[0]

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The builder's keyword-only parameters, with scalar types: those a study file can set."""
        types: dict[str, Kind] = {"int": int, "float": float, "bool": bool, "str": str, "bool | str": bool | str}
        found = {}
        for name, parameter in inspect.signature(self.build).parameters.items():
            if parameter.kind is parameter.KEYWORD_ONLY:
                annotation = str(parameter.annotation).removesuffix(" | None")
                assert annotation in types, f"{self.kind} {self.name}: parameter {name} is no scalar: {annotation}"
                assert parameter.default is not inspect.Parameter.empty, (
                    f"{self.kind} {self.name}: {name} has no default"
                )
                low, high = self.bounds.get(name, (-math.inf, math.inf))
                found[name] = Parameter(name, types[annotation], parameter.default, low, high)
        return found


@dataclass(frozen=True)
class Family:
    """Components of another library, found by a prefix and their name there: `timm:resnet10t`."""

    prefix: str
    """With its colon."""
    known: Callable[[], list[str] | None]
    """Their names, without the prefix; None where the library is not installed."""
    install: str
    """How to install it."""
    of: Callable[[str], Callable[..., Any]]
    """Name, without the prefix -> builder."""
    source: str
    """Where they come from."""

    @property
    def summary(self) -> str:
        """The first line of the docstring of `of`."""
        return (inspect.getdoc(self.of) or "").splitlines()[0]

    @property
    def example(self) -> str:
        """How they are named."""
        return f"{self.prefix}NAME"

    def near(self, name: str) -> str:
        """What to do about a name that is not known."""
        known = self.known()
        if known is None:
            return f"it needs another library: {self.install}"
        plain = name.removeprefix(self.prefix).partition(".")[0]  # a tag after a dot names weights, not a network
        close = [plain] if plain in known else difflib.get_close_matches(plain, known, n=1)
        meant = f"did you mean '{self.prefix}{close[0]}'? " if close else ""
        return f"{meant}Known: {len(known):,} names"


class Registry(Generic[R]):
    """All components of one kind. `register` adds one; `registry[name]` finds it or says what was meant."""

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self._package = package
        self._entries: dict[str, Entry] = {}
        self._families: list[Family] = []
        self._loaded = False

    def register(
        self,
        name: str,
        *,
        source: str,
        space: Mapping[str, Any] | None = None,
        bounds: Mapping[str, tuple[float, float]] | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Decorate a builder to make `name` known; registering a name twice is our own mistake."""

        def add(build: Callable[P, R]) -> Callable[P, R]:
            assert name not in self._entries, f"{self.kind} '{name}' is registered twice"
            self._entries[name] = Entry(self.kind, name, build, space or {}, source, bounds or {})
            return build

        return add

    def register_family(
        self, prefix: str, *, known: Callable[[], list[str] | None], install: str, source: str
    ) -> Callable[[Callable[[str], Callable[..., R]]], Callable[[str], Callable[..., R]]]:
        """Decorate what gives the builder of a name, to make all of `known` known behind `prefix`; not listed by `names`."""

        def add(of: Callable[[str], Callable[..., R]]) -> Callable[[str], Callable[..., R]]:
            self._families.append(Family(prefix, known, install, of, source))
            return of

        return add

    @property
    def families(self) -> list[Family]:
        """Components that are known by a prefix."""
        self._load()
        return self._families

    def _find(self, name: object) -> Entry | None:
        entries, family = self._load(), self._family(name)
        if not isinstance(name, str) or family is None:
            return entries.get(name) if isinstance(name, str) else None
        inner = name.removeprefix(family.prefix)
        known = inner in (family.known() or ())
        return Entry(self.kind, name, family.of(inner), {}, family.source, {}) if known else None

    def _family(self, name: object) -> Family | None:
        return next((f for f in self.families if isinstance(name, str) and name.startswith(f.prefix)), None)

    def _load(self) -> dict[str, Entry]:
        if not self._loaded:
            self._loaded = True
            module: ModuleType = importlib.import_module(self._package)
            for found in pkgutil.iter_modules(getattr(module, "__path__", [])):
                importlib.import_module(f"{self._package}.{found.name}")
            if hasattr(module, "__path__"):  # one file each: in the order of their names, whoever imported one first
                self._entries = dict(sorted(self._entries.items()))
        return self._entries

    def __contains__(self, name: object) -> bool:
        return self._find(name) is not None

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._load().values())

    @property
    def names(self) -> list[str]:
        return list(self._load())

    def near(self, name: str) -> str:
        """ "did you mean 'triplet'? " if some name is near, and the list of all."""
        family = self._family(name)
        if family is not None:
            return family.near(name)
        close = difflib.get_close_matches(name, self.names, n=1)
        meant = f"did you mean '{close[0]}'? " if close else ""
        return f"{meant}Known: {', '.join([*self.names, *(family.example for family in self.families)])}"

    def __getitem__(self, name: str) -> Entry:
        found = self._find(name)
        if found is None:
            raise UnknownComponent(f"{self.kind} '{name}' is not registered\n  {self.near(name)}")
        return found
