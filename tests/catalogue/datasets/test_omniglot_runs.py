"""Omniglot's official one-shot runs: the real ones by an independent reading, small drawn ones for what can go wrong."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw
from scipy.spatial.distance import cdist

from ablate.catalogue.datasets.omniglot import Omniglot
from ablate.catalogue.datasets.omniglot_runs import STEM, OmniglotRuns
from ablate.errors import DataError


@pytest.fixture(scope="module")
def real() -> Path:
    """The data folder with the official zip in it, or a skip."""
    root = Path(os.environ.get("ABLATE_DATA", "/nonexistent"))
    if OmniglotRuns().missing(root) is not None:
        pytest.skip(f"set ABLATE_DATA to a folder with {OmniglotRuns().missing(root)}")
    return root


def pixels(png: bytes) -> npt.NDArray[np.bool_]:
    """[105, 105], true where there is ink."""
    return ~np.asarray(Image.open(io.BytesIO(png)).convert("1"))


def test_every_run_is_read_with_its_examples_and_their_test_items_in_order(real: Path) -> None:
    parts = OmniglotRuns().decode(real, 105)
    assert parts["support"].images.shape == parts["query"].images.shape == (400, 105, 105, 1)
    assert parts["support"].labels.tolist() == parts["query"].labels.tolist() == list(range(400))
    seen = 0
    with zipfile.ZipFile(OmniglotRuns().find(real)[STEM].path) as archive:
        for run in range(20):
            for line in archive.read(f"run{run + 1:02}/class_labels.txt").decode().splitlines():
                item, example = line.split()
                number = 20 * run + int(example[-6:-4]) - 1
                assert np.array_equal(parts["query"].images[number, ..., 0] == 255, pixels(archive.read(item)))
                assert np.array_equal(parts["support"].images[number, ..., 0] == 255, pixels(archive.read(example)))
                seen += 1
    assert seen == 400


@pytest.mark.slow  # reads all 32,460 drawings
def test_all_800_drawings_are_of_the_evaluation_set_and_the_two_of_a_class_are_of_one_character(real: Path) -> None:
    character = {}
    with zipfile.ZipFile(Omniglot().find(real)["test"].path) as archive:
        for name in archive.namelist():
            if name.endswith(".png"):
                character[pixels(archive.read(name)).tobytes()] = name.split("/")[1:3]
    with zipfile.ZipFile(Omniglot().find(real)["train"].path) as archive:
        trained = {pixels(archive.read(name)).tobytes() for name in archive.namelist() if name.endswith(".png")}
    parts = OmniglotRuns().decode(real, 105)
    shown, asked = ([image[..., 0] == 255 for image in parts[part].images] for part in ("support", "query"))
    alphabets = []
    for example, item in zip(shown, asked, strict=True):
        assert example.tobytes() not in trained and item.tobytes() not in trained
        assert character[example.tobytes()] == character[item.tobytes()]
        assert example.tobytes() != item.tobytes(), "by another person"
        alphabets.append(character[example.tobytes()][0])
    assert all(len(set(alphabets[run : run + 20])) == 1 for run in range(0, 400, 20)), "a run is within an alphabet"
    assert len(set(alphabets)) == 10


@pytest.mark.slow  # 8,000 times the distances of some 700 x 700 points
def test_the_modified_hausdorff_distance_of_the_authors_errs_in_38_8_percent(real: Path) -> None:
    """As the official repository reports of its own demo: what it reads and how it scores is what we do."""
    parts = OmniglotRuns().decode(real, 105)
    points = {
        part: [np.argwhere(image[..., 0]) - np.argwhere(image[..., 0]).mean(axis=0) for image in decoded.images]
        for part, decoded in parts.items()
    }
    errors = 0
    for number in range(400):
        run = number // 20 * 20
        costs = []
        for example in points["support"][run : run + 20]:
            apart = cdist(points["query"][number], example)
            costs.append(max(apart.min(axis=0).mean(), apart.min(axis=1).mean()))
        errors += int(np.argmin(costs)) != number - run
    assert errors / 400 == pytest.approx(0.388, abs=0.001)


def draw_runs(root: Path) -> Path:
    """20 runs of drawn lines, unpacked; the folder."""
    folder = root / "omniglot" / STEM
    for run in range(1, 21):
        lines = []
        for kind, name in (("training", "class"), ("test", "item")):
            (folder / f"run{run:02}" / kind).mkdir(parents=True)
            for number in range(1, 21):
                drawing = Image.new("1", (105, 105), 1)
                ImageDraw.Draw(drawing).line((10, 5 * number, 90, 3 * run), fill=0, width=3)
                drawing.save(folder / f"run{run:02}" / kind / f"{name}{number:02}.png")
        for number in range(1, 21):
            lines.append(f"run{run:02}/test/item{number:02}.png run{run:02}/training/class{21 - number:02}.png")
        (folder / f"run{run:02}" / "class_labels.txt").write_text("\n".join(lines) + "\n")
    return folder


def zipped(folder: Path) -> OmniglotRuns:
    """Pack the folder as a zip beside it, instead of it; the data set that takes this zip as right."""
    target = folder.with_suffix(".zip")
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    shutil.rmtree(folder)
    return OmniglotRuns(hashlib.md5(target.read_bytes()).hexdigest())


def test_an_unpacked_folder_reads_as_the_zip_does(tmp_path: Path) -> None:
    folder = draw_runs(tmp_path)
    unpacked = OmniglotRuns().decode(tmp_path, 28)
    packed = zipped(folder).decode(tmp_path, 28)
    for part in ("support", "query"):
        assert np.array_equal(packed[part].images, unpacked[part].images)
        assert np.array_equal(packed[part].labels, unpacked[part].labels)


def test_the_digest_of_an_unpacked_folder_changes_with_a_drawing_and_with_a_label(tmp_path: Path) -> None:
    folder = draw_runs(tmp_path)
    digests = [OmniglotRuns().find(tmp_path)[STEM].digest]
    shutil.copy(folder / "run01/test/item01.png", folder / "run01/test/item02.png")
    digests.append(OmniglotRuns().find(tmp_path)[STEM].digest)
    labels = folder / "run05" / "class_labels.txt"
    labels.write_text("\n".join(reversed(labels.read_text().splitlines())))
    digests.append(OmniglotRuns().find(tmp_path)[STEM].digest)
    assert len(set(digests)) == 3


def test_where_the_zip_belongs_is_beside_the_images(tmp_path: Path) -> None:
    assert OmniglotRuns().missing(tmp_path) == tmp_path / "omniglot-py" / "all_runs.zip"
    (tmp_path / "omniglot").mkdir()
    place = OmniglotRuns().missing(tmp_path)
    assert place == tmp_path / "omniglot" / "all_runs.zip"
    place.touch()
    assert OmniglotRuns().missing(tmp_path) is None
    with pytest.raises(DataError, match=r"all_runs.zip is damaged or another file.*\n  delete it"):
        OmniglotRuns().find(tmp_path)


@pytest.mark.parametrize(
    ("labels", "what"),
    [
        ("", "expected 20 lines"),
        ("run03/test/item01.png\n" * 20, "expected 20 lines"),
        ("run03/test/item01.png run03/training/class01.png\n" * 20, "each class once"),
        ("\n".join(f"run03/test/item{n:02}.png run04/training/class{n:02}.png" for n in range(1, 21)), "of run 03"),
        ("\n".join(f"../../item{n:02}.png run03/training/class{n:02}.png" for n in range(1, 21)), "of run 03"),
        (
            "\n".join(f"run03/test/item{n:02}.png run03/training/class{n:02}.png" for n in range(2, 22)),
            "cannot be read",
        ),
    ],
)
def test_labels_that_do_not_pair_examples_with_items_are_refused_by_their_file(
    tmp_path: Path, labels: str, what: str
) -> None:
    folder = draw_runs(tmp_path)
    (folder / "run03" / "class_labels.txt").write_text(labels)
    with pytest.raises(DataError, match=what) as refusal:
        OmniglotRuns().decode(tmp_path, 28)
    assert f"{folder}, run03/" in str(refusal.value) and "put all_runs.zip there anew" in str(refusal.value)


def test_a_drawing_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = draw_runs(tmp_path)
    (folder / "run07" / "training" / "class09.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"all_runs, run07/training/class09.png is no PNG"):
        OmniglotRuns().decode(tmp_path, 28)
    (folder / "run07" / "training" / "class09.png").unlink()
    with pytest.raises(DataError, match=r"all_runs, run07/training/class09.png cannot be read"):
        OmniglotRuns().decode(tmp_path, 28)


@pytest.mark.parametrize("pack", [True, False])
def test_a_zip_that_is_none_is_refused(tmp_path: Path, pack: bool) -> None:
    path = tmp_path / "omniglot" / "all_runs.zip"
    path.parent.mkdir()
    path.write_bytes(b"PK\x03\x04" * pack + b"nothing")
    with pytest.raises(DataError, match=r"all_runs\.zip is no zip"):
        OmniglotRuns(hashlib.md5(path.read_bytes()).hexdigest()).decode(tmp_path, 28)
