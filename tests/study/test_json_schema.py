"""The JSON schema: valid itself, at one with the loader on good files and bad, and the shipped copy is up to date."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from ablate.study.json_schema import study_json_schema
from ablate.study.yaml_lines import parse
from tests.study.sound import TEXT, edited

SHIPPED = Path(__file__).parents[2] / "search_spaces"
VALIDATOR = jsonschema.Draft202012Validator(study_json_schema())


def errors(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(parse(text, "f.yaml").tree)]


def test_the_schema_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(study_json_schema())


def test_the_shipped_copy_is_up_to_date() -> None:
    shipped = json.loads((SHIPPED / "study.schema.json").read_text())
    assert shipped == study_json_schema(), "run: ablate schema > search_spaces/study.schema.json"


def test_every_shipped_study_validates() -> None:
    studies = sorted(SHIPPED.glob("*.yaml"))
    assert len(studies) >= 2
    assert {study.name: errors(study.read_text()) for study in studies} == {study.name: [] for study in studies}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{margin: 0.2}", ""),
        ("{margin: 0.2}", "{}"),
        ("0.2", "{log_uniform: [0.1, 1]}"),
        ("0.2", "[0.1, 0.2]"),
        ("0.2", "{choice: [0.1, 0.2]}"),
        ("{triplet: {margin: 0.2}}", "triplet"),
        ("{triplet: {margin: 0.2}}", "[triplet, circle]"),
        ("mlp", "{mlp: {width: {log_int: [8, 64]}}}"),
        ("mlp", "{mlp: {batch_norm: [true, false]}}"),
        ("mlp", "{mlp: {batch_norm: {choice: [true, false]}}}"),
        ("embedding_dim: 16", "normalize: false"),
        ("embedding_dim: 16", "normalize: [true, false]"),
        ("embedding_dim: 16", "image_size: 12"),
        ("embedding_dim: 16", "image_size: [8, 12]"),
        ("embedding_dim: 16", "image_size: {choice: [8, 12]}"),
        ("embedding_dim: 16", "augmentation: [none, flip]"),
        ("embedding_dim: 16", "augmentation: {shift: {fraction: {uniform: [0.1, 0.2]}}}"),
        ("{asha: {grace_epochs: 2}}", "asha"),
        ("{asha: {grace_epochs: 2}}", "none"),
        ("{grace_epochs: 2}", ""),
    ],
)
def test_every_way_to_write_a_sound_study_validates(old: str, new: str) -> None:
    assert errors(TEXT) == [] and errors(edited((old, new))) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("study: faces", "study: a/b"),
        ("study: faces\n", ""),
        ("seed: 1", "sede: 1"),
        ("seed: 1", "seed: -1"),
        ("digits", "digit"),
        ("closed", "open"),
        ("protocol:", "protcol:"),
        ("{name: digits, protocol: closed}", "digits"),
        ("val/auc", "test/auc"),
        ("val/auc", "val/acu"),
        ("backbone: mlp", "bakcbone: mlp"),
        ("mlp", "{mlp: {width: 64.5}}"),
        ("mlp", "{mlp: {width: {uniform: [1, 2]}}}"),
        ("mlp", "{mlp: {width: [64, 64]}}"),
        ("triplet:", "tripelt:"),
        ("{triplet: {margin: 0.2}}", "[triplet, triplet]"),
        ("{triplet: {margin: 0.2}}", "[]"),
        ("{triplet: {margin: 0.2}}", "{}"),
        ("margin:", "margn:"),
        ("0.2", "5"),
        ("0.2", "big"),
        ("0.2", "{uniform: [0, 5]}"),
        ("0.2", "{uniform: [1]}"),
        ("0.2", "{unifrom: [0, 1]}"),
        ("0.2", "{int: [0, 1]}"),
        ("mlp", "{mlp: {batch_norm: 1}}"),
        ("mlp", "{mlp: {batch_norm: [true, true]}}"),
        ("mlp", "{mlp: {batch_norm: {uniform: [0, 1]}}}"),
        ("embedding_dim: 16", "normalize: 1"),
        ("embedding_dim: 16", "normalize: []"),
        ("embedding_dim: 16", "image_size: 4"),
        ("embedding_dim: 16", "image_size: [8, 1000]"),
        ("embedding_dim: 16", "image_size: {int: [8, 16]}"),
        ("embedding_dim: 16", "augmentation: shfit"),
        ("per_class:", "perclass:"),
        ("classes: 10", "classes: 1"),
        (" epochs: 10", " epochs: 0"),
        (" epochs: 10", " epochs: [5, 10]"),
        ("{trials: 5", "{trials: 0"),
        ("{asha: {grace_epochs: 2}}", "ahsa"),
        ("{asha: {grace_epochs: 2}}", "{}"),
        ("cost/flops", "cost/flop"),
        ("{max: 5}", "{}"),
        ("cpus: 1", "cpus: 0"),
    ],
)
def test_what_the_loader_refuses_an_editor_marks(old: str, new: str) -> None:
    assert errors(edited((old, new))) != []


def test_every_field_of_the_schema_says_what_it_means() -> None:
    schema = study_json_schema()
    fields = [
        (name, key, field) for name, model in schema["$defs"].items() for key, field in model["properties"].items()
    ]
    fields += [("", key, field) for key, field in schema["properties"].items()]
    assert len(fields) >= 25
    assert [f"{name}.{key}" for name, key, field in fields if not field.get("description")] == []
