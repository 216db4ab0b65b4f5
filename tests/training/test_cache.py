"""The decoded cache, on a data set of four tiny images that counts how often it is decoded."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ablate.catalogue.datasets import Part, SourceFile
from ablate.catalogue.datasets.official_pairs import OfficialPairs
from ablate.errors import DataError
from ablate.training import cache
from ablate.training.cache import load


class Tiny:
    """Writes one line into `<root>/decodes` per decode; `brightness` is a builder's parameter."""

    image_size = 4
    channels = 1
    num_classes: Mapping[str, int] = {"train": 2, "test": 1}
    disjoint_parts = False

    def __init__(self, brightness: int = 10) -> None:
        self.brightness = brightness

    def find(self, root: Path, *, download: bool = False) -> dict[str, SourceFile]:
        return {"all": SourceFile(root / "source", (root / "source").read_text())}

    def decode(self, root: Path, image_size: int) -> dict[str, Part]:
        with (root / "decodes").open("a") as log:
            log.write("decoded\n")
        if (root / "source").read_text() == "damaged":
            raise DataError("source is damaged")
        time.sleep(0.2)  # long enough for concurrent processes to meet
        images = np.full((3, image_size, image_size, 1), self.brightness, np.uint8)
        return {
            "train": Part(images, np.array([0, 1, 1]), names={0: "ann", 1: "bö"}, centre=0.5),
            "test": Part(images[:1], np.array([0])),
        }


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ABLATE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "source").write_text("first")
    return tmp_path / "data"


def num_decodes(root: Path) -> int:
    return len((root / "decodes").read_text().splitlines())


def folders(root: Path) -> list[Path]:
    return [path for path in (root.parent / "cache" / "decoded").iterdir() if path.is_dir()]


def test_a_second_load_maps_what_the_first_decoded(root: Path) -> None:
    first, second = load("tiny", Tiny(), root, 4), load("tiny", Tiny(), root, 4)
    assert num_decodes(root) == 1
    assert first.digest == second.digest
    assert second.parts["train"].labels.tolist() == [0, 1, 1]
    assert second.parts["test"].images.shape == (1, 4, 4, 1)
    assert (second.parts["train"].names, second.parts["test"].names) == ({0: "ann", 1: "bö"}, None)
    assert (second.parts["train"].centre, second.parts["test"].centre) == (0.5, 1.0)


class Paired(Tiny):
    """With pairs for its test part, and something to tell."""

    def __init__(self, second: int = 2) -> None:
        super().__init__()
        self.second = second

    def decode(self, root: Path, image_size: int) -> dict[str, Part]:
        part = super().decode(root, image_size)["train"]
        pairs = OfficialPairs.from_table(np.array([[1, self.second, 1, 0], [0, 1, 0, 1]]))
        return {"train": part, "test": replace(part, pairs=pairs, notes=("some were left out",))}


def test_official_pairs_and_notes_survive_the_cache_and_the_digest_covers_the_pairs(root: Path) -> None:
    first, second = load("paired", Paired(), root, 4), load("paired", Paired(), root, 4)
    assert num_decodes(root) == 1
    pairs = second.parts["test"].pairs
    assert pairs is not None and pairs.table.tolist() == [[1, 2, 1, 0], [0, 1, 0, 1]]
    assert second.parts["train"].pairs is None
    assert second.parts["test"].notes == ("some were left out",) and second.parts["train"].notes == ()
    assert first.digest == second.digest != load("paired", Paired(second=0), root, 4).digest


def test_lost_pairs_are_decoded_again(root: Path) -> None:
    load("paired", Paired(), root, 4)
    (folders(root)[0] / "test" / "pairs.npy").unlink()
    assert load("paired", Paired(), root, 4).parts["test"].pairs is not None
    assert num_decodes(root) == 2


def test_mapped_arrays_cannot_be_written(root: Path) -> None:
    part = load("tiny", Tiny(), root, 4).parts["train"]
    assert isinstance(part.images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        part.images[0] = 1


def test_other_sources_sizes_and_parameters_have_folders_of_their_own(root: Path) -> None:
    digests = {load("tiny", Tiny(), root, 4).digest, load("tiny", Tiny(), root, 5).digest}
    digests.add(load("tiny", Tiny(brightness=11), root, 4).digest)
    (root / "source").write_text("second")
    same_pictures = load("tiny", Tiny(), root, 4).digest
    assert (len(digests), len(folders(root)), num_decodes(root)) == (3, 4, 4)
    assert same_pictures in digests, "the digest is of the pictures, not of the files they came from"


@pytest.mark.parametrize("name", ["meta.json", "train/images.npy", "test/labels.npy"])
@pytest.mark.parametrize("damage", ["missing", "empty", "short", "other"])
def test_a_damaged_cache_is_rebuilt(root: Path, name: str, damage: str) -> None:
    before = load("tiny", Tiny(), root, 4)
    path = folders(root)[0] / name
    content = path.read_bytes()
    path.unlink()  # the arrays above still map the old file: shortening it in place would crash this process
    if damage != "missing":
        path.write_bytes({"empty": b"", "short": content[:-1], "other": b"[1, 2]"}[damage])
    after = load("tiny", Tiny(), root, 4)
    assert num_decodes(root) == 2
    assert after.digest == before.digest
    assert np.array_equal(after.parts["train"].images, before.parts["train"].images)


def test_what_a_killed_process_left_half_written_is_not_trusted(root: Path) -> None:
    load("tiny", Tiny(), root, 4)
    folder = folders(root)[0]
    (folder / "meta.json").unlink()
    folder.rename(f"{folder}.partial")
    assert load("tiny", Tiny(), root, 4).parts["train"].images.shape == (3, 4, 4, 1)
    assert folders(root) == [folder]


def test_a_failing_decode_leaves_no_folder_and_lets_the_next_try(root: Path) -> None:
    (root / "source").write_text("damaged")
    for attempt in (1, 2):
        with pytest.raises(DataError, match="source is damaged"):
            load("tiny", Tiny(), root, 4)
        assert (num_decodes(root), folders(root)) == (attempt, [])


def test_a_full_disk_leaves_no_folder_and_names_the_variable(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(DataError, match=r"No space left on device(.|\n)*set ABLATE_CACHE"):
        load("tiny", Tiny(), root, 4)
    assert folders(root) == []


def test_a_cache_that_cannot_be_made_is_refused_with_the_variable_named(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABLATE_CACHE", str(root / "source"))  # a file
    with pytest.raises(DataError, match="set ABLATE_CACHE"):
        load("tiny", Tiny(), root, 4)


def test_concurrent_processes_decode_once(root: Path) -> None:
    code = "import sys, pathlib; from test_cache import Tiny, load; load('tiny', Tiny(), pathlib.Path(sys.argv[1]), 4)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    started = [subprocess.Popen([sys.executable, "-c", code, str(root)], env=environment) for _ in range(3)]
    assert [process.wait(timeout=60) for process in started] == [0, 0, 0]
    assert num_decodes(root) == 1


def test_without_the_variable_the_cache_is_in_the_home_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ABLATE_CACHE")
    monkeypatch.setenv("HOME", str(root))
    load("tiny", Tiny(), root, 4)
    assert len(list((root / ".cache" / "ablate" / "decoded").glob("tiny-4-*/meta.json"))) == 1


def test_a_new_format_does_not_serve_old_pictures(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load("tiny", Tiny(), root, 4)
    monkeypatch.setattr(cache, "FORMAT", cache.FORMAT + 1)
    load("tiny", Tiny(), root, 4)
    assert num_decodes(root) == 2
