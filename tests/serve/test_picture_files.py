"""Picture files: found in their order, decoded by the data sets' own rules, and refused all at once."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.catalogue.datasets.omniglot import decode_png
from ablate.errors import AblateError, DataError
from ablate.serve.description import Preprocessing
from ablate.serve.model import normalised
from ablate.serve.picture_files import find_pictures, read_pictures, thumbnail
from tests.serve.models import run

GREY = Preprocessing(image_size=4, channels=1, mean=[0.5], std=[0.25], inverted=False)
COLOUR = Preprocessing(image_size=4, channels=3, mean=[0.5, 0.0, 1.0], std=[0.25, 1.0, 0.5], inverted=False)


def picture(path: Path, colour: tuple[int, int, int] | int, size: tuple[int, int] = (4, 4)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L" if isinstance(colour, int) else "RGB", size, colour).save(path)
    return path


def test_files_come_as_given_and_those_of_a_folder_by_name_at_any_depth(tmp_path: Path) -> None:
    made = [picture(tmp_path / name, 0) for name in ("b.png", "a/z.png", "c.png", "a/.hidden.png")]
    (tmp_path / "notes.txt").touch()
    assert find_pictures([made[2], tmp_path]) == [made[2], made[1], made[0], made[2]]


def test_grey_is_spread_and_colour_becomes_luma(tmp_path: Path) -> None:
    paths = [picture(tmp_path / "grey.png", 100), picture(tmp_path / "red.png", (200, 0, 0), (6, 4))]
    assert read_pictures(paths, GREY)[:, 0, 0, 0].tolist() == [100, round(0.299 * 200)]  # ITU-R BT.601
    assert read_pictures(paths, COLOUR)[:, 0, 0].tolist() == [[100] * 3, [200, 0, 0]]


def test_pictures_are_normalised_channel_by_channel() -> None:
    pixels = np.full((2, 4, 4, 3), 255, dtype=np.uint8)
    pixels[1] = 0
    batch = normalised(pixels, COLOUR)
    assert batch.shape == (2, 3, 4, 4) and batch.dtype == np.float32
    assert batch[:, :, 0, 0].tolist() == [[2.0, 1.0, 0.0], [-2.0, 0.0, -2.0]]


def test_omniglot_s_files_become_the_images_that_were_learned_from(data_root: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(data_root / "omniglot" / "images_evaluation.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))[::400]
        contents = [archive.read(name) for name in names]
    paths = [tmp_path / f"{number:03d}.png" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    inverted = GREY.model_copy(update={"inverted": True, "image_size": 28})
    wanted = np.stack([decode_png(content, 28, where="here") for content in contents])
    assert len(wanted) > 30
    # scaled, then inverted, where the data set inverts first: a value between two grey levels is rounded the other way
    assert np.abs(read_pictures(paths, inverted).astype(int) - wanted).max() <= 1


def test_everything_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        DataError, match=r"empty holds no picture \(.bmp, .*\)\n.*none.png is not there\n  name picture"
    ):
        find_pictures([tmp_path / "empty", tmp_path / "none.png"])


def test_everything_that_is_broken_is_named_at_once(tmp_path: Path) -> None:
    sound = picture(tmp_path / "sound.png", 9, (64, 64))
    cut, text = tmp_path / "cut.png", tmp_path / "text.png"
    cut.write_bytes(sound.read_bytes()[:60])
    text.write_text("no picture")
    with pytest.raises(
        DataError,
        match=r"2 files cannot be decoded as pictures: .*cut.png .*text.png \(no picture that Pillow can identify\)\n  mend",
    ):
        read_pictures([cut, sound, text], GREY)


def test_a_thumbnail_keeps_colours_and_is_not_enlarged(tmp_path: Path) -> None:
    assert thumbnail(picture(tmp_path / "small.png", (9, 8, 7), (12, 10)), 100).shape == (10, 10, 3)
    assert thumbnail(picture(tmp_path / "large.png", 50, (300, 200)), 100).shape == (100, 100, 3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["embed", "{model}", "{folder}/a.png", "--output", "x.csv"],
            "--output x.csv: its name must end in .npy or .parquet",
        ),
        (
            ["embed", "{model}", "{folder}/a.png", "--output", "no/x.npy"],
            "--output no/x.npy cannot be written\n  name a",
        ),
        (["embed", "{model}", "{folder}/empty", "--output", "x.npy"], "empty holds no picture"),
        (["embed", "{model}", "{folder}/text.png", "--output", "x.npy"], "1 file cannot be decoded as pictures"),
        (["embed", "{folder}", "{folder}/a.png", "--output", "x.npy"], "is no exported model: it holds no model.json"),
        (["verify", "{model}", "{folder}/a.png", "{folder}/none.png"], "none.png is not there"),
        (["verify", "{model}", "{folder}", "{folder}/a.png"], "is a folder\n  name a picture file"),
        (["nearest", "{model}", "{folder}/a.png", "{folder}/a.png"], "a.png is no folder"),
        (["nearest", "{model}", "{folder}/alone/a.png", "{folder}/alone"], "alone holds no picture but the query"),
        (["nearest", "{model}", "{folder}/a.png", "{folder}/alone", "--output", "x.jpg"], "must end in .png"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(
    words: list[str], message: str, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pictures"
    picture(folder / "a.png", 9)
    picture(folder / "alone" / "a.png", 9)
    (folder / "empty").mkdir()
    (folder / "text.png").write_text("no picture")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AblateError, match=message):
        run(*(word.format(model=exported, folder=folder) for word in words))
    assert os.listdir(tmp_path) == ["pictures"]
