"""Picture files of every kind, against the values they were written from."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from ablate.catalogue.datasets.pictures import Broken, all_sound, decode_all, decode_picture
from ablate.catalogue.datasets.resize import resize
from ablate.catalogue.datasets.zip_members import members, reader
from ablate.errors import DataError

SIZE = 8
RAMP = np.linspace(0, 255, SIZE * SIZE).astype(np.uint8).reshape(SIZE, SIZE)
COLOURS = np.stack([RAMP, RAMP[::-1], RAMP.T], axis=2)


def saved(picture: Image.Image, kind: str = "png", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def decoded(content: bytes, channels: int = 3) -> npt.NDArray[np.int64]:
    return decode_picture(content, SIZE, channels=channels).astype(np.int64)


def test_colour_stays_and_grey_is_spread_over_three_channels() -> None:
    assert np.array_equal(decoded(saved(Image.fromarray(COLOURS))), COLOURS)
    assert np.array_equal(decoded(saved(Image.fromarray(RAMP))), np.stack([RAMP] * 3, axis=2))
    assert np.array_equal(decoded(saved(Image.fromarray(RAMP)), channels=1), RAMP[..., None])


def test_colour_becomes_its_luma_where_grey_is_asked_for() -> None:
    luma = COLOURS @ np.array([0.299, 0.587, 0.114])  # ITU-R 601-2
    np.testing.assert_allclose(decoded(saved(Image.fromarray(COLOURS)), channels=1)[..., 0], luma, atol=1)


@pytest.mark.parametrize("kind", ["png", "tiff", "pgm"])
def test_sixteen_bits_are_scaled_not_cut(kind: str) -> None:
    deep = np.linspace(0, 65535, SIZE * SIZE).astype(np.uint16).reshape(SIZE, SIZE)
    if kind == "pgm":
        content = f"P5 {SIZE} {SIZE} 65535\n".encode() + deep.astype(">u2").tobytes()
    else:
        content = saved(Image.fromarray(deep), kind)
    np.testing.assert_allclose(decoded(content, channels=1)[..., 0], deep / 257, atol=0.51)


@pytest.mark.parametrize("values", [np.full((SIZE, SIZE), 70_000), np.full((SIZE, SIZE), 0.5)], ids=["int32", "float"])
def test_depths_without_a_known_white_are_broken_not_guessed(values: npt.NDArray[Any]) -> None:
    dtype = np.float32 if values.dtype == np.float64 else np.int32
    content = saved(Image.fromarray(values.astype(dtype)), "tiff")
    (found,) = decode_all(["deep.tif"], lambda _: content, size=SIZE, channels=1)
    assert isinstance(found, Broken) and "nobody knows which is white" in found.why


def test_what_is_transparent_lies_on_white() -> None:
    opacity = np.full((SIZE, SIZE), 255, np.uint8)
    opacity[:4] = 0
    opacity[4] = 102  # two fifths of the ink, three fifths of the paper
    expected = COLOURS.astype(float)
    expected[:4] = 255
    expected[4] = COLOURS[4] * 0.4 + 255 * 0.6
    content = saved(Image.fromarray(np.dstack([COLOURS, opacity])))
    np.testing.assert_allclose(decoded(content), expected, atol=1)
    grey = saved(Image.fromarray(np.dstack([RAMP, opacity]), "LA"))
    np.testing.assert_allclose(decoded(grey, channels=1)[:4], 255)
    np.testing.assert_allclose(decoded(grey, channels=1)[5:, :, 0], RAMP[5:], atol=1)


def test_a_palette_becomes_its_colours_and_its_hole_white() -> None:
    picture = Image.fromarray((np.arange(64) % 3).astype(np.uint8).reshape(8, 8), "P")
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]])
    assert np.array_equal(decoded(saved(picture)), colours[np.arange(64).reshape(8, 8) % 3])
    colours[1] = 255
    assert np.array_equal(decoded(saved(picture, transparency=1)), colours[np.arange(64).reshape(8, 8) % 3])


def test_cmyk_becomes_the_light_that_its_ink_leaves() -> None:
    ink = Image.new("CMYK", (SIZE, SIZE), (255, 0, 0, 0))  # all cyan: no red is left
    np.testing.assert_allclose(decoded(saved(ink, "tiff"))[0, 0], [0, 255, 255])
    np.testing.assert_allclose(decoded(saved(ink, "jpeg"))[0, 0], [0, 255, 255], atol=4)


def test_a_picture_is_turned_as_the_camera_was_held() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # held upright: the top of the scene is at the right of the stored picture
    turned = decoded(saved(Image.fromarray(COLOURS), exif=exif))
    assert np.array_equal(turned, np.rot90(COLOURS, -1))


def test_of_a_picture_that_is_no_square_the_middle_is_kept_with_its_aspect() -> None:
    wide = np.zeros((8, 20), np.uint8)
    wide[:, 6:14] = RAMP
    assert np.array_equal(resize(Image.fromarray(wide), 8)[..., 0], RAMP)
    assert np.array_equal(resize(Image.fromarray(wide.T.copy()), 8)[..., 0], RAMP.T)


def test_a_large_jpeg_is_what_it_is_at_full_size_shrunk() -> None:
    rng = np.random.default_rng(0)
    scene = np.asarray(Image.fromarray(rng.integers(256, size=(6, 6, 3), dtype=np.uint8)).resize((960, 960)))
    content = saved(Image.fromarray(scene), "jpeg", quality=95)
    expected = resize(Image.open(io.BytesIO(content)), 32).astype(int)
    assert np.abs(decode_picture(content, 32, channels=3).astype(int) - expected).mean() < 2


def test_the_centre_is_cut_out_before_shrinking() -> None:
    framed = np.zeros((250, 250), np.uint8)
    framed[53:197, 53:197] = 200
    part = decode_picture(saved(Image.fromarray(framed)), 16, channels=1, centre=144 / 250)
    assert part.min() == part.max() == 200


def test_every_damage_to_a_file_is_told_and_the_others_are_read() -> None:
    whole = saved(Image.fromarray(RAMP).resize((64, 64)))
    rng = np.random.default_rng(0)
    contents = {"empty": b"", "text": b"no picture", "short": whole[: len(whole) // 2], "whole": whole}
    for number in range(60):
        damaged = bytearray(whole)
        for place in rng.integers(8, len(whole), size=4):
            damaged[place] = rng.integers(256)
        contents[f"damaged {number}"] = bytes(damaged)
    found = dict(zip(contents, decode_all([*contents], contents.__getitem__, size=8, channels=1), strict=True))
    assert [name for name in ("empty", "text", "short") if isinstance(found[name], Broken)] == [
        "empty",
        "text",
        "short",
    ]
    assert str(found["empty"]) == "empty (0 bytes)"
    assert not isinstance(found["whole"], Broken)
    assert sum(isinstance(each, Broken) for each in found.values()) > 30


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (1, r"1 file cannot be decoded: b0.png \(0 bytes\)\n  put the originals there"),
        (3, r"3 files cannot be decoded: b0.png \(0 bytes\), b1.png \(0 bytes\), b2.png \(0 bytes\)\n"),
        (12, r"12 files cannot be decoded: b0.png .*, b9.png \(0 bytes\) and 2 more\n"),
    ],
)
def test_broken_pictures_of_a_published_set_are_refused_with_their_number_and_names(broken: int, said: str) -> None:
    def read(name: str) -> bytes:
        return saved(Image.fromarray(RAMP)) if name[0] == "a" else b""

    found = decode_all(["a.png", *(f"b{i}.png" for i in range(broken))], read, size=8, channels=1)
    with pytest.raises(DataError, match=f"/faces: {said}"):
        all_sound(found, Path("/faces"))


def test_zips_are_read_in_memory_whatever_their_members_are_called(tmp_path: Path) -> None:
    path = tmp_path / "inner" / "faces.zip"
    path.parent.mkdir()
    secret = tmp_path / "inner" / "secret.png"
    secret.write_bytes(saved(Image.fromarray(RAMP)))
    link = zipfile.ZipInfo("link.png")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16  # 3: Unix, whose mode follows
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../outside.png", b"a")
        archive.writestr("/absolute.png", b"b")
        archive.writestr(link, str(secret))
    with reader(path) as read:
        assert [read(name) for name in members(path)] == [b"a", b"b", str(secret).encode()]
        (found,) = decode_all(["link.png"], read, size=8, channels=1)
    assert isinstance(found, Broken), "a link is the text of its target, which nobody follows"
    secret.unlink()
    assert [str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*")] == ["inner", "inner/faces.zip"]
