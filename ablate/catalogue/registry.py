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
from types import ModuleType
from typing import Any, Generic, ParamSpec, TypeVar

from ablate.errors import UnknownComponent

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Parameter:
    """One keyword of a component that a study file can set."""

    name: str
    type: type
    """int, float, bool or str, from the annotation."""
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
        types = {"int": int, "float": float, "bool": bool, "str": str}
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


class Registry(Generic[R]):
    """All components of one kind. `register` adds one; `registry[name]` finds it or says what was meant."""

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self._package = package
        self._entries: dict[str, Entry] = {}
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
        return name in self._load()

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._load().values())

    @property
    def names(self) -> list[str]:
        return list(self._load())

    def near(self, name: str) -> str:
        """ "did you mean 'triplet'? " if some name is near, and the list of all."""
        close = difflib.get_close_matches(name, self.names, n=1)
        meant = f"did you mean '{close[0]}'? " if close else ""
        return f"{meant}Known: {', '.join(self.names)}"

    def __getitem__(self, name: str) -> Entry:
        try:
            return self._load()[name]
        except KeyError:
            raise UnknownComponent(f"{self.kind} '{name}' is not registered\n  {self.near(name)}") from None
