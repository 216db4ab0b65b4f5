"""Put an import off until the module is used: for what a library imports and training never touches."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType


def put_off(name: str) -> None:
    """`import name` now costs nothing; the first use of an attribute loads the module as usual."""
    sys.modules.setdefault(name, _Later(name))


class _Later(ModuleType):
    """Stands in `sys.modules` for a module that nobody has used yet.

    importlib.util.LazyLoader does not do: `import name` itself looks at the module's `__spec__`, which loads it (Python 3.11).
    """

    def __getattr__(self, attribute: str) -> object:
        """Asked for what this stand-in does not have: bring the real one."""
        if attribute.startswith("__") and attribute != "__path__":
            raise AttributeError(attribute)  # `inspect` looks through all modules so; that is no use
        name = self.__name__
        if sys.modules.get(name) is self:
            del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)
