"""The digest of the data says when two trials may be compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from ablate.errors import DataError
from ablate.study.load import parse_study
from ablate.study.study import Study
from ablate.training import cache
from ablate.training.prepare import data_digest, describe_split, notes_on_data, open_data, prepare_data
from ablate.training.spec import DataSpec
from tests.training.trials import DIGITS


def test_the_digest_is_equal_exactly_where_images_and_split_are() -> None:
    first = data_digest(*open_data(DIGITS))
    assert first == data_digest(*open_data(DIGITS))
    others = [
        replace(DIGITS, seed=1),
        replace(DIGITS, image_size=10),
        replace(DIGITS, protocol="closed"),
        replace(DIGITS, val_fraction=0.4),
    ]
    assert len({first, *(data_digest(*open_data(other)) for other in others)}) == 1 + len(others)


@pytest.mark.parametrize("protocol", ["retrieval", "closed"])
def test_what_is_told_of_a_seeds_split_is_what_its_trials_get(protocol: str) -> None:
    spec = replace(DIGITS, protocol=protocol, test_seed=0)
    told = [describe_split(replace(spec, seed=seed)) for seed in (0, 1)]
    assert told[0]["digest"] == data_digest(*open_data(spec)) != told[1]["digest"], "a seed divides anew"
    assert told[0]["test"] == told[1]["test"], "and all are judged by the same"
    assert sum(told[0][split]["rows"] for split in ("train", "val", "test")) == 1797
    classes = [told[0][split]["classes"] for split in ("train", "val", "test")]
    if protocol == "closed":
        assert classes == [list("0123456789")] * 3
    else:
        assert sorted(name for each in classes for name in each) == list("0123456789"), "each class is in one split"
    assert json.loads(json.dumps(told)) == told


def prepared(sizes: str) -> tuple[DataSpec, str]:
    """The digits at some sizes, with the split of DIGITS."""
    space = f"{{backbone: mlp, loss: triplet, batch: {{classes: 4}}, image_size: {sizes}}}"
    return prepare_data(parse_study(f"study: s\ndata: {{name: digits}}\nspace: {space}\n", "f.yaml"), Path("/nowhere"))


def test_one_image_size_keeps_the_digest_of_its_data() -> None:
    assert prepared("8") == (DIGITS, data_digest(*open_data(DIGITS)))


def test_the_digest_covers_every_image_size_in_whatever_order_they_are_named() -> None:
    spec, digest = prepared("[12, 8]")
    assert spec == DIGITS, "what trials are told begins at the smallest size"
    assert prepared("[8, 12]")[1] == digest
    others = [prepared(sizes)[1] for sizes in ("8", "12", "[8, 10]", "[8, 10, 12]")]
    assert len({digest, *others}) == 5
    assert {len(each) for each in (digest, *others)} == {33}, "MLflow takes no more than 36"


def test_every_image_size_is_decoded_before_the_study_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLATE_CACHE", str(tmp_path))
    prepared("[8, 12]")

    def decode_no_more(*_: object) -> None:
        raise AssertionError("a trial would decode")

    monkeypatch.setattr(cache, "_build", decode_no_more)
    shapes = [open_data(replace(DIGITS, image_size=size))[0].parts["train"].images.shape for size in (8, 12)]
    assert shapes == [(1797, 8, 8, 1), (1797, 12, 12, 1)]


def folder_study(root: Path, classes: int, **data: str) -> Study:
    """Of an image folder with 10 classes of 2 pictures; 6 of them are for training."""
    for name in "abcdefghij":
        (root / "faces" / name).mkdir(parents=True, exist_ok=True)
        for number in range(2):
            Image.new("L", (9, 9), 20 * number).save(root / "faces" / name / f"{number}.png")
    keys = "".join(f", {key}: {value}" for key, value in data.items())
    text = f"study: s\ndata: {{name: image_folder, params: {{path: faces, channels: 1}}{keys}}}\n"
    return parse_study(f"{text}space: {{backbone: mlp, loss: triplet, batch: {{classes: {classes}}}}}\n", "f.yaml")


@pytest.mark.parametrize(
    ("data", "most"),
    [({}, 6), ({"rotate_classes": "true"}, 24), ({"mirror_classes": "true"}, 12), ({"val_fraction": "0.4"}, 5)],
)
def test_a_batch_of_more_classes_than_a_folder_has_is_refused_before_anything_starts(
    tmp_path: Path, data: dict[str, str], most: int
) -> None:
    prepare_data(folder_study(tmp_path, most, **data), tmp_path)
    with pytest.raises(DataError) as refusal:
        prepare_data(folder_study(tmp_path, most + 1, **data), tmp_path)
    assert str(refusal.value) == (
        f"space.batch.classes is {most + 1}, but the training split has only {most} classes\n  set it to {most} or less"
    )


def pictures(root: Path, counts: dict[str, int]) -> None:
    """So many in each folder below `faces`."""
    for name, count in counts.items():
        (root / "faces" / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.new("L", (9, 9), 20 * number).save(root / "faces" / name / f"{number}.png")


def test_a_test_part_in_which_nothing_can_be_judged_is_refused_before_anything_starts(tmp_path: Path) -> None:
    pictures(tmp_path, {f"train/{name}": 4 for name in "abcdefghij"} | {f"test/{name}": 1 for name in "klm"})
    with pytest.raises(DataError, match="the test split has 3 images of 3 classes: nothing could be judged there"):
        prepare_data(study_of_folder("batch: {classes: 4}"), tmp_path)


def test_a_seed_whose_split_cannot_be_judged_is_named_before_anything_starts(tmp_path: Path) -> None:
    """A third of 30 classes has too few pictures for 2 shots: some seeds draw too many of these for validation."""
    pictures(tmp_path, {f"{number:02}": 6 if number % 3 else 2 for number in range(30)})
    data, factors = "protocol: one_shot, ways: 3, shots: 2", "factors: {embedding_dim: [8, 16]}"
    few, many = (
        study_of_folder("batch: {classes: 4}", data=data, more=f"ablation: {{design: grid, {factors}, seeds: {seeds}}}")
        for seeds in ([0], 10)
    )
    prepare_data(few, tmp_path)
    with pytest.raises(DataError, match=r"^with seed \d, protocol 'one_shot' draws 3 classes"):
        prepare_data(many, tmp_path)


def study_of_folder(space: str, *, data: str = "protocol: retrieval", more: str = "") -> Study:
    text = f"study: s\ndata: {{name: image_folder, params: {{path: faces, channels: 1}}, {data}}}\n"
    return parse_study(f"{text}space: {{backbone: mlp, loss: triplet, {space}}}\n{more}", "f.yaml")


def test_what_was_left_out_of_the_data_can_be_told(tmp_path: Path) -> None:
    study = folder_study(tmp_path, 4, val_fraction="0.3")
    (tmp_path / "faces" / "b" / "1.png").unlink()
    spec, _ = prepare_data(study, tmp_path)
    assert notes_on_data(spec) == [
        f"{tmp_path}/faces: 1 class of the train part with fewer than 2 sound images left out"
    ]
    assert notes_on_data(DIGITS) == []
