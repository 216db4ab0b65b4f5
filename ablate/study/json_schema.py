"""The JSON schema of study files: editors then complete names and mark faults while one writes."""

from __future__ import annotations

from typing import Any

from ablate.catalogue.costs import COSTS
from ablate.catalogue.datasets import DATASETS
from ablate.catalogue.metrics import METRICS
from ablate.catalogue.registry import Entry, Kind, Parameter, Registry
from ablate.study.configuration import PRECISIONS, VIEWS
from ablate.study.schema import IMAGE_SIZES, StudyFile
from ablate.study.space_file import MOST, REGISTRIES

JSON_TYPES: dict[Kind, str | list[str]] = {
    int: "integer",
    float: "number",
    bool: "boolean",
    str: "string",
    bool | str: ["boolean", "string"],
}
RANGES = {"integer": ("int", "log_int"), "number": ("uniform", "log_uniform")}
"""The ranges that draw values of a JSON type; of the others there are none."""


def study_json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a study file, `space` from the catalogue."""
    schema = StudyFile.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "ablate study"
    schema["$defs"]["Data"]["properties"]["name"]["enum"] = DATASETS.names
    schema["$defs"]["Objective"]["properties"]["metric"] |= {"enum": [f"val/{name}" for name in METRICS]}
    schema["$defs"]["OneObjective"]["properties"]["metric"] |= {
        "enum": [f"val/{name}" for name in METRICS] + list(COSTS)
    }
    limit = schema["$defs"]["Limit"] | {"minProperties": 1}
    schema["$defs"]["Limit"] = limit
    schema["properties"]["constraints"] |= {
        "additionalProperties": False,
        "properties": {
            name: {"$ref": "#/$defs/Limit", "description": f"{cost.summary} ({cost.unit})"}
            for name, cost in COSTS.items()
        },
    }
    schema["properties"]["space"] = _space()
    for model in ("Search", "Tune"):
        stopping = schema["$defs"][model]["properties"]["stopping"]
        stopping["anyOf"] = [{"enum": ["none", "asha"]}, *stopping["anyOf"]]
    asha = schema["$defs"]["Stopping"]["properties"]["asha"]
    asha["anyOf"] = [{"$ref": asha.pop("$ref")}, {"type": "null"}]
    return schema


def _space() -> dict[str, Any]:
    """What may stand under `space`, from the catalogue."""
    whole = _domain("integer", low=2, high=MOST)
    slots = {slot: _slot(registry) for slot, registry in REGISTRIES.items()}
    return {
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
            "epochs": {"type": "integer", "minimum": 1, "maximum": MOST},
            "normalize": _domain("boolean") | {"default": True},
            "image_size": _domain("integer", low=IMAGE_SIZES[0], high=IMAGE_SIZES[1], ranged=False),
            "clip_norm": _domain("number", low=0.0, high=MOST) | {"default": 0.0},
            "precision": _domain("string", words=PRECISIONS) | {"default": "auto"},
            "views": _domain("string", words=tuple(VIEWS)) | {"default": "one"},
        },
    }


def _slot(registry: Registry[Any]) -> dict[str, Any]:
    """A name, a list of names, or names with their parameters."""
    levels: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {entry.name: level_schema(entry) for entry in registry},
        "minProperties": 1,
    }
    names: list[dict[str, Any]] = [{"enum": registry.names}]
    for family in registry.families:
        pattern = f"^{family.prefix}[^.]+$"
        names.append({"type": "string", "pattern": pattern, "description": f"{family.summary} ({family.source})"})
        levels.setdefault("patternProperties", {})[pattern] = {"type": ["object", "null"]}  # the loader knows the rest
    name = {"anyOf": names} if len(names) > 1 else names[0]
    return {"anyOf": [*names, {"type": "array", "items": name, "minItems": 1, "uniqueItems": True}, levels]}


def level_schema(entry: Entry) -> dict[str, Any]:
    """The parameters of one component."""
    return {
        "type": ["object", "null"],
        "description": f"{entry.summary} ({entry.source})",
        "additionalProperties": False,
        "properties": {name: _parameter(parameter) for name, parameter in entry.parameters.items()},
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    domain = _domain(JSON_TYPES[parameter.type], low=parameter.low, high=parameter.high)
    return domain | {"default": parameter.default}


def _domain(
    kind: str | list[str],
    *,
    low: float = float("-inf"),
    high: float = float("inf"),
    ranged: bool = True,
    words: tuple[str, ...] = (),
) -> dict[str, Any]:
    """A value, a list to choose from, or where `ranged` a range."""
    number: dict[str, Any] = {"type": kind}
    if words:
        number["enum"] = list(words)
    if low > float("-inf"):
        number["minimum"] = low
    if high < float("inf"):
        number["maximum"] = high
    words = RANGES.get(str(kind), ()) if ranged else ()
    limits = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    choice = {"type": "array", "items": number, "minItems": 1, "uniqueItems": True}
    ranges = [
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {word: content},
            "required": [word],
            "maxProperties": 1,
        }
        for word, content in [*((word, limits) for word in words), ("choice", choice)]
    ]
    return {"anyOf": [number, choice, *ranges]}
