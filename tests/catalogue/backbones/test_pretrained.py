"""Pretrained weights: which layers begin with them, for which images; and files that hold something else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ablate.catalogue.backbones import BACKBONES, ImageShape, takes_books
from ablate.errors import DataError
from tests.catalogue.backbones.published import NETWORKS, publish, save

LARGE, SMALL, TINY = 65, 64, 32
PRETRAINED = [entry.name for entry in BACKBONES if "pretrained" in entry.parameters and not takes_books(entry)]


@pytest.fixture(autouse=True)
def own_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def network_of(backbone: str) -> str:
    return "vgg16_bn" if backbone == "vgg16" else backbone


def test_six_backbones_can_begin_with_weights() -> None:
    assert {network_of(name) for name in PRETRAINED} == NETWORKS.keys() - {"vgg16"}


@pytest.mark.parametrize("backbone", [name for name in PRETRAINED if name != "vgg16"])
def test_without_its_classifier_the_network_computes_what_torchvisions_does(backbone: str) -> None:
    """At a size from which the stem is torchvision's; the features are what its classifier sees."""
    state = publish(backbone)
    ours = BACKBONES[backbone].build(ImageShape(3, LARGE), pretrained=True).module.eval()
    theirs = NETWORKS[backbone]().eval()
    theirs.load_state_dict(state)
    setattr(theirs, "fc" if "resnet" in backbone else "classifier", nn.Identity())
    images = torch.randn(2, 3, LARGE, LARGE)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images))


@pytest.mark.slow
@pytest.mark.parametrize("batch_norm", [True, False])
def test_vgg_computes_the_mean_of_torchvisions_last_feature_map(batch_norm: bool) -> None:
    """Slow: the classifier that is not used has half a gigabyte."""
    network = "vgg16_bn" if batch_norm else "vgg16"
    state = publish(network)
    ours = BACKBONES["vgg16"].build(ImageShape(3, LARGE), pretrained=True, batch_norm=batch_norm).module.eval()
    theirs = NETWORKS[network]().eval()
    theirs.load_state_dict(state)
    images = torch.randn(2, 3, LARGE, LARGE)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs.features(images).mean(dim=(2, 3)))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("backbone", "size", "drawn"),
    [
        ("resnet18", SMALL, set()),
        ("resnet18", TINY, {"conv1.weight"}),
        ("mobilenet_v3_small", SMALL, set()),
        ("mobilenet_v3_small", TINY, set()),
    ],
)
def test_small_images_keep_every_layer_but_the_stem_of_another_shape(backbone: str, size: int, drawn: set[str]) -> None:
    state = publish(backbone)
    module = BACKBONES[backbone].build(ImageShape(3, size), pretrained=True).module
    own = module.state_dict()
    assert {name for name in own if not torch.equal(own[name], state[name])} == drawn
    assert set(state) - set(own) == {name for name in state if name.startswith(("fc.", "classifier."))}


@pytest.mark.parametrize("backbone", ["resnet18", "efficientnet_b0"])
def test_a_grey_image_has_the_features_of_the_same_picture_in_three_equal_channels(backbone: str) -> None:
    publish(backbone)
    grey, colour = (BACKBONES[backbone].build(ImageShape(c, SMALL), pretrained=True).module.eval() for c in (1, 3))
    images = torch.randn(2, 1, SMALL, SMALL)
    with torch.no_grad():
        torch.testing.assert_close(grey(images), colour(images.expand(-1, 3, -1, -1)), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_of_ones_own_is_named_by_its_path(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine{suffix}"
    state = save("resnet18", path)
    if suffix == ".safetensors":
        save_file({name: tensor for name, tensor in state.items() if not name.startswith("fc.")}, path)
    own = BACKBONES["resnet18"].build(ImageShape(3, SMALL), pretrained=str(path)).module.state_dict()
    assert all(torch.equal(own[name], state[name]) for name in own)


def test_old_files_without_counters_of_batches_are_read(tmp_path: Path) -> None:
    path = tmp_path / "old.pth"
    state = save("resnet18", path)
    torch.save({name: tensor for name, tensor in state.items() if "num_batches" not in name}, path)
    own = BACKBONES["resnet18"].build(ImageShape(3, SMALL), pretrained=str(path)).module.state_dict()
    assert torch.equal(own["layer4.1.bn2.running_var"], state["layer4.1.bn2.running_var"])


def test_on_the_meta_device_no_file_is_needed() -> None:
    with torch.device("meta"):
        module = BACKBONES["resnet18"].build(ImageShape(3, SMALL), pretrained=True).module
    assert next(module.parameters()).is_meta


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        BACKBONES["resnet18"].build(ImageShape(3, SMALL), pretrained=str(path))
    return str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    said = refusal(tmp_path / "resnet18.pth")
    assert f"backbone resnet18: the pretrained weights {tmp_path / 'resnet18.pth'} are not there\n" in said
    assert "write the path of a state dict in `pretrained`" in said


def test_the_weights_of_another_network_are_told_by_what_differs(tmp_path: Path) -> None:
    state = save("resnet18", tmp_path / "r.pth")
    del state["bn1.weight"]
    state |= {"stem.weight": torch.zeros(3), "layer1.0.conv1.weight": torch.zeros(2, 3), "fc.weight": torch.zeros(1)}
    torch.save(state, tmp_path / "r.pth")
    said = refusal(tmp_path / "r.pth")
    assert "it lacks bn1.weight; it has what is not in it, stem.weight; it has of another shape" in said
    assert "layer1.0.conv1.weight (2x3, not 64x64x3x3)\n" in said
    assert "fc.weight" not in said
    save("mobilenet_v3_small", tmp_path / "m.pth")
    # 20 convolutions, each with 4 tensors of batch norm beside its counter; two are named
    assert "it lacks conv1.weight, bn1.weight and 98 more" in refusal(tmp_path / "m.pth")


@pytest.mark.parametrize("content", [b"", b"not a file of torch", b"PK\x03\x04 cut short"])
def test_what_is_no_file_of_weights_is_told(tmp_path: Path, content: bytes) -> None:
    for name in ("r.pth", "r.safetensors"):
        (tmp_path / name).write_bytes(content)
        said = refusal(tmp_path / name)
        assert said.startswith(f"{tmp_path / name} cannot be read as weights (") and "torch.save(" in said


def test_a_checkpoint_with_more_than_weights_is_told_what_it_holds(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "model": {"conv1.weight": torch.zeros(1)}}, tmp_path / "r.pth")
    assert "holds no state dict, but a dictionary of epoch, model\n" in refusal(tmp_path / "r.pth")
    torch.save([torch.zeros(1)], tmp_path / "r.pth")
    assert "holds no state dict, but a list\n" in refusal(tmp_path / "r.pth")
    (tmp_path / "folder").mkdir()
    assert "are not there" in refusal(tmp_path / "folder")
