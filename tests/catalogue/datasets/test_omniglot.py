"""Omniglot: real drawings against Pillow, small drawn ones for what can go wrong."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ablate.catalogue.datasets.omniglot import Omniglot
from ablate.errors import DataError

ROOT = Path(os.environ.get("ABLATE_DATA", "/nonexistent"))


@pytest.fixture
def omniglot_excerpt(tmp_path: Path) -> tuple[Path, Omniglot]:
    """Real drawings, 2 characters x 20, packed as the two zips."""
    if not (ROOT / "omniglot").is_dir():
        pytest.skip("set ABLATE_DATA to a folder with omniglot")
    md5s = {}
    (tmp_path / "omniglot").mkdir()
    for part, stem in (("train", "images_background"), ("test", "images_evaluation")):
        source = Omniglot().find(ROOT)[part].path
        target = tmp_path / "omniglot" / f"{stem}.zip"
        with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as copy:
            for name in sorted(archive.namelist())[:40]:
                copy.writestr(name, archive.read(name))
        md5s[part] = (md5(target),)
    return tmp_path, Omniglot(md5s)


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def test_omniglot_is_what_pillow_reads_with_bright_ink_on_black(omniglot_excerpt: tuple[Path, Omniglot]) -> None:
    root, dataset = omniglot_excerpt
    parts = dataset.decode(root, 105)
    with zipfile.ZipFile(root / "omniglot" / "images_background.zip") as archive:
        for index, name in enumerate(sorted(archive.namelist())):
            white = np.asarray(Image.open(io.BytesIO(archive.read(name))))
            assert np.array_equal(parts["train"].images[index, ..., 0], np.where(white, 0, 255))
    assert parts["train"].images.mean() < 64
    assert parts["train"].labels.tolist() == [0] * 20 + [1] * 20
    assert parts["test"].labels.tolist() == [2] * 20 + [3] * 20


def test_shrinking_omniglot_keeps_the_amount_of_ink(omniglot_excerpt: tuple[Path, Omniglot]) -> None:
    root, dataset = omniglot_excerpt
    large, small = (dataset.decode(root, size)["train"].images.mean(axis=(1, 2, 3)) for size in (105, 28))
    # nearest-neighbour sampling, which breaks strokes, is off by up to 20 % on these drawings
    np.testing.assert_allclose(small, large, rtol=0.01)


def test_unpacked_omniglot_folder_with_a_drawing_missing_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "omniglot-py" / "images_background" / "Greek" / "character01"
    folder.mkdir(parents=True)
    Image.new("1", (105, 105), 1).save(folder / "0001_01.png")
    with pytest.raises(DataError, match="images_background holds 1 images of 1 characters, expected 19280 of 964"):
        Omniglot().find(tmp_path)


class SmallOmniglot(Omniglot):
    num_classes: Mapping[str, int] = {"train": 2, "test": 2}


def draw_small_omniglot(root: Path) -> None:
    for stem in ("images_background", "images_evaluation"):
        for character in ("character01", "character02"):
            folder = root / "omniglot-py" / stem / "Greek" / character
            folder.mkdir(parents=True)
            for drawer in range(20):
                drawing = Image.new("1", (105, 105), 1)
                ImageDraw.Draw(drawing).line((10, 10, 20 + 4 * drawer, 90), fill=0, width=3)
                drawing.save(folder / f"0001_{drawer:02}.png")


def test_unpacked_omniglot_folder_reads_as_the_zip_does(tmp_path: Path) -> None:
    draw_small_omniglot(tmp_path)
    unpacked = SmallOmniglot().decode(tmp_path, 28)
    folder = tmp_path / "omniglot-py"
    md5s = {}
    for part, stem in (("train", "images_background"), ("test", "images_evaluation")):
        with zipfile.ZipFile(folder / f"{stem}.zip", "w") as archive:
            for png in sorted((folder / stem).rglob("*.png"), reverse=True):
                archive.write(png, png.relative_to(folder))
        md5s[part] = (md5(folder / f"{stem}.zip"),)
    zipped = SmallOmniglot(md5s).decode(tmp_path, 28)
    for part in ("train", "test"):
        assert np.array_equal(zipped[part].images, unpacked[part].images)
        assert np.array_equal(zipped[part].labels, unpacked[part].labels)
        assert zipped[part].names == unpacked[part].names
    assert unpacked["train"].names == {0: "Greek 01", 1: "Greek 02"}
    assert unpacked["test"].names == {2: "Greek 01", 3: "Greek 02"}, "numbers go on, alphabets are others"


def test_unpacked_omniglot_gets_another_digest_when_a_drawing_changes(tmp_path: Path) -> None:
    draw_small_omniglot(tmp_path)
    before = SmallOmniglot().find(tmp_path)["train"].digest
    Image.new("1", (105, 105), 0).save(tmp_path / "omniglot-py/images_background/Greek/character01/0001_03.png")
    assert SmallOmniglot().find(tmp_path)["train"].digest != before


def test_a_broken_png_is_named(tmp_path: Path) -> None:
    draw_small_omniglot(tmp_path)
    broken = tmp_path / "omniglot-py/images_background/Greek/character02/0001_07.png"
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(DataError, match=r"images_background/Greek/character02/0001_07\.png"):
        SmallOmniglot().decode(tmp_path, 28)


def test_a_damaged_zip_member_is_named(omniglot_excerpt: tuple[Path, Omniglot]) -> None:
    root, dataset = omniglot_excerpt
    path = root / "omniglot" / "images_background.zip"
    with zipfile.ZipFile(path) as archive:
        member = archive.infolist()[7]
    content = bytearray(path.read_bytes())
    content[member.header_offset + 30 + len(member.filename) + 50] ^= 0xFF
    path.write_bytes(content)
    damaged = Omniglot({**dataset.md5s, "train": (md5(path),)})  # as if the damage had the right checksum
    with pytest.raises(DataError, match=f"images_background.zip, member {member.filename} cannot be read"):
        damaged.decode(root, 28)


def test_a_truncated_zip_is_refused_by_its_checksum_and_named(omniglot_excerpt: tuple[Path, Omniglot]) -> None:
    root, dataset = omniglot_excerpt
    path = root / "omniglot" / "images_evaluation.zip"
    expected = md5(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError) as refusal:
        dataset.find(root, download=True)
    assert f"{path} is damaged or another file: its MD5 is {md5(path)}, expected {expected}" in str(refusal.value)
    assert "delete it and run again" in str(refusal.value)
