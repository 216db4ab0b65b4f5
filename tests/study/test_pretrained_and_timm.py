"""Names of timm and the parameter `pretrained` in study files."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from ablate.errors import StoreError, StudyError
from ablate.store.folder import StudyFolder
from ablate.study.configuration import Component
from ablate.study.domain import Choice, Fixed
from ablate.study.json_schema import study_json_schema
from ablate.study.load import parse_study
from ablate.study.study import Study
from ablate.study.yaml_lines import parse

pytest.importorskip("timm", reason="the extra ablate[timm] is not installed")


def text(backbone: str, ablation: str = "") -> str:
    space = f"{{backbone: {backbone}, loss: triplet, batch: {{classes: 4}}}}"
    return f"study: s\ndata: {{name: digits}}\nspace: {space}\n{ablation}"


def study(backbone: str, ablation: str = "") -> Study:
    return parse_study(text(backbone, ablation), "f.yaml")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("timm:resnet10t", {"timm:resnet10t": {"pretrained": Fixed(False)}}),
        ("[conv4, timm:resnet10t]", {"conv4": {}, "timm:resnet10t": {"pretrained": Fixed(False)}}),
        ("{timm:resnet10t: {pretrained: false}}", {"timm:resnet10t": {"pretrained": Fixed(False)}}),
        ("{timm:resnet10t: }", {"timm:resnet10t": {"pretrained": Fixed(False)}}),
        ("{resnet18: {pretrained: true}}", {"resnet18": {"pretrained": Fixed(True)}}),
        ("{resnet18: {pretrained: w/r.pth}}", {"resnet18": {"pretrained": Fixed("w/r.pth")}}),
        (
            "{resnet18: {pretrained: [true, false, r.pth]}}",
            {"resnet18": {"pretrained": Choice((True, False, "r.pth"))}},
        ),
    ],
)
def test_every_way_to_write_them_is_read_and_marked_sound_by_an_editor(written: str, expected: object) -> None:
    assert study(written).space.slots["backbone"] == expected
    jsonschema.Draft202012Validator(study_json_schema()).validate(parse(text(written), "f.yaml").tree)


@pytest.mark.parametrize(
    ("written", "what", "mend"),
    [
        ("timm:resnet10", "backbone 'timm:resnet10' is not registered", "did you mean 'timm:resnet10t'?"),
        ("[mlp, timm:resnet10]", "backbone 'timm:resnet10' is not registered", "did you mean 'timm:resnet10t'?"),
        ("{timm:resnet10: {}}", "backbone 'timm:resnet10' is not registered", "did you mean 'timm:resnet10t'?"),
        ("{timm:resnet10t: {pretraind: true}}", "resnet10t.pretraind: nothing reads this key", "'pretrained'?"),
        ("{timm:resnet10t: {pretrained: 3}}", "3 is not true, false or text", "write true, false or text"),
        ("{resnet18: {pretrained: 1.5}}", "1.5 is not true, false or text", "write true, false or text"),
        ("{resnet18: {pretrained: {uniform: [0, 1]}}}", "uniform does not draw", "[first, second, ...]"),
    ],
)
def test_a_mistake_is_one_fault_with_its_mend(written: str, what: str, mend: str) -> None:
    with pytest.raises(StudyError) as caught:
        study(written)
    (fault,) = caught.value.faults
    assert what in fault.what and mend in fault.mend


def test_models_of_timm_are_levels_of_a_factor() -> None:
    factors = "{backbone: [conv4, timm:resnet10t], embedding_dim: [4, 8]}"
    ablation = study("conv4", f"ablation: {{design: grid, factors: {factors}, seeds: 2}}").ablation
    assert ablation is not None
    assert [arm.name for arm in ablation.arms][:3:2] == [
        "backbone=conv4 embedding_dim=4",
        "backbone=timm:resnet10t embedding_dim=4",
    ]
    expected = Component("timm:resnet10t", {"pretrained": False})
    assert ablation.spaces["backbone=timm:resnet10t embedding_dim=4"].first().backbone == expected


def test_pretrained_can_be_left_out() -> None:
    ablation = "ablation: {design: leave_one_out, factors: {backbone.pretrained: , sampler: }, seeds: 2}"
    sampled = text("{resnet18: {pretrained: true}}", ablation).replace("loss:", "sampler: semi_hard, loss:")
    arms = parse_study(sampled, "f.yaml").ablation
    assert arms is not None and "without backbone.pretrained" in [arm.name for arm in arms.arms]


def test_a_study_goes_on_only_with_the_weights_that_it_began_with(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(b"one")
    folder = StudyFolder(tmp_path / "runs" / "s")
    begun = study(f"{{resnet18: {{pretrained: [false, {path}]}}}}")
    folder.path.mkdir(parents=True)
    folder.describe(begun)
    folder.check(begun)
    path.write_bytes(b"another")
    with pytest.raises(StoreError, match=f"weights resnet18 pretrained={path}: was "):
        folder.check(begun)
    meaning = json.loads(folder.description.read_text())["meaning"]
    assert len([key for key in meaning if key.startswith("weights ")]) == 1
