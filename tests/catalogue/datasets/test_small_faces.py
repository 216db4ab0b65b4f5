"""AT&T and Georgia Tech faces: real files, unpacked copies, and what is wrong with them."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.catalogue.datasets.att_faces import AttFaces
from ablate.catalogue.datasets.georgia_tech import GeorgiaTech
from ablate.errors import DataError

ROOT = Path(os.environ.get("ABLATE_DATA", "/nonexistent"))


@pytest.mark.skipif(not (ROOT / "att_faces/ORL.zip").is_file(), reason="set ABLATE_DATA to a folder with att_faces")
def test_att_faces_are_the_middle_squares_of_what_pillow_reads_in_the_zip() -> None:
    part = AttFaces().decode(ROOT, 92)["train"]
    assert part.labels.tolist() == [person for person in range(40) for _ in range(10)]
    with zipfile.ZipFile(ROOT / "att_faces/ORL.zip") as archive:
        for person, number in ((1, 1), (2, 10), (11, 3), (40, 7)):
            with archive.open(f"ORL/s{person}/{number}.pgm") as file:
                whole = np.asarray(Image.open(file))
            assert whole.shape == (112, 92)
            assert np.array_equal(part.images[(person - 1) * 10 + number - 1, ..., 0], whole[10:102])


def draw_att_faces(folder: Path) -> None:
    for person in range(1, 41):
        (folder / f"s{person}").mkdir(parents=True)
        for number in range(1, 11):
            Image.new("L", (92, 112), person).save(folder / f"s{person}" / f"{number}.pgm")


@pytest.mark.parametrize("place", ["att_faces", "att_faces/ORL", "orl_faces"])
def test_unpacked_att_faces_are_read_as_the_zip_is(tmp_path: Path, place: str) -> None:
    draw_att_faces(tmp_path / place)
    part = AttFaces().decode(tmp_path, 16)["train"]
    assert np.array_equal(part.images[:, 0, 0, 0], part.labels + 1)
    zipped = tmp_path / "zipped" / "att_faces" / "ORL.zip"
    zipped.parent.mkdir(parents=True)
    with zipfile.ZipFile(zipped, "w") as archive:
        for picture in (tmp_path / place).rglob("*.pgm"):
            archive.write(picture, f"ORL/{picture.relative_to(tmp_path / place)}")
    dataset = AttFaces(hashlib.md5(zipped.read_bytes()).hexdigest())
    again = dataset.decode(tmp_path / "zipped", 16)["train"]
    assert np.array_equal(again.images, part.images) and np.array_equal(again.labels, part.labels)


def test_att_faces_with_a_picture_missing_or_broken_are_refused(tmp_path: Path) -> None:
    draw_att_faces(tmp_path / "orl_faces")
    broken = tmp_path / "orl_faces" / "s7" / "3.pgm"
    broken.write_bytes(broken.read_bytes()[:100])
    with pytest.raises(
        DataError, match=r"orl_faces: 1 file cannot be decoded: s7/3.pgm \(.*\)\n  put the originals there"
    ):
        AttFaces().decode(tmp_path, 16)
    broken.unlink()
    with pytest.raises(DataError, match="holds 399 pictures, expected 10 of each of 40 people"):
        AttFaces().find(tmp_path)


def test_missing_att_faces_are_told_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"1 file is missing\n  {tmp_path}/att_faces/ORL.zip"):
        AttFaces().find(tmp_path)


@pytest.mark.skipif(not (ROOT / "gt_small/GT.mat").is_file(), reason="set ABLATE_DATA to a folder with gt_small")
def test_small_georgia_tech_is_the_middle_of_the_arrays_in_its_file() -> None:
    from scipy.io import loadmat

    content = loadmat(str(ROOT / "gt_small/GT.mat"))
    part = GeorgiaTech().decode(ROOT, 30)["train"]
    assert np.bincount(part.labels).tolist() == [15] * 50
    for index in (0, 14, 15, 749):
        assert np.array_equal(part.images[index, ..., 0], content["x"][5:35, :, index])
        assert part.labels[index] == content["label"][index, 0] - 1


def test_a_file_that_is_no_mat_file_or_another_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gt_small" / "GT.mat"
    path.parent.mkdir()
    path.write_bytes(b"no mat file at all, but some text that goes on for a while" * 10)
    with pytest.raises(DataError, match="damaged or another file"):
        GeorgiaTech().find(tmp_path)
    with pytest.raises(DataError, match=r"GT.mat cannot be decoded"):
        GeorgiaTech(1, hashlib.md5(path.read_bytes()).hexdigest()).decode(tmp_path, 30)
    from scipy.io import savemat

    savemat(str(path), {"x": np.zeros((3, 3, 3), np.uint8), "label": np.zeros(3)})
    with pytest.raises(DataError, match=r"its x is \(3, 3, 3\) of uint8, its label of 3"):
        GeorgiaTech(1, hashlib.md5(path.read_bytes()).hexdigest()).decode(tmp_path, 30)


@pytest.mark.parametrize("wrong", [1.5, 0, 51, -1, float("nan")])
def test_a_label_that_is_no_persons_number_is_refused(tmp_path: Path, wrong: float) -> None:
    from scipy.io import savemat

    path = tmp_path / "gt_small" / "GT.mat"
    path.parent.mkdir()
    people = np.repeat(np.arange(1.0, 51.0), 15)
    people[[3, 7]] = wrong
    savemat(str(path), {"x": np.zeros((40, 30, 750), np.uint8), "label": people})
    with pytest.raises(DataError, match=rf"\(2 of its labels are no whole numbers from 1 to 50, as {float(wrong)}\)"):
        GeorgiaTech(1, hashlib.md5(path.read_bytes()).hexdigest()).decode(tmp_path, 30)


def test_the_colour_originals_of_georgia_tech_are_read_where_they_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"750 pictures are missing in .*gt_db, the first s01/01\.jpg\n.*channels: 1"):
        GeorgiaTech(3).find(tmp_path)
    for person in range(1, 51):
        (tmp_path / "gt_db" / f"s{person:02}").mkdir(parents=True)
        for number in range(1, 16):
            Image.new("RGB", (64, 48), (person, 0, 0)).save(tmp_path / "gt_db" / f"s{person:02}" / f"{number:02}.jpg")
    part = GeorgiaTech(3).decode(tmp_path, 16)["train"]
    assert part.images.shape == (750, 16, 16, 3)
    assert np.bincount(part.labels).tolist() == [15] * 50
    np.testing.assert_allclose(part.images[:, 8, 8, 0].astype(int), part.labels + 1, atol=2)


def test_two_channels_are_no_picture() -> None:
    with pytest.raises(DataError, match="channels is 2"):
        GeorgiaTech(2)
