"""Folders that are no model, a later one or a damaged one: each is told, and how to mend it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ablate.errors import ModelError
from ablate.serve.description import FORMAT, read_description
from ablate.serve.model import open_model


def changed(model: Path, **keys: Any) -> None:
    path = model / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))


def test_the_distance_threshold_is_the_distance_at_that_cosine(model: Path) -> None:
    changed(model, threshold=0.5)
    assert read_description(model).distance_threshold == pytest.approx(1.0)  # a triangle of equal sides
    changed(model, threshold=1.1)  # nothing is called the same
    assert read_description(model).distance_threshold == 0.0


def test_the_errors_of_the_threshold_are_those_of_the_test_where_it_was_read(model: Path) -> None:
    origin = json.loads((model / "model.json").read_text())["origin"]

    def errors(**metrics: float) -> str:
        named = {name.replace("_", "/"): value for name, value in metrics.items()}
        changed(model, origin={**origin, "metrics": {"val/threshold": 0.5, **named}}, threshold=0.5)
        return str(read_description(model).errors)

    val, test = {"val_fpr": 0.05, "val_fnr": 0.1}, {"test_fpr": 0.00004, "test_fnr": 0.125, "test_threshold": 0.5}
    told = "of {} {} of the different are called the same, {} of the same are called different"
    assert errors(**val, **test) == told.format("the test's pairs", "0.004 %", "12.5 %")
    chosen = told.format("validation's pairs, which chose the threshold,", "5 %", "10 %")
    assert errors(**val) == chosen
    assert errors(**val, **{**test, "test_threshold": 0.7}) == chosen, "a test in folds has thresholds of its own"
    assert errors(val_auc=0.9) == "None", "a study of before these were counted"


def test_what_is_no_model_is_refused(model: Path, tmp_path: Path) -> None:
    for path, why in [
        (tmp_path / "none", "is not there"),
        (tmp_path, "holds no model.json"),
        (model / "README.md", "is a file"),
    ]:
        with pytest.raises(ModelError, match=rf"is no exported model: it {why}\n  make one: ablate export"):
            open_model(path)


def test_a_later_format_is_refused(model: Path) -> None:
    changed(model, format=FORMAT + 1, something="new")
    with pytest.raises(ModelError, match=r"has format 4, and this version of ablate reads up to 3\n  update ablate"):
        open_model(model)


def test_a_model_of_the_second_format_sees_whole_pictures(model: Path) -> None:
    content = json.loads((model / "model.json").read_text())
    assert content["preprocessing"].pop("centre") == 1.0
    (model / "model.json").write_text(json.dumps({**content, "format": 2}))
    assert read_description(model).preprocessing.centre == 1.0
    open_model(model)


def test_a_model_of_the_first_format_sees_one_view(model: Path) -> None:
    content = json.loads((model / "model.json").read_text())
    del content["network"]["views"]
    (model / "model.json").write_text(json.dumps({**content, "format": 1}))
    found = read_description(model)
    assert (found.network.views, found.network.width) == ("one", found.network.embedding_dim)
    open_model(model)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"threshold": "high"}, "threshold: input should be a valid number"),
        ({"colour": 1}, "colour: extra inputs are not permitted"),
        ({"kind": "pickle"}, "kind: input should be 'safetensors', 'onnx' or 'torchscript'"),
        ({"format": None}, "format: input should be a valid integer"),
    ],
)
def test_a_description_that_describes_no_model_is_refused(model: Path, keys: dict[str, Any], why: str) -> None:
    changed(model, **keys)
    with pytest.raises(ModelError, match=f"describes no model: {why}\n  export or copy the model again"):
        open_model(model)


def test_damaged_files_are_refused(model: Path) -> None:
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelError, match=r"model.safetensors is not the file that model.json tells of: it was changed"):
        open_model(model)
    weights.unlink()
    with pytest.raises(ModelError, match=r"model.safetensors cannot be read \(no such file or directory\)"):
        open_model(model)
    (model / "model.json").write_text("{")
    with pytest.raises(ModelError, match=r"model.json is no JSON"):
        open_model(model)


def test_weights_of_another_network_are_refused(model: Path) -> None:
    network = json.loads((model / "model.json").read_text())["network"]
    changed(model, network=network | {"embedding_dim": network["embedding_dim"] + 1})
    with pytest.raises(ModelError, match=r"holds the weights of another network than mlp is here .*size mismatch"):
        open_model(model)
