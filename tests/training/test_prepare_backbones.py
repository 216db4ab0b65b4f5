"""Weights of backbones are there, and right, before a study starts; else nothing does."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ablate.catalogue.backbones import BACKBONES, ImageShape, weights
from ablate.catalogue.backbones.weights import PUBLISHED, hub_folder
from ablate.engine.options import Options
from ablate.engine.run import run_study
from ablate.errors import DataError
from ablate.study.load import parse_study
from ablate.study.study import Study
from ablate.training import prepare_backbones as module
from ablate.training.prepare_backbones import prepare_backbones
from tests.catalogue.backbones.published import publish, save


@pytest.fixture(autouse=True)
def own_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder of torch.hub, and no network."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(module, "ADDRESS", (tmp_path / "server").as_uri())


def study(backbone: str, ablation: str = "") -> Study:
    space = f"{{backbone: {backbone}, loss: triplet, batch: {{classes: 4}}, image_size: [8, 33]}}"
    if ablation:
        space = space.replace("[8, 33]", "8")
    return parse_study(f"study: s\ndata: {{name: digits}}\nspace: {space}\n{ablation}", "f.yaml")


def test_without_pretrained_and_timm_torch_is_not_even_imported() -> None:
    code = (
        "import sys; from ablate.study.load import parse_study\n"
        "from ablate.training.prepare_backbones import prepare_backbones\n"
        "text = 'study: s\\ndata: {name: digits}\\nspace: {backbone: [mlp, resnet18], loss: triplet, batch: {classes: 4}}'\n"
        "prepare_backbones(parse_study(text, 'f.yaml')); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_weights_that_are_there_are_left_as_they_are(tmp_path: Path) -> None:
    state = publish("resnet18")
    prepare_backbones(study("{resnet18: {pretrained: [true, false]}}"))
    found: dict[str, Tensor] = torch.load(hub_folder() / PUBLISHED["resnet18"], weights_only=True)
    assert all(torch.equal(found[name], state[name]) for name in state)


def test_weights_that_are_missing_are_downloaded_once_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = tmp_path / "server"
    server.mkdir()
    save("resnet18", server / "sent.pth")
    digest = hashlib.sha256((server / "sent.pth").read_bytes()).hexdigest()
    monkeypatch.setitem(PUBLISHED, "resnet18", f"resnet18-{digest[:8]}.pth")
    (server / "sent.pth").rename(server / PUBLISHED["resnet18"])
    prepare_backbones(study("{resnet18: {pretrained: true}}"))
    (server / PUBLISHED["resnet18"]).unlink()
    prepare_backbones(study("{resnet18: {pretrained: true}}"))
    assert BACKBONES["resnet18"].build(ImageShape(3, 33), pretrained=True).num_features == 512


def test_a_download_that_is_not_what_its_name_says_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / PUBLISHED["resnet18"]).write_bytes(b"something else")
    with pytest.raises(DataError, match=r"the download failed: invalid hash value \(expected \"f37072fd\""):
        prepare_backbones(study("{resnet18: {pretrained: true}}"))
    assert list(hub_folder().iterdir()) == []


def test_without_network_the_error_says_which_file_goes_where() -> None:
    with pytest.raises(DataError) as caught:
        prepare_backbones(study("{mlp: {}, resnet18: {pretrained: true}}"))
    first, failed, mend = str(caught.value).splitlines()
    assert first == f"backbone resnet18: the pretrained weights {hub_folder() / PUBLISHED['resnet18']} are not there"
    assert failed.startswith("  the download failed: <urlopen error")
    assert mend.startswith(f"  put {weights.ADDRESS}/resnet18-f37072fd.pth there, or set TORCH_HOME")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"the download failed: .*Not a directory"):
        prepare_backbones(study("{resnet18: {pretrained: true}}"))


@pytest.mark.parametrize(
    "text",
    [
        "{resnet18: {pretrained: [false, weights.pth]}}",
        "{vgg16: {batch_norm: [true, false], pretrained: weights.pth}}",
        "{timm:resnet10t: {pretrained: weights.pth}}",
    ],
)
def test_a_path_that_leads_nowhere_is_refused(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=f"the pretrained weights {tmp_path}/weights.pth are not there"):
        prepare_backbones(study(text))


def test_a_level_of_an_ablation_is_prepared_too() -> None:
    def prepare(factors: str) -> None:
        prepare_backbones(study("resnet18", f"ablation: {{design: grid, factors: {factors}, seeds: 2}}"))

    with pytest.raises(DataError, match=r"/nowhere/w\.pth are not there"):
        prepare("{backbone.pretrained: [false, /nowhere/w.pth]}")
    prepare("{embedding_dim: [4, 8]}")


def test_a_model_of_timm_that_takes_no_such_images_is_refused() -> None:
    with pytest.raises(DataError, match="timm:densenet121 takes no images of 8 pixels"):
        prepare_backbones(study("timm:densenet121"))


def test_a_study_with_wrong_weights_ends_before_anything_is_started_or_written(tmp_path: Path) -> None:
    save("mobilenet_v3_small", tmp_path / "w.pth")
    with pytest.raises(DataError, match=r"w\.pth holds the weights of another network"):
        run_study(
            study(f"{{resnet18: {{pretrained: {tmp_path / 'w.pth'}}}}}"),
            Options(
                tmp_path / "data", tmp_path / "runs", None, 1, None, None, False, True, False, True, lambda folder: {}
            ),
        )
    assert not (tmp_path / "runs").exists()
