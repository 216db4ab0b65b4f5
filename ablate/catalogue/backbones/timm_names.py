"""The names of timm's models, read from its sources: importing timm takes four seconds, which reading a study file has not."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

PREFIX = "timm:"
"""Begins the name of a backbone that timm builds."""
INSTALL = "pip install 'ablate[timm]'"

_REGISTERED = re.compile(r"^@register_model\b.*\n(?:@.*\n)*def (\w+)\(", re.MULTILINE)


def is_timm(backbone: str) -> bool:
    """Whether timm builds this backbone."""
    return backbone.startswith(PREFIX)


@lru_cache(maxsize=1)
def timm_names() -> list[str] | None:
    """All models of the timm that is installed; None where none is. Takes 0.1 s."""
    spec = find_spec("timm")
    if spec is None or spec.origin is None:
        return None
    sources = sorted((Path(spec.origin).parent / "models").rglob("*.py"))
    return sorted(name for path in sources for name in _REGISTERED.findall(path.read_text(encoding="utf-8")))
