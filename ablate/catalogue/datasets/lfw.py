"""Labeled Faces in the Wild (LFW): faces of 5,749 people from the news; are two pictures of one person?

Source: Huang, Ramesh, Berg, Learned-Miller 2007 (UMass 07-49); pictures aligned by deep funneling (Huang et al., NIPS 2012).
For research on metric learning, never to identify anybody.

View 1 (`view: 1`), for development: trained and validated on people of devTrain, judged by the 1,000 pairs of
pairsDevTest.txt. Pairs for training come from the labels (the setting called unrestricted), so pairsDevTrain.txt is not used.
View 2 (`view: 2`), for reports: the ten folds of pairs.txt, mean and standard error of accuracy, each fold at the threshold
that is best on the other nine. By the book each fold has a network of its own, trained on the other nine; here one network is
trained, on the people whom no pair of any fold names, so that it has seen nobody whom it is asked about, but far fewer people.
(View 1's devTrain cannot train it: View 2's pairs were drawn from all people, those of devTrain among them.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ablate.catalogue.datasets.dataset import DATASETS, Dataset, Part, SourceFile
from ablate.catalogue.datasets.lfw_files import FaceFiles, find_files
from ablate.catalogue.datasets.lfw_lists import Face, Pair, read_pairs, read_people
from ablate.catalogue.datasets.official_pairs import OfficialPairs
from ablate.errors import DataError

LISTS = {1: "pairsDevTest.txt", 2: "pairs.txt"}
MD5S = {"pairsDevTest.txt": "5132f7440eb68cf58910c8a45a2ac10b", "pairs.txt": "9f1ba174e4e1c508ff7cdf10ac338a7d"}
ZIP_MD5 = "c121188e40d2922bce5d1cae24ea4a42"  # of lfw112.zip: all people of View 1, cut to the face, 112x112


class Lfw:
    """Train part: people to train and validate on. Test part: the people of the official pairs, which go with it."""

    image_size = 64
    channels = 3
    num_classes: Mapping[str, int] | None = None  # only the lists tell
    disjoint_parts = True

    def __init__(
        self, view: int = 1, least_images: int = 2, md5s: Mapping[str, str] = MD5S, zip_md5: str = ZIP_MD5
    ) -> None:
        self.view, self.least_images, self.md5s, self.zip_md5 = view, least_images, md5s, zip_md5

    def find(self, root: Path, *, download: bool = False) -> dict[str, SourceFile]:
        pairs = LISTS[self.view]
        return find_files(root.expanduser().absolute(), pairs, self.md5s[pairs], self.zip_md5, people=self.view == 1)

    def decode(self, root: Path, image_size: int) -> dict[str, Part]:
        files = self.find(root)
        faces = FaceFiles(files["pictures"].path)
        pairs = read_pairs(files["pairs"].path)
        missing = sorted({face for pair in pairs for face in (pair.first, pair.second)} - set(faces.names))
        if missing:
            raise self._incomplete(files, missing)
        if self.view == 1:
            people = read_people([source.path for name, source in files.items() if name.startswith("people")])
            faces.check(people)
        else:
            people = _divide(faces, pairs)
        test = faces.of(people["test"], least=1)
        train = faces.of(people["train"], least=self.least_images)
        numbers = {name: number for number, name in enumerate([*sorted(people["train"]), *sorted(people["test"])])}
        images = faces.decode([*train, *test], image_size)
        labels = np.array([numbers[name] for name, _ in (*train, *test)], dtype=np.int64)
        names = {number: name.replace("_", " ") for name, number in numbers.items()}
        lost = len(people["train"]) - len({name for name, _ in train})
        return {
            "train": Part(
                images[: len(train)],
                labels[: len(train)],
                notes=self._notes(people, lost),
                names=names,
                centre=faces.centre,
            ),
            "test": Part(
                images[len(train) :], labels[len(train) :], _positions(pairs, test), names=names, centre=faces.centre
            ),
        }

    def _incomplete(self, files: Mapping[str, SourceFile], missing: Sequence[Face]) -> DataError:
        name, number = missing[0]
        where = files["pictures"].path
        mend = f"put the originals into {where.parent}/lfw-deepfunneled"
        if self.view == 2:
            mend += ", all 13,233 of them, or write data.params.view: 1, which needs fewer people"
        return DataError(
            f"data set 'lfw': {len(missing)} pictures of {files['pairs'].path} are missing in {where}, the first "
            f"{name} {number}\n  {mend}"
        )

    def _notes(self, people: Mapping[str, Mapping[str, int]], lost: int) -> tuple[str, ...]:
        """How the numbers are to be called."""
        if self.view == 1:
            what = "lfw: this is View 1; under protocol verification the test is pairsDevTest.txt, its threshold validation's"
        else:
            what = (
                "lfw: this is View 2 with one network for all ten folds of pairs.txt, trained on people outside of them; "
                "by the book each fold's is trained on the other nine"
            )
        left = len(people["train"]) - lost
        few = (
            f"lfw: {left} people to train and validate on; {lost} with fewer than {self.least_images} pictures left out"
        )
        return what, few


def _divide(faces: FaceFiles, pairs: Sequence[Pair]) -> dict[str, Mapping[str, int]]:
    """View 2: the people whom pairs name, and all others."""
    named = {name for pair in pairs for name, _ in (pair.first, pair.second)}
    count = faces.count
    return {
        "train": {name: number for name, number in count.items() if name not in named},
        "test": {name: number for name, number in count.items() if name in named},
    }


def _positions(pairs: Sequence[Pair], faces: Sequence[Face]) -> OfficialPairs:
    place = {face: position for position, face in enumerate(faces)}
    outside = sorted(
        {name for pair in pairs for name, number in (pair.first, pair.second) if (name, number) not in place}
    )
    if outside:
        raise DataError(
            f"data set 'lfw': {len(outside)} people of the test pairs are not in devTest, the first {outside[0]}\n"
            "  the lists do not belong together: put the originals there"
        )
    return OfficialPairs(
        first=np.array([place[pair.first] for pair in pairs], dtype=np.int64),
        second=np.array([place[pair.second] for pair in pairs], dtype=np.int64),
        same=np.array([pair.same for pair in pairs]),
        fold=np.array([pair.fold for pair in pairs], dtype=np.int64),
    )


@DATASETS.register(
    "lfw",
    bounds={"view": (1, 2), "least_images": (1, 1000)},
    source="Huang et al. 2007, UMass 07-49; no licence stated: research on verification only, identify nobody",
)
def lfw(*, view: int = 1, least_images: int = 2) -> Dataset:
    """Faces from the news, colour, 64x64 by default; `view: 1` for development, `view: 2` the ten folds for reports."""
    return Lfw(view, least_images)
