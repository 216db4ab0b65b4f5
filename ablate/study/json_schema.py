"""The JSON schema of study files: editors then complete names and mark faults while one writes."""

from __future__ import annotations

from typing import Any

from ablate.catalogue.datasets import DATASETS
from ablate.catalogue.registry import Parameter, Registry
from ablate.study.domain import KEYWORDS
from ablate.study.schema import StudyFile
from ablate.study.space_file import REGISTRIES

JSON_TYPES = {int: "integer", float: "number", bool: "boolean", str: "string"}


def study_json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a study file, `space` from the catalogue."""
    schema = StudyFile.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "ablate study"
    schema["$defs"]["Data"]["properties"]["name"]["enum"] = DATASETS.names
    whole = _domain("integer", low=2)
    slots = {slot: _slot(registry) for slot, registry in REGISTRIES.items()}
    schema["properties"]["space"] = {
        "type": "object",
        "description": StudyFile.model_fields["space"].description,
        "additionalProperties": False,
        "required": ["backbone", "loss"],
        "properties": {
            **slots,
            "embedding_dim": whole,
            "batch": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"classes": whole, "per_class": whole},
            },
            "epochs": {"type": "integer", "minimum": 1},
        },
    }
    stopping = schema["$defs"]["Search"]["properties"]["stopping"]
    stopping["anyOf"] = [{"enum": ["none", "asha"]}, *stopping["anyOf"]]
    return schema


def _slot(registry: Registry[Any]) -> dict[str, Any]:
    """A name, a list of names, or names with their parameters."""
    levels = {}
    for entry in registry:
        parameters = {name: _parameter(parameter) for name, parameter in entry.parameters.items()}
        levels[entry.name] = {
            "type": ["object", "null"],
            "description": f"{entry.summary} ({entry.source})",
            "additionalProperties": False,
            "properties": parameters,
        }
    return {
        "anyOf": [
            {"enum": registry.names},
            {"type": "array", "items": {"enum": registry.names}, "minItems": 1, "uniqueItems": True},
            {"type": "object", "additionalProperties": False, "properties": levels, "minProperties": 1},
        ]
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    if parameter.type in (bool, str):
        kind = JSON_TYPES[parameter.type]
        return {"anyOf": [{"type": kind}, {"type": "array", "items": {"type": kind}}], "default": parameter.default}
    domain = _domain(JSON_TYPES[parameter.type], low=parameter.low, high=parameter.high)
    return domain | {"default": parameter.default}


def _domain(kind: str, *, low: float = float("-inf"), high: float = float("inf")) -> dict[str, Any]:
    """A number, a list to choose from, or a range."""
    number: dict[str, Any] = {"type": kind}
    if low > float("-inf"):
        number["minimum"] = low
    if high < float("inf"):
        number["maximum"] = high
    words = [word for word in KEYWORDS if word.endswith("int") == (kind == "integer") and word != "choice"]
    limits = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    choice = {"type": "array", "items": number, "minItems": 1, "uniqueItems": True}
    ranges: list[dict[str, Any]] = [{"properties": {word: limits}, "required": [word]} for word in words]
    ranges.append({"properties": {"choice": choice}, "required": ["choice"]})
    return {"anyOf": [number, choice, *({"type": "object", "additionalProperties": False, **r} for r in ranges)]}
