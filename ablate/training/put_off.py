"""Put an import off until the module is used: for what a library imports and training never touches."""

from __future__ import annotations

import importlib.util
import sys


def put_off(name: str) -> None:
    """`import name` now costs nothing; the first use of an attribute loads the module as usual."""
    if name in sys.modules:
        return
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return  # not installed: importing it will say so
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
