"""Exported networks against the trained one, through the commands that a user calls, and what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pyarrow import parquet
from torch import nn

from ablate.catalogue.backbones import BACKBONES, Backbone, ImageShape
from ablate.catalogue.registry import Entry
from ablate.errors import AblateError, ModelError
from ablate.serve.card import Source
from ablate.serve.export import TOLERANCE, export
from ablate.study.configuration import Component
from ablate.training.loop import train
from tests.serve.models import NUM_PICTURES, best_spec, run, validation, write_pictures
from tests.training.trials import CNN, trial

KINDS = ["safetensors", "torchscript", pytest.param("onnx", marks=pytest.mark.slow)]  # onnxscript alone takes seconds
WEIGHTS = {"safetensors": "model.safetensors", "onnx": "model.onnx", "torchscript": "model.pt"}
SOURCE = Source("study", "question", {}, {}, 0, {}, {"cost/latency_ms_p50": 1.0}, "nowhere")


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_embeds_picture_files_as_the_trained_network_does_their_images(
    kind: str, runs: Path, tmp_path: Path
) -> None:
    model, sheet, table = tmp_path / "model", tmp_path / "sheet.png", tmp_path / "embeddings.npy"
    said = run("export", runs / "made-up", "--format", kind, "--output", model)
    assert "trial 0000 of made-up: 287 validation images embedded as by the network" in said
    assert sorted(path.name for path in model.iterdir()) == sorted(["README.md", "model.json", WEIGHTS[kind]])

    images, wanted, threshold = validation(best_spec(runs))
    paths = write_pictures(images, tmp_path / "pictures")
    assert f"{NUM_PICTURES} pictures, " in run("embed", model, tmp_path / "pictures", "--output", table)
    np.testing.assert_allclose(np.load(table), wanted, atol=TOLERANCE)

    cosines = wanted.astype(np.float64) @ wanted[0]
    for other in range(1, 10):
        found = json.loads(run("verify", model, paths[0], paths[other], "--json"))
        assert found["same"] == (cosines[other] >= threshold)
        assert found["similarity"] == pytest.approx(cosines[other], abs=1e-4)
        assert found["distance"] == pytest.approx(np.linalg.norm(wanted[0] - wanted[other]), abs=1e-3)
    metrics = json.loads((model / "model.json").read_text())["origin"]["metrics"]
    split = found["errors"]["split"]
    assert (found["errors"]["fpr"], found["errors"]["fnr"]) == (metrics[f"{split}/fpr"], metrics[f"{split}/fnr"])
    assert "% of the different are called the same" in run("verify", model, paths[0], paths[1])

    lines = run("nearest", model, paths[0], tmp_path / "pictures", "--output", sheet).splitlines()
    ranked = sorted(range(1, NUM_PICTURES), key=lambda i: -cosines[i])[:10]
    assert [line.split()[-1] for line in lines[1:-2]] == [str(paths[i]) for i in ranked]
    assert lines[-2].startswith("verdicts: of ") and lines[-1] == str(sheet)
    with Image.open(sheet) as picture:
        assert picture.format == "PNG" and min(picture.size) > 400


def test_a_parquet_file_has_the_path_of_every_embedding(exported: Path, runs: Path, tmp_path: Path) -> None:
    images, wanted, _ = validation(best_spec(runs))
    paths = write_pictures(images, tmp_path / "pictures")
    some = [paths[7], tmp_path / "pictures"]  # a file, then a folder that holds it again
    run("embed", exported, *some, "--output", tmp_path / "embeddings.parquet")
    rows = parquet.read_table(tmp_path / "embeddings.parquet").to_pydict()
    assert rows["path"] == [str(path) for path in [paths[7], *paths]]
    np.testing.assert_allclose(np.array(rows["embedding"]), wanted[[7, *range(NUM_PICTURES)]], atol=TOLERANCE)


def test_a_trial_is_named_as_show_does_or_by_its_folder(runs: Path, exported: Path, tmp_path: Path) -> None:
    ways = [("best", runs / "made-up"), ("0", runs / "made-up"), (runs / "made-up" / "trials" / "0000",)]
    for number, way in enumerate(ways):
        run("export", *way, "--output", tmp_path / str(number))
        found = json.loads((tmp_path / str(number) / "model.json").read_text())
        wanted = json.loads((exported / "model.json").read_text())
        assert found["sha256"] == wanted["sha256"] and found["origin"]["trial"] == "0000"


def test_the_card_tells_figures_cost_threshold_and_terms(exported: Path, runs: Path) -> None:
    card, (_, _, threshold) = (exported / "README.md").read_text(), validation(best_spec(runs))
    description = json.loads((exported / "model.json").read_text())
    metrics, network = description["origin"]["metrics"], description["network"]
    width, dim = network["params"]["width"], network["embedding_dim"]
    num_weights = 64 * width + width + 2 * width + width * dim + dim  # a layer, its batch norm, the head
    assert f"| recall_at_1 | {metrics['val/recall_at_1']:.4f} | 0.9000 |" in card  # the study's test figure
    assert f"from a cosine similarity of {threshold:.4f}" in card
    assert (
        f"| cost/params | {num_weights:,} |" in card and "| cost/flops |" in card and "| cost/latency_ms_p50 |" in card
    )
    assert "CC BY 4.0, shipped with scikit-learn" in card
    assert "| protocol | closed: " in card and "`made-up`" in card


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["runs/made-up", "--format", "tflite"], "--format tflite is not known\n  write one of: safetensors, onnx"),
        (["0001", "runs/made-up"], r"trial 0001 of made-up has no weights \(it was pruned\)\n  name a complete trial"),
        (["0042", "runs/made-up"], "made-up has no trial '0042'\n  it has 4 trials"),
        (["runs/nothing"], "runs/nothing holds no study\n  studies there: made-up"),
        (["runs/made-up", "runs/made-up"], "'runs/made-up' is no trial of runs/made-up\n  write an id"),
        (["runs/made-up", "--output", "runs"], "--output runs is there already\n  name a folder that is not"),
        (["runs/made-up", "--output", "/proc/model"], r"--output /proc/model cannot be written \(no such file"),
        (["runs/made-up", "--output", "no/model"], "--output no/model: no is no folder\n  make it first"),
    ],
)
def test_what_cannot_be_exported_is_refused_and_nothing_is_written(
    words: list[str], message: str, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runs.parent)
    before = sorted(runs.parent.iterdir())
    with pytest.raises(AblateError, match=message):
        run("export", *words, *([] if "--output" in words else ["--output", "model"]))
    assert sorted(runs.parent.iterdir()) == before


def test_a_network_whose_trace_does_not_hold_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks at how many images it gets, which a trace cannot follow."""

    class Fickle(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            features = images.flatten(1)
            return features if len(images) == 2 else features.flip(1)

    def fickle(image: ImageShape) -> Backbone:
        return Backbone(Fickle(), image.channels * image.size**2)

    monkeypatch.setitem(BACKBONES._load(), "fickle", Entry("backbone", "fickle", fickle, {}, "this test", {}))
    spec = trial(tmp_path / "trial", backbone=Component("fickle"))
    train(spec, lambda report: None)
    with pytest.raises(
        ModelError, match=r"the torchscript model embeds otherwise than the network: by up to .* 0.0001 may"
    ):
        export(spec, SOURCE, kind="torchscript", folder=tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["trial"]
    export(spec, SOURCE, kind="safetensors", folder=tmp_path / "model")  # which keeps the network's own code


def test_books_are_refused_with_the_reason(tmp_path: Path) -> None:
    spec = trial(tmp_path)
    with pytest.raises(ModelError, match="the items of goodbooks are books, not pictures\n  a book becomes numbers by"):
        export(replace(spec, data=replace(spec.data, name="goodbooks")), SOURCE, kind="onnx", folder=tmp_path / "model")


def test_a_network_in_bf16_is_exported_in_32_bits(tmp_path: Path) -> None:
    spec = trial(tmp_path / "trial", precision="bf16")
    train(spec, lambda report: None)
    assert export(spec, SOURCE, kind="torchscript", folder=tmp_path / "model").difference < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_of_several_views_is_exported_with_them(kind: str, tmp_path: Path) -> None:
    spec = trial(tmp_path / "trial", backbone=CNN, views="turns")
    train(spec, lambda report: None)
    assert export(spec, SOURCE, kind=kind, folder=tmp_path / "model").num_images > 200
    picture = write_pictures(np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1), tmp_path / "pictures")[0]
    run("embed", tmp_path / "model", picture, "--output", tmp_path / "embeddings.npy")
    assert np.load(tmp_path / "embeddings.npy").shape == (1, 8 * spec.configuration.embedding_dim)
    assert f"{8 * spec.configuration.embedding_dim} numbers" in (tmp_path / "model" / "README.md").read_text()


def test_what_the_extra_brings_is_named_where_it_is_missing(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else found(name))
    with pytest.raises(ModelError, match=r"not installed: onnxscript\n  pip install 'ablate\[onnx\]'"):
        export(trial(tmp_path), SOURCE, kind="onnx", folder=tmp_path / "other")
    description = (model / "model.json").read_text().replace('"safetensors"', '"onnx"')
    (model / "model.json").write_text(description)
    (model / "model.safetensors").rename(model / "model.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    picture = write_pictures(np.zeros((1, 8, 8, 1), np.uint8), tmp_path / "pictures")[0]
    with pytest.raises(
        ModelError, match=r"onnxruntime, which runs it, is not installed\n  pip install 'ablate\[onnx\]'"
    ):
        run("verify", model, picture, picture)


@pytest.mark.slow  # exports ONNX, and starts a process
def test_an_onnx_model_runs_without_torch_study_ray_mlflow_and_optuna(runs: Path, tmp_path: Path) -> None:
    run("export", runs / "made-up", "--format", "onnx", "--output", tmp_path / "model")
    content = (tmp_path / "model" / "model.onnx").read_bytes()
    assert b"/ablate/" not in content and b"stack_trace" not in content  # paths of this machine
    write_pictures(validation(best_spec(runs))[0], tmp_path / "pictures")
    shutil.copytree(tmp_path / "model", tmp_path / "elsewhere" / "model")
    program = (
        "import sys\nfrom ablate.cli import app\n"
        "app(['nearest', 'elsewhere/model', 'pictures/000.png', 'pictures'], standalone_mode=False)\n"
        "app(['embed', 'elsewhere/model', 'pictures', '--output', 'all.parquet'], standalone_mode=False)\n"
        "heavy = ('torch', 'ray', 'mlflow', 'optuna', 'sklearn', 'scipy')\n"
        "print('loaded', [name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded []"
    assert (tmp_path / "nearest.png").exists() and (tmp_path / "all.parquet").exists()
