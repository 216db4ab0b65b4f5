"""What pydantic finds wrong with a study file, in the words of the file."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ablate.errors import Fault
from ablate.study.schema import StudyFile
from ablate.study.yaml_lines import Document, Path, dotted, shown

KINDS = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "list_type": "a list",
    "model_type": "a mapping",
}
"""pydantic's type of error -> what should stand there."""

IN_QUOTES = "put it in quotes: "
"""How the mend begins of what is read as a number and should be text."""

BOUNDS = {
    "greater_than_equal": ("too small", "ge", "write {} or more"),
    "greater_than": ("too small", "gt", "write more than {}"),
    "less_than_equal": ("too large", "le", "write {} or less"),
    "less_than": ("too large", "lt", "write less than {}"),
    "string_too_long": ("too long", "max_length", "write at most {} characters"),
    "too_short": ("too short", "min_length", "name {} or more"),
    "too_long": ("too long", "max_length", "name at most {}"),
}
"""pydantic's type of error -> what is wrong, the name of the bound, how to mend it."""


def faults_of(error: ValidationError, document: Document) -> list[Fault]:
    """One fault for each finding, with its line."""
    found = []
    for finding in error.errors():
        path: Path = tuple(finding["loc"])
        (what, mend), where = _words(finding, path), document.where(path)
        if mend.startswith(IN_QUOTES) and where.startswith("--set"):  # of which a shell takes one pair
            mend = f"write --set '{dotted(path)}=\"{finding['input']}\"'"
        found.append(Fault(where, f"{dotted(path)}: {what}", mend))
    return found


def _words(finding: ErrorDetails, path: Path) -> tuple[str, str]:
    """What is wrong, and how to mend it."""
    kind, value, context = finding["type"], finding["input"], finding.get("ctx", {})
    if kind == "missing":
        return "is missing", f"add `{path[-1]}:`. {_meaning(path)}"
    if kind == "value_error":
        what, _, mend = finding["msg"].removeprefix("Value error, ").partition("\n")
        return what, mend
    if value is None:
        field = _field(path)
        remedy = "" if field is None or field.is_required() else ", or leave the key out"
        return "is empty", f"write {KINDS.get(kind, 'a value')}{remedy}. {_meaning(path)}"
    if kind == "extra_forbidden":  # in a list: `keys` has looked at all mappings
        model = _model(path[:-1])
        known = list(model.model_fields) if model else []
        return "nothing reads this key", f"known here: {', '.join(known) or 'nothing'}"
    if kind == "string_pattern_mismatch":
        return f"{shown(value)} is no name", "use letters, digits, `.`, `_` and `-`; begin with a letter or digit"
    if kind == "literal_error":
        return f"{shown(value)} is not known here", f"write {context['expected']}"
    if kind in BOUNDS:
        what, name, mend = BOUNDS[kind]
        return f"{shown(value)} is {what}", mend.format(f"{context[name]:.10g}")
    if kind in KINDS:
        return f"{shown(value)} is not {KINDS[kind]}", _instead(KINDS[kind], value, path)
    return f"{shown(value)}: {finding['msg']}", "see `ablate schema` for what may stand here"


def _instead(kind: str, value: object, path: Path) -> str:
    """What to write, as near as possible to what is there."""
    if kind == "text" and not isinstance(value, (dict, list)):
        return f'{IN_QUOTES}"{value}"'
    if kind == "a whole number" and isinstance(value, float) and value.is_integer():
        return f"write {value:.0f}"
    model = _model(path)
    if kind == "a mapping" and model is not None and not isinstance(value, (dict, list)):
        return f"write {path[-1]}: {{{next(iter(model.model_fields))}: {value}}}"
    return f"write {kind}. {_meaning(path)}"


def _meaning(path: Path) -> str:
    """The sentence under the field in `schema.py`."""
    field = _field(path)
    return (field.description or "").partition("\n")[0] if field else ""


def _field(path: Path) -> FieldInfo | None:
    model = _model(path[:-1])
    return model.model_fields.get(str(path[-1])) if model else None


def _model(path: Path) -> type[BaseModel] | None:
    """The model of the mapping at `path`; None where there is none, as in `space`."""
    model: Any = StudyFile
    for part in path:
        field = getattr(model, "model_fields", {}).get(part)
        annotation: Any = field.annotation if field else model
        inner = getattr(annotation, "__args__", ())
        choices = [annotation, *inner, *(each for one in inner for each in getattr(one, "__args__", ()))]  # of a list
        model = next((each for each in choices if isinstance(each, type) and issubclass(each, BaseModel)), None)
    return model if model is None or issubclass(model, BaseModel) else None
