"""The idx data sets: the real files against their bytes, small written ones for what can go wrong."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from ablate.catalogue.datasets import DATASETS
from ablate.catalogue.datasets.idx import IdxDataset
from ablate.errors import DataError

ROOT = Path(os.environ.get("ABLATE_DATA", "/nonexistent"))
needs_real_files = pytest.mark.skipif(
    not ((ROOT / "MNIST").is_dir() and (ROOT / "FashionMNIST").is_dir()),
    reason="set ABLATE_DATA to a folder with MNIST and FashionMNIST",
)


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


@needs_real_files
@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")])
def test_idx_images_are_the_bytes_after_the_header_in_order(name: str, folder: str) -> None:
    part = DATASETS[name].build().decode(ROOT, 28)["test"]
    pixels = gzip.decompress((ROOT / folder / "raw" / "t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((ROOT / folder / "raw" / "t10k-labels-idx1-ubyte.gz").read_bytes())
    for index in (0, 1, 5000, 9999):
        assert part.images[index].tobytes() == pixels[16 + 784 * index : 16 + 784 * (index + 1)]
        assert part.labels[index] == labels[8 + index]


NAMES = [f"{stem}-{kind}" for stem in ("train", "t10k") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")]


def write_small_idx(root: Path, *, packed: bool, num_labels: int = 3) -> IdxDataset:
    """Three 28x28 images per part, image i filled with i."""
    folder, md5s = root / "MNIST" / "raw", {}
    folder.mkdir(parents=True)
    images = np.arange(3, dtype=np.uint8).repeat(784).tobytes()
    for name in NAMES:
        is_images = "images" in name
        shape = np.array([3, 28, 28] if is_images else [num_labels], ">i4").tobytes()
        content = bytes([0, 0, 8, 3 if is_images else 1]) + shape + (images if is_images else bytes(range(num_labels)))
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)
        md5s[name] = (md5(path), md5(path))
    return IdxDataset("mnist", "MNIST", md5s)


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_read_alike_packed_and_unpacked(tmp_path: Path, packed: bool) -> None:
    part = write_small_idx(tmp_path, packed=packed).decode(tmp_path, 28)["test"]
    assert part.labels.tolist() == [0, 1, 2]
    assert part.images.reshape(3, -1).mean(axis=1).tolist() == [0, 1, 2]


def test_reading_writes_nothing_into_the_data_folder(tmp_path: Path) -> None:
    dataset = write_small_idx(tmp_path, packed=True)
    before = sorted(tmp_path.rglob("*"))
    dataset.find(tmp_path, download=True)
    dataset.decode(tmp_path, 20)
    assert sorted(tmp_path.rglob("*")) == before


@needs_real_files
def test_the_listed_checksums_of_unpacked_files_are_those_of_the_packed_ones_unpacked() -> None:
    for name in ("mnist", "fashion_mnist"):
        dataset = DATASETS[name].build()
        for stem, source in dataset.find(ROOT).items():
            packed, unpacked = dataset.md5s[stem]
            assert source.digest == packed and source.path.suffix == ".gz"
            assert hashlib.md5(gzip.decompress(source.path.read_bytes())).hexdigest() == unpacked


@pytest.mark.parametrize("keep", [0, 3, 30])
def test_a_truncated_gz_is_named(tmp_path: Path, keep: int) -> None:
    dataset = write_small_idx(tmp_path, packed=True)
    path = tmp_path / "MNIST/raw/t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:keep])
    damaged = IdxDataset("mnist", "MNIST", {**dataset.md5s, "t10k-images-idx3-ubyte": (md5(path), "")})
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte\.gz cannot be decoded"):
        damaged.decode(tmp_path, 28)


def test_labels_that_do_not_belong_to_the_images_are_refused(tmp_path: Path) -> None:
    dataset = write_small_idx(tmp_path, packed=True, num_labels=2)
    with pytest.raises(DataError, match=r"holds 3 images, .* 2 labels"):
        dataset.decode(tmp_path, 28)


def test_a_failed_download_says_why_and_where_the_files_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(dataset: IdxDataset, root: Path) -> None:
        raise RuntimeError("Error downloading:\nName or service not known")

    monkeypatch.setattr(IdxDataset, "_download", refuse)
    with pytest.raises(DataError) as refusal:
        DATASETS["mnist"].build().find(tmp_path, download=True)
    assert "the download failed: Error downloading: Name or service not known" in str(refusal.value)
    assert str(tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte.gz") in str(refusal.value)


def test_a_failed_download_leaves_nothing_behind_but_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(dataset: IdxDataset, root: Path) -> None:
        (root / "MNIST" / "raw").mkdir(parents=True)  # as torchvision does first
        raise RuntimeError("Name or service not known")

    monkeypatch.setattr(IdxDataset, "_download", refuse)
    (tmp_path / "mine" / "FashionMNIST").mkdir(parents=True)
    for place in ("mine", "new/data"):
        with pytest.raises(DataError, match="the download failed"):
            DATASETS["mnist"].build().find(tmp_path / place, download=True)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["FashionMNIST", "mine"]


def test_missing_files_are_downloaded_once_and_then_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    md5s = write_small_idx(tmp_path / "elsewhere", packed=True).md5s
    calls = []

    def fetch(dataset: IdxDataset, root: Path) -> None:
        calls.append(root)
        write_small_idx(root, packed=True)

    monkeypatch.setattr(IdxDataset, "_download", fetch)
    dataset = IdxDataset("mnist", "MNIST", md5s)
    for _ in range(2):
        assert set(dataset.find(tmp_path / "root", download=True)) == set(NAMES)
    assert calls == [tmp_path / "root"]
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["MNIST"]
