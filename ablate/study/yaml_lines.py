"""YAML with line numbers: the values of a file, and on which line each of them stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]

MAX_DEPTH = 20
"""No study nests deeper than 6; an anchor that holds itself nests for ever."""
MAX_VALUES = 100_000
"""A few lines of anchors can stand for billions of values."""
_YAML = "tag:yaml.org,2002:"
_TAGS = {f"{_YAML}{tag}" for tag in ("map", "seq", "str", "int", "float", "bool", "null")}


class Unreadable(Exception):
    """Text that is no YAML, or not the YAML of a study file."""

    def __init__(self, line: int, what: str, mend: str) -> None:
        self.line, self.what, self.mend = line, what, mend
        super().__init__(f"line {line}: {what}\n  {mend}")


class _Loader(yaml.SafeLoader):
    """Numbers as people mean them: `1e-4` is one, `010`, `1:30` and dates are text (YAML 1.1 reads 8, 90 and a date)."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _too_deep(self.peek_event().start_mark.line)  # type: ignore[no-untyped-call]
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


_Loader.yaml_implicit_resolvers = {
    first: [rule for rule in rules if rule[0] not in (f"{_YAML}timestamp", f"{_YAML}int", f"{_YAML}float")]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(f"{_YAML}int", re.compile(r"^[-+]?(0|[1-9][0-9_]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    f"{_YAML}float",
    re.compile(r"^([-+]?((\d[\d_]*\.\d*|\.\d+)([eE][-+]?\d+)?|\d[\d_]*[eE][-+]?\d+|\.inf)|\.nan)$", re.IGNORECASE),
    list("-+.0123456789"),
)


class _Dumper(yaml.SafeDumper):
    """Quotes what `_Loader` would else read as a number, and nothing that it reads as text."""


_Dumper.yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


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

    def get(self, *path: str, default: Any = None) -> Any:
        """What stands at `path`; `default` where nothing does."""
        value: Any = self.tree
        for part in path:
            if not isinstance(value, dict) or part not in value:
                return default
            value = value[part]
        return value

    def forget(self, path: Path) -> None:
        """No line of the file stands for `path` and what is below it any more."""
        self.lines = {known: line for known, line in self.lines.items() if known[: len(path)] != path}
        self.overrides = {known: by for known, by in self.overrides.items() if known[: len(path)] != path}

    def rename(self, path: Path, key: str) -> None:
        """Call the last key of `path` `key`, wherever it is spoken of."""

        def renamed(known: Path) -> Path:
            return (*path[:-1], key, *known[len(path) :]) if known[: len(path)] == path else known

        parent = self.get(*map(str, path[:-1]))
        content = {key if name == path[-1] else name: value for name, value in parent.items()}
        parent.clear()
        parent.update(content)
        self.lines = {renamed(known): line for known, line in self.lines.items()}
        self.overrides = {renamed(known): by for known, by in self.overrides.items()}
        self.twice = [renamed(known) for known in self.twice]


def dotted(path: Path) -> str:
    """`space.loss`, as `--set` writes it; positions in a list are left out, for the message names the value."""
    return ".".join(part for part in path if isinstance(part, str))


def shown(value: object) -> str:
    """A value as YAML writes it, on one line and not too long."""
    if isinstance(value, str):
        text = repr(value)
    else:
        text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False, allow_unicode=True)
        text = text.removesuffix("...\n").strip()
    return text if len(text) <= 70 else f"{text[:67]}..."


def as_text(tree: Mapping[str, Any]) -> str:
    """YAML from which `parse` reads `tree` again (but U+0085, which YAML holds for the end of a line)."""
    return yaml.dump(dict(tree), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def parse(text: str, name: str) -> Document:
    """Parse `text`. Raises Unreadable where it is no YAML or no mapping."""
    document = Document(name, {})
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            what = "the file is empty" if root is None else "a study file is a mapping of keys to values"
            raise Unreadable(1, what, "see search_spaces/quickstart.yaml for a study file")
        document.tree = _Builder(loader, document).build(root, ())
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error) from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise Unreadable(line, f"the character #x{error.character:04x} is no text", "save it as plain text") from None
    return document


def parse_value(text: str) -> Any:
    """The value that `text` alone writes, as after `--set KEY=`. Raises Unreadable."""
    return parse(f"value: {text}", "").tree["value"]


class _Builder:
    """From YAML's nodes to plain values, noting lines on the way."""

    def __init__(self, loader: _Loader, document: Document) -> None:
        self.loader, self.document = loader, document
        self.values = 0
        self.flat: set[int] = set()

    def build(self, node: yaml.Node, path: Path) -> Any:
        line = node.start_mark.line
        self.document.lines.setdefault(path, line + 1)
        self.values += 1
        if len(path) > MAX_DEPTH:
            raise _too_deep(line)
        if self.values > MAX_VALUES:
            raise Unreadable(line + 1, f"more than {MAX_VALUES} values", "write fewer anchors and aliases")
        if node.tag not in _TAGS:
            raise Unreadable(line + 1, f"the tag {node.tag.replace(_YAML, '!!')} is not known here", "remove the tag")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        try:
            return self.loader.construct_object(node, deep=True)
        except (ValueError, LookupError):  # `!!int abc`, `!!bool abc`, or a number of thousands of digits
            raise Unreadable(line + 1, f"{shown(node.value)} cannot be read", "write a plain value") from None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        if id(node) not in self.flat:  # an alias leads here again, with the merged keys already in
            self.flat.add(id(node))
            own = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            self.document.twice += [(*path, key) for key in dict.fromkeys(own) if own.count(key) > 1]
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode) and own.count(key.value) > 1:
                    self.document.lines[(*path, key.value)] = key.start_mark.line + 1
            self.loader.flatten_mapping(node)
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise Unreadable(key_node.start_mark.line + 1, "a key is not a plain word", "write `word: value`")
            here = (*path, key_node.value)
            self.document.lines[here] = key_node.start_mark.line + 1
            result[key_node.value] = self.build(value_node, here)
        return result


def _too_deep(line: int) -> Unreadable:
    return Unreadable(line + 1, f"this nests more than {MAX_DEPTH} deep", "no part of a study file is so deep")


def _unreadable(error: yaml.MarkedYAMLError) -> Unreadable:
    """YAML's own words are about its grammar; these are about the file."""
    problem, context = str(error.problem), str(error.context or "")
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    if "'\\t'" in problem:
        return Unreadable(line, "a tab, where YAML allows only spaces", "indent with spaces")
    if "another document" in problem:
        return Unreadable(line, "a second document begins here", "remove the `---`: one file is one study")
    mend = "check the indentation, the colons and the quotes"
    if error.context_mark and ("flow" in context or "quoted" in context):
        mend = f"close the bracket or quote that is opened in line {error.context_mark.line + 1}"
    return Unreadable(line, f"this is no YAML: {problem}", mend)
