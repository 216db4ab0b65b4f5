"""YAML with line numbers: the values of a file, and on which line each of them stands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """YAML 1.1, but `1e-4` is a number, as people mean it, and a date is text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


@dataclass
class Document:
    """A parsed file."""

    name: str
    """As error messages call it."""
    tree: dict[str, Any]
    """Plain dicts, lists and scalars."""
    lines: dict[Path, int] = field(default_factory=dict)
    """1-based line of every key and list item, by its path."""
    overrides: dict[Path, str] = field(default_factory=dict)
    """Where a value did not come from the file: the `--set` that gave it."""
    twice: list[Path] = field(default_factory=list)
    """Keys that stand in the file twice."""

    def where(self, path: Path) -> str:
        """`faces.yaml:12`, of the nearest line above that is known."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.overrides:
                return self.overrides[path[:end]]
            if path[:end] in self.lines:
                return f"{self.name}:{self.lines[path[:end]]}"
        return f"{self.name}:1"


def parse(text: str, name: str) -> Document:
    """Parse `text`. Raises yaml.YAMLError where it is no YAML, ValueError where it is no mapping."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise ValueError("a study file is a mapping of keys to values")
        document = Document(name, {})
        document.tree = _build(loader, root, (), document)
        return document
    finally:
        loader.dispose()


def _build(loader: _Loader, node: yaml.Node, path: Path, document: Document) -> Any:
    document.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)
        result = {}
        for key_node, value_node in node.value:
            key = str(loader.construct_object(key_node, deep=True))
            here = (*path, key)
            if key in result:
                document.twice.append(here)
            document.lines[here] = key_node.start_mark.line + 1
            result[key] = _build(loader, value_node, here, document)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_build(loader, item, (*path, index), document) for index, item in enumerate(node.value)]
    return loader.construct_object(node, deep=True)


def override(document: Document, assignment: str) -> None:
    """Apply one `--set KEY=VALUE`: KEY is dotted (`search.trials`), VALUE is YAML. Raises ValueError if it has no `=`."""
    key, equals, text = assignment.partition("=")
    if not equals or not key:
        raise ValueError(f"--set {assignment}: there is no KEY=VALUE")
    path = tuple(key.split("."))
    target = document.tree
    for part in path[:-1]:
        if not isinstance(target.get(part), dict):
            target[part] = {}
        target = target[part]
    target[path[-1]] = yaml.load(text, _Loader)
    for known in [known for known in document.lines if known[: len(path)] == path]:
        del document.lines[known]
    document.overrides[path] = f"--set {assignment}"
