"""`--set KEY=VALUE`: changes to a study file from the command line."""

from __future__ import annotations

from typing import Any

from ablate.errors import Fault
from ablate.study.yaml_lines import Document, Path, Unreadable, dotted, parse_value, shown


def override(document: Document, assignment: str) -> Fault | None:
    """Apply one assignment: KEY is dotted (`search.trials`), VALUE is YAML. What cannot be applied is a fault."""
    where = f"--set {assignment}"
    key, equals, text = (part.strip() for part in assignment.partition("="))
    path = tuple(key.split("."))
    if not equals or "" in path:
        return Fault(where, "this is no KEY=VALUE", "write the key with dots, as in --set search.trials=40")
    try:
        value = parse_value(text)
    except Unreadable as error:
        return Fault(where, error.what, error.mend)
    target: dict[str, Any] = document.tree
    for depth in range(1, len(path)):
        fault = _open(document, target, path[: depth + 1], where)
        if fault is not None:
            return fault
        target = target[path[depth - 1]]
    target[path[-1]] = value
    document.forget(path)
    document.overrides[path] = where
    return None


def _open(document: Document, parent: dict[str, Any], path: Path, where: str) -> Fault | None:
    """Make sure that a mapping stands where `path` has its last key but one; what is there already is not lost unsaid."""
    outer, inner = path[:-1], path[-1]
    key = str(outer[-1])
    value = parent.get(key)
    if isinstance(value, dict):
        return None
    if key not in parent or value in (inner, [inner]):  # `loss: triplet` may become `loss: {triplet: {...}}`
        parent[key] = {} if key not in parent else {inner: {}}
        document.forget(outer)
        document.overrides[outer] = where
        return None
    stands = "nothing, which stands for its defaults" if value is None else shown(value)
    return Fault(
        where,
        f"{dotted(outer)} is {stands} ({document.where(outer)}); setting {inner} below it would replace that",
        f"set the whole of it: --set '{dotted(outer)}=...'",
    )
