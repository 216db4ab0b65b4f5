"""Models of timm, by their name there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ablate.catalogue.backbones import BACKBONES, ImageShape, timm_names
from ablate.catalogue.backbones.timm_names import timm_names as names
from ablate.catalogue.backbones.weights import missing, rests_on, weights_file
from ablate.catalogue.registry import Registry
from ablate.errors import DataError, UnknownComponent

timm = pytest.importorskip("timm", reason="the extra ablate[timm] is not installed")
IMAGE = ImageShape(3, 64)


def test_the_names_are_those_that_timm_lists() -> None:
    assert names() == sorted(timm.list_models()) and len(names() or ()) > 1000


def test_a_model_is_found_by_its_name_and_takes_the_parameters_of_the_others() -> None:
    entry = BACKBONES["timm:resnet10t"]
    assert "timm:resnet10t" in BACKBONES and "timm:resnet10t" not in BACKBONES.names
    assert entry.summary.startswith("resnet10t as timm builds it") and list(entry.parameters) == ["pretrained"]
    assert rests_on("timm:resnet10t", {"pretrained": False}) == {"timm": timm.__version__}


@pytest.mark.parametrize(
    ("name", "meant"),
    [("timm:resnet10", "timm:resnet10t"), ("timm:resnet50.a1_in1k", "timm:resnet50"), ("resnet1", "resnet18")],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(UnknownComponent, match=f"backbone '{name}' is not registered\n  did you mean '{meant}'"):
        BACKBONES[name]


def test_all_names_are_told_with_how_to_name_those_of_timm() -> None:
    assert BACKBONES.near("x").endswith("vgg16, timm:NAME")


def test_without_timm_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm_names, "find_spec", lambda name: None)
    names.cache_clear()
    try:
        assert "timm:resnet10t" not in BACKBONES
        with pytest.raises(UnknownComponent, match=r"pip install 'ablate\[timm\]'"):
            BACKBONES["timm:resnet10t"]
    finally:
        names.cache_clear()


def test_a_family_has_no_say_in_names_without_its_prefix() -> None:
    made: Registry[object] = Registry("loss", "ablate.catalogue.costs")
    made.register_family("x:", known=lambda: ["a"], install="", source="")(lambda name: lambda: name)
    assert "x:a" in made and "a" not in made and "x:b" not in made and made["x:a"].build() == "a"


@pytest.mark.parametrize(("name", "size"), [("vit_tiny_patch16_224", 64), ("mobilenetv4_conv_small", 28)])
def test_models_for_one_size_are_made_for_ours_and_say_their_features(name: str, size: int) -> None:
    with torch.device("meta"):
        module, num_features = BACKBONES[f"timm:{name}"].build(ImageShape(1, size))
    assert module(torch.empty(2, 1, size, size, device="meta")).shape == (2, num_features)


def test_an_image_that_is_too_small_is_refused_with_its_size() -> None:
    with pytest.raises(DataError, match="backbone timm:inception_v3 takes no images of 28 pixels with 1 channels"):
        BACKBONES["timm:inception_v3"].build(ImageShape(1, 28))


@pytest.mark.parametrize("channels", [1, 3])
def test_weights_come_from_a_file_of_the_whole_model(tmp_path: Path, channels: int) -> None:
    model = timm.create_model("resnet10t")
    torch.save(model.state_dict(), tmp_path / "w.pth")
    torch.manual_seed(1)
    path = str(tmp_path / "w.pth")
    ours = BACKBONES["timm:resnet10t"].build(ImageShape(channels, 64), pretrained=path).module.eval()
    images = torch.randn(2, channels, 64, 64)
    model.reset_classifier(0)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), model.eval()(images.expand(-1, 3, -1, -1)), atol=1e-4, rtol=1e-3)


def test_the_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save(timm.create_model("resnet14t").state_dict(), path)
    with pytest.raises(DataError, match=r"timm:resnet10t: .*w\.pth does not hold its weights") as caught:
        BACKBONES["timm:resnet10t"].build(IMAGE, pretrained=str(path))
    assert "Unexpected key" in str(caught.value)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(DataError, match="does not hold its weights"):
        BACKBONES["timm:resnet10t"].build(IMAGE, pretrained=str(path))


def test_published_weights_are_those_in_the_cache_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    asked = weights_file("timm:resnet10t", True)
    assert asked is not None and tmp_path in asked.parents and not asked.exists()
    said = str(missing("timm:resnet10t", True, "no route"))
    assert "download https://huggingface.co/timm/resnet10t.c3_in1k/resolve/main/model.safetensors elsewhere" in said
    with pytest.raises(DataError, match=r"the pretrained weights .* are not there"):
        BACKBONES["timm:resnet10t"].build(IMAGE, pretrained=True)
    repository = tmp_path / "models--timm--resnet10t.c3_in1k"
    state = timm.create_model("resnet10t").state_dict()
    (repository / "snapshots" / "abc").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    save_file(state, repository / "snapshots" / "abc" / "model.safetensors")
    own = BACKBONES["timm:resnet10t"].build(IMAGE, pretrained=True).module.state_dict()
    assert len(own) == len(state) - 2 and all(torch.equal(own[name], state[name]) for name in own)


def test_a_model_without_published_weights_says_so() -> None:
    bare = next(name for name in timm.list_models("vit_*") if not timm.models.is_model_pretrained(name))
    with pytest.raises(DataError, match=f"backbone timm:{bare}: timm has no published weights"):
        weights_file(f"timm:{bare}", True)
