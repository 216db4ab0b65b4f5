"""Files of weights: their names are torchvision's, their folder is torch.hub's, their digest is that of what is in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
import torchvision

from ablate.catalogue.backbones.weights import (
    ADDRESS,
    PUBLISHED,
    hub_folder,
    missing,
    network_of,
    rests_on,
    weights_digest,
    weights_file,
)


def test_the_files_are_those_of_torchvisions_default_weights() -> None:
    assert len(PUBLISHED) == 7
    for network, file in PUBLISHED.items():
        weights = torchvision.models.get_model_weights(network).DEFAULT
        assert f"{ADDRESS}/{file}" == weights.url


@pytest.mark.parametrize("variables", [{}, {"XDG_CACHE_HOME": "/cache"}, {"TORCH_HOME": "~/torch"}])
def test_the_folder_is_the_one_that_torch_hub_takes(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name in ("XDG_CACHE_HOME", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert hub_folder() == Path(torch.hub.get_dir()) / "checkpoints"


def test_vgg_with_and_without_batch_norm_are_two_networks() -> None:
    assert network_of("vgg16", {"batch_norm": True}) == "vgg16_bn"
    assert network_of("vgg16", {"batch_norm": False}) == "vgg16"
    assert network_of("resnet18", {}) == "resnet18"
    assert network_of("mlp", {"batch_norm": True}) is None


def test_a_path_is_taken_from_where_one_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert weights_file("resnet18", "weights/r.pth") == tmp_path / "weights" / "r.pth"
    assert weights_file("resnet18", str(tmp_path / "r.pth")) == tmp_path / "r.pth"
    assert weights_file("resnet18", False) is None


def test_what_is_missing_is_named_with_its_place_and_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", "/nowhere")
    assert str(missing("resnet18", True, "no route")) == (
        "backbone resnet18: the pretrained weights /nowhere/hub/checkpoints/resnet18-f37072fd.pth are not there\n"
        "  the download failed: no route\n"
        "  put https://download.pytorch.org/models/resnet18-f37072fd.pth there, or set TORCH_HOME; no network is needed then"
    )


def test_the_digest_is_that_of_the_content_whatever_the_name_and_the_time(tmp_path: Path) -> None:
    first, second = tmp_path / "first.pth", tmp_path / "second.pth"
    first.write_bytes(b"one")
    second.write_bytes(b"one")

    def digest(path: Path) -> str | None:
        return weights_digest("resnet18", {"pretrained": str(path)})

    before = digest(first)
    assert before is not None and len(before) == 16 and before == digest(second)
    assert rests_on("resnet18", {"pretrained": str(first)}) == {"weights": before}
    first.write_bytes(b"two")
    os.utime(first, ns=(0, 0))
    assert digest(first) not in (None, before)
    first.unlink()
    assert digest(first) is None


def test_without_weights_a_backbone_rests_on_no_file() -> None:
    assert rests_on("resnet18", {"pretrained": False}) == rests_on("mlp", {"width": 3}) == {}


def test_a_transformer_rests_on_all_that_is_read_of_its_folder(tmp_path: Path) -> None:
    def digest(name: str = str(tmp_path)) -> str | None:
        return weights_digest("distilbert", {"pretrained": name})

    assert digest() is None, "the folder is empty"
    for name in ("config.json", "model.safetensors", "README.md"):
        (tmp_path / name).write_text(name)
    found = [digest()]
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_text(f"another {name}")
        found.append(digest())
    assert None not in found and len(set(found)) == 3
    (tmp_path / "README.md").write_text("another text")
    assert digest() == found[-1], "no weights are in it"
    assert rests_on("distilbert", {"pretrained": str(tmp_path)}) == {"weights": found[-1]}
    assert rests_on("distilbert", {"pretrained": "none"}) == rests_on("distilbert", {}) == {}
    assert digest(str(tmp_path / "nowhere")) is None


def test_a_name_of_the_hub_rests_on_the_files_in_its_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "models--someone--tiny"
    snapshot = model / "snapshots" / "0a1b"
    snapshot.mkdir(parents=True)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("0a1b")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert weights_digest("distilbert", {"pretrained": "someone/tiny"}) is None
    for name in ("config.json", "model.safetensors"):
        (snapshot / name).write_text(name)
    assert weights_digest("distilbert", {"pretrained": "someone/tiny"}) == weights_digest(
        "distilbert", {"pretrained": str(snapshot)}
    )
