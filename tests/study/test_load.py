"""A study file is taken as it is meant or refused with everything that is wrong with it, each with line and mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablate.errors import StudyError
from ablate.study.domain import Choice, Domain, Fixed, Uniform
from ablate.study.load import load_study, parse_study
from ablate.study.study import Study
from tests.study.sound import TEXT, edited, faults_in


def test_a_sound_file_is_a_typed_study() -> None:
    study = parse_study(TEXT, "f.yaml")
    assert isinstance(study, Study)
    assert (study.name, study.space.epochs, study.seed) == ("faces", 10, 1)
    assert (study.objective.metric, study.objective.goal) == ("val/auc", "maximize")
    assert study.space.domains["loss.triplet.margin"] == Fixed(0.2)
    assert study.space.domains["optimizer.adam.lr"] == Fixed(1e-4)
    assert study.space.domains["optimizer.adam.weight_decay"] == Fixed(0.0)  # the builder's own


def test_the_image_size_is_that_of_the_space_or_of_the_data_or_the_data_sets_own() -> None:
    own, data = parse_study(TEXT, "f.yaml"), parse_study(edited(("digits,", "digits, image_size: 12,")), "f.yaml")
    fixed = parse_study(edited(("backbone: mlp", "backbone: mlp\n  image_size: 12")), "f.yaml")
    choice = parse_study(edited(("backbone: mlp", "backbone: mlp\n  image_size: [16, 12]")), "f.yaml")
    assert [study.space.image_size for study in (own, data, fixed, choice)] == [
        Fixed(8),
        Fixed(12),
        Fixed(12),
        Choice((16, 12)),
    ]
    assert choice.space.image_sizes == [12, 16]
    assert data.meaning == fixed.meaning, "the same size, wherever it is written, is the same study"
    assert len({str(study.meaning) for study in (own, data, choice)}) == 3


def test_what_the_file_does_not_name_is_as_if_there_were_no_such_key() -> None:
    domains = parse_study(TEXT, "f.yaml").space.domains
    assert (domains["augmentation"], domains["normalize"]) == (Fixed("none"), Fixed(True))
    assert domains["backbone.mlp.batch_norm"] == Fixed(True)


@pytest.mark.parametrize(
    ("line", "name", "domain"),
    [
        ("normalize: [true, false]", "normalize", Choice((True, False))),
        ("normalize: false", "normalize", Fixed(False)),
        ("augmentation: [none, flip]", "augmentation", Choice(("none", "flip"))),
        ("augmentation: {none: {}, shift: }", "augmentation.shift.fraction", Uniform(0.05, 0.2)),
        ("augmentation: {erasing: {fraction: [0.2, 0.4]}}", "augmentation.erasing.fraction", Choice((0.2, 0.4))),
    ],
)
def test_normalisation_and_augmentation_are_varied_like_anything_else(line: str, name: str, domain: Domain) -> None:
    text = edited(("embedding_dim: 16", f"embedding_dim: 16\n  {line}"))
    study = parse_study(text, "f.yaml")
    assert study.space.domains[name] == domain
    assert study.meaning != parse_study(TEXT, "f.yaml").meaning


def test_a_component_with_nothing_given_searches_its_default_space() -> None:
    study = parse_study(edited(("{triplet: {margin: 0.2}}", "{triplet: , contrastive: {}}")), "f.yaml")
    assert study.space.domains["loss.triplet.margin"] == Uniform(0.05, 1.0)
    assert study.space.domains["loss.contrastive.margin"] == Fixed(1.0)


@pytest.mark.parametrize(
    ("protocol", "metric"),
    [("closed", "val/recall_at_1"), ("retrieval", "val/recall_at_1"), ("verification", "val/auc")],
)
def test_the_default_objective_is_one_that_the_protocol_reports(protocol: str, metric: str) -> None:
    text = edited(("protocol: closed", f"protocol: {protocol}"), ("objective: {metric: val/auc}\n", ""))
    assert parse_study(text.replace("classes: 10", "classes: 4"), "f.yaml").objective.metric == metric


@pytest.mark.parametrize("change", ["\ufeff{}", "crlf"])
def test_a_file_from_windows_is_the_same_study(tmp_path: Path, change: str) -> None:
    text = TEXT.replace("\n", "\r\n") if change == "crlf" else change.format("") + TEXT
    path = tmp_path / "f.yaml"
    path.write_bytes(text.encode())
    assert load_study(path).name == "faces"


FIVE = """study: five
data: {name: digits, protocol: closed, image_size: large}
space:
  bakcbone: mlp
  loss: [tripelt, contrastive]
  batch: {classes: 5000}
search: {stopping: {}}
"""


def test_five_mistakes_are_told_in_one_go_from_the_top_down() -> None:
    """A typo in a key, a wrong type, an unknown loss, a missing field, an impossible batch."""
    faults = faults_in(FIVE)
    assert [(fault.where, fault.what.partition(":")[0]) for fault in faults] == [
        ("f.yaml:2", "data.image_size"),
        ("f.yaml:4", "space.bakcbone"),
        ("f.yaml:5", "space.loss"),
        ("f.yaml:6", "space.batch.classes is 5000, but the training split has only 10 classes"),
        ("f.yaml:7", "search.stopping.asha"),
    ]
    assert all(fault.mend for fault in faults)


def test_what_is_below_a_misspelled_key_is_checked_too() -> None:
    text = edited(("search: {trials: 5", "serach: {trials: 0"), ("triplet: {margin: 0.2}", "tripelt: {margin: 9}"))
    assert [fault.what.partition(":")[0] for fault in faults_in(text)] == [
        "space.loss.tripelt",
        "space.loss.triplet.margin",
        "serach",
        "search.trials",
    ]


def test_data_written_as_a_name_alone_is_understood_and_mended() -> None:
    text = edited(("{name: digits, protocol: closed}", "digits"), ("classes: 10", "classes: 4"))
    assert [str(fault) for fault in faults_in(text)] == [
        "f.yaml:3: data: 'digits' is not a mapping\n  write data: {name: digits}"
    ]


@pytest.mark.parametrize("space", ["", "[]", "big", "5"])
def test_a_space_that_is_no_mapping_is_one_fault(space: str) -> None:
    faults = faults_in(f"study: s\ndata: {{name: digits}}\nspace: {space}\n")
    assert [fault.where for fault in faults] == ["f.yaml:3"]


def test_an_empty_space_misses_its_two_required_slots() -> None:
    faults = faults_in("study: s\ndata: {name: digits, protocol: closed}\nspace: {batch: {classes: 4}}\n")
    assert [fault.what for fault in faults] == ["space: there is no backbone", "space: there is no loss"]


def test_text_that_is_no_yaml_is_one_fault() -> None:
    assert [fault.where for fault in faults_in("study: s\ndata: {name: [}\n")] == ["f.yaml:2"]


def test_paths_that_cannot_be_read_are_refused_with_what_may_be_meant(tmp_path: Path) -> None:
    (tmp_path / "quickstart.yaml").write_text(TEXT)
    (tmp_path / "binary.yaml").write_bytes(b"study: \x80\x00\xff")
    wanted = {
        "quickstrt.yaml": f"cannot be read: no such file or directory\n  did you mean '{tmp_path}/quickstart.yaml'?",
        "": "cannot be read: is a directory\n  there are: ",
        "quickstart.yaml/below": "cannot be read: not a directory",
        "binary.yaml": "this is no text: the byte 0x80 at 7 is no UTF-8",
    }
    for name, words in wanted.items():
        with pytest.raises(StudyError) as caught:
            load_study(tmp_path / name)
        assert words in str(caught.value), caught.value
