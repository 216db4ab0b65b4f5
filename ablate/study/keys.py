"""Keys: one that nothing reads is a fault; a misspelled one is then read as what was meant, so that its content is checked."""

from __future__ import annotations

import difflib
from typing import Any

from ablate.errors import Fault
from ablate.study.json_schema import level_schema, study_json_schema
from ablate.study.space_file import REGISTRIES
from ablate.study.yaml_lines import Document, Path, dotted


def check_keys(document: Document, faults: list[Fault]) -> None:
    """Append a fault for every key of `document` that the schema does not know, and take it out or mend it."""
    schema = study_json_schema()
    _Keys(document, schema["$defs"], faults).check(schema, (), _places(schema, schema["$defs"]))


def near(name: str, known: list[str]) -> str:
    """ "did you mean 'margin'? " where a known name is near, and all known names."""
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean '{close[0]}'? " if close else ""
    return f"{meant}Known here: {', '.join(known) or 'nothing'}"


class _Keys:
    """Walks a document along the schema."""

    def __init__(self, document: Document, defs: dict[str, Any], faults: list[Fault]) -> None:
        self.document, self.defs, self.faults = document, defs, faults

    def check(self, node: dict[str, Any], path: Path, places: dict[str, str]) -> None:
        known = _properties(node, self.defs)
        tree = self.document.get(*map(str, path))
        if known is None or not isinstance(tree, dict):
            return
        is_slot = len(path) == 2 and path[0] == "space" and path[1] in REGISTRIES
        if is_slot:  # names of a family are in no list
            registry = REGISTRIES[str(path[1])]
            known |= {key: level_schema(registry[key]) for key in tree if key not in known and key in registry}
        for key in [key for key in tree if key not in known]:
            close = difflib.get_close_matches(key, known, n=1)
            if is_slot and (key == "choice" or not close or ":" in key):
                continue  # `space_file` says that there is no such component
            elsewhere = key in places and not is_slot
            self._tell((*path, key), list(known), places[key] if elsewhere else None)
            if close and close[0] not in tree and not elsewhere and "." not in key:
                self.document.rename((*path, key), close[0])
            else:
                del tree[key]
        for key in tree:
            if key in known:
                self.check(known[key], (*path, key), places)

    def _tell(self, path: Path, known: list[str], place: str | None) -> None:
        key = str(path[-1])
        outer, _, inner = key.partition(".")
        mend = near(key, known)
        if inner:
            mend = f"dots are for --set; in a file, write {outer}: {{{inner}: ...}}"
        elif place:
            mend = f"it is read at '{place}'. {near('', known)}"
        self.faults.append(Fault(self.document.where(path), f"{dotted(path)}: nothing reads this key", mend))


def _properties(node: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any] | None:
    """The keys that may stand in `node`, with their schemas; None where any may, or where it is no mapping.

    Ranges (`uniform`) are left out: `domain` knows which of them suits a parameter.
    """
    if "$ref" in node:
        node = defs[node["$ref"].rsplit("/", 1)[-1]]
    if node.get("additionalProperties") is False and "maxProperties" not in node:
        return dict(node.get("properties", {}))
    for alternative in node.get("anyOf", []):
        found = _properties(alternative, defs)
        if found is not None:
            return found
    return None


def _places(schema: dict[str, Any], defs: dict[str, Any]) -> dict[str, str]:
    """Key -> where it is read first: {"trials": "search.trials", "margin": "space.loss.contrastive.margin"}."""
    found: dict[str, str] = {}
    level: list[tuple[Path, dict[str, Any]]] = [((), schema)]
    while level:
        level.sort(key=lambda place: place[0][:2] != ("space", "optimizer"))  # who writes lr means the optimizer's
        below: list[tuple[Path, dict[str, Any]]] = []
        for path, node in level:
            for key, child in (_properties(node, defs) or {}).items():
                found.setdefault(key, dotted((*path, key)))
                below.append(((*path, key), child))
        level = below
    return found
