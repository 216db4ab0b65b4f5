"""Picture files of any kind to uint8 squares: what becomes of depth, colour and transparency stands here, for every folder.

Rules: 16 bits are scaled to 8 (65535 is white), palettes and CMYK become RGB, what is transparent lies on white, a camera's
note of how it was held is followed, of an animation the first frame counts. Grey is spread over three channels, colour becomes
luma.
Shapes: N pictures, S the size asked for, C channels (1 or 3).
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from ablate.catalogue.datasets.picture_files import enumerated
from ablate.catalogue.datasets.resize import resize
from ablate.errors import DataError

MODES = {1: "L", 3: "RGB"}
WHITE_16_BITS = 65535
_UNREADABLE = (
    OSError,
    EOFError,
    SyntaxError,  # Pillow's for a broken PNG chunk
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    zlib.error,
    struct.error,
    Image.DecompressionBombError,
)
"""What Pillow raises, depending on where in a file the damage is."""

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Broken:
    """A file that could not be decoded."""

    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name} ({self.why})"


def decode_all(
    names: Sequence[str], read: Callable[[str], bytes], *, size: int, channels: int, centre: float = 1.0
) -> list[Picture | Broken]:
    """Each picture as [S, S, C], or what is wrong with it; on all cores, for Pillow lets other threads run.

    `centre` is the share of height and width that is kept around the middle, before anything else is cut off.
    """

    def decode(name: str) -> Picture | Broken:
        try:
            content = read(name)
            if not content:
                return Broken(name, "0 bytes")
            return decode_picture(content, size, channels=channels, centre=centre)
        except UnidentifiedImageError:  # its own words name an object of ours in memory
            return Broken(name, "no picture that Pillow can identify")
        except _UNREADABLE as error:
            return Broken(name, " ".join(str(error).split()) or type(error).__name__)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(decode, names))


def all_sound(found: Sequence[Picture | Broken], where: Path) -> Picture:
    """[N, S, S, C] of what `decode_all` found. Raises DataError that counts the broken ones and names the first.

    None may be left out, as `most_broken` allows in folders of one's own: numbers on a published data set are compared with
    those of others, who had all of it.
    """
    broken = [each for each in found if isinstance(each, Broken)]
    if broken:
        named = enumerated([*map(str, broken)])
        raise DataError(
            f"{where}: {undecodable(len(broken))}: {named}\n  put the originals there: none may be left out"
        )
    return np.stack([each for each in found if not isinstance(each, Broken)])


def undecodable(number: int) -> str:
    """The beginning of a message."""
    return "1 file cannot be decoded" if number == 1 else f"{number} files cannot be decoded"


def decode_picture(content: bytes, size: int, *, channels: int, centre: float = 1.0) -> Picture:
    """One picture as [S, S, C]; raises one of many errors where it is damaged."""
    picture: Image.Image = Image.open(io.BytesIO(content))
    # a JPEG of a camera is then decoded at a half to an eighth of its size, at no loss: still twice what is asked for
    picture.draft(None, (round(2 * size / centre), round(2 * size / centre)))
    picture = ImageOps.exif_transpose(picture)
    if centre < 1:
        width, height = (round(side * centre) for side in picture.size)
        left, top = (picture.width - width) // 2, (picture.height - height) // 2
        picture = picture.crop((left, top, left + width, top + height))
    return resize(_with_8_bits(picture).convert(MODES[channels]), size)


def _with_8_bits(picture: Image.Image) -> Image.Image:
    """Without depth and transparency, so that Pillow's own conversions to L and RGB do what they say."""
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        values = np.asarray(
            picture
        )  # Pillow's convert("L") would cut at 255: nearly all of a 16-bit picture turns white
        if picture.mode == "F" or values.min() < 0 or values.max() > WHITE_16_BITS:
            raise ValueError("its values are not of 8 or 16 bits, so that nobody knows which is white")
        return Image.fromarray(np.round(values * (255 / WHITE_16_BITS)).astype(np.uint8))
    if picture.has_transparency_data:
        ink = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", ink.size, "white"), ink).convert("RGB")
    return picture
