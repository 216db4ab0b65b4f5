"""What episodes need of a study file and of a split, refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ablate.errors import DataError, StudyError
from ablate.study.load import parse_study
from ablate.study.one_shot import check_items
from ablate.study.study import Study
from ablate.training.prepare import prepare_data


def study(data: str, *, batch: int = 4) -> Study:
    text = f"study: s\ndata: {data}\nspace: {{backbone: mlp, loss: triplet, batch: {{classes: {batch}}}}}\n"
    return parse_study(text, "f.yaml")


def faults(data: str) -> list[str]:
    with pytest.raises(StudyError) as refusal:
        study(data)
    return [str(fault) for fault in refusal.value.faults]


def test_omniglot_has_classes_for_twenty_ways_and_episodes_are_the_objective() -> None:
    read = study("{name: omniglot, protocol: one_shot}", batch=64)
    assert (read.data.ways, read.data.shots) == (20, 1)
    assert (read.objective.metric, read.objective.goal) == ("val/one_shot_accuracy", "maximize")


@pytest.mark.parametrize(
    ("data", "classes", "named"),
    [
        # of the 10 digits 2 are the test, and of the other 8 another 2 validate
        ("{name: digits, protocol: one_shot}", 2, "20 by default"),
        ("{name: digits, protocol: one_shot, ways: 3}", 2, "3"),
        # a fifth of the 964 background characters is smaller than the 659 of the official test
        ("{name: omniglot, protocol: one_shot, ways: 194}", 193, "194"),
        ("{name: omniglot, protocol: one_shot, ways: 660, val_fraction: 0.8}", 659, "660"),
    ],
)
def test_more_ways_than_a_split_has_classes_are_refused_with_their_mend(data: str, classes: int, named: str) -> None:
    (fault,) = faults(data)
    assert f"data.ways is {named}, but the smaller of validation and test split has only {classes} classes" in fault
    assert fault.startswith("f.yaml:2: ") and f"set it to {classes} or less" in fault


def test_as_many_ways_as_the_smaller_split_has_classes_are_sound() -> None:
    assert study("{name: digits, protocol: one_shot, ways: 2}").data.ways == 2
    assert study("{name: omniglot, protocol: one_shot, ways: 193}").data.ways == 193


@pytest.mark.parametrize(("key", "least"), [("ways", 2), ("shots", 1)])
def test_fewer_ways_or_shots_than_make_a_task_are_refused(key: str, least: int) -> None:
    (fault,) = faults(f"{{name: digits, protocol: one_shot, {'ways: 2, ' * (key == 'shots')}{key}: {least - 1}}}")
    assert f"data.{key}: {least - 1} is too small" in fault and f"write {least} or more" in fault


def test_ways_and_shots_are_part_of_what_trials_mean_only_where_they_are_read() -> None:
    assert "ways" not in study("{name: digits}").meaning["data"]
    few, many = (study(f"{{name: digits, protocol: one_shot, ways: 2, shots: {shots}}}") for shots in (1, 5))
    assert few.meaning["data"] != many.meaning["data"]


def test_classes_with_too_few_images_take_no_part_and_too_few_classes_are_refused() -> None:
    labels = np.repeat(np.arange(5), [1, 2, 3, 3, 9])
    check_items(labels, ways=4, shots=1)
    check_items(labels, ways=3, shots=2)
    with pytest.raises(
        DataError, match=r"of the 5 classes of a split only 3 have so many images; the largest has 9\n  set"
    ):
        check_items(labels, ways=4, shots=2)


def test_more_shots_than_the_images_of_a_class_allow_are_refused_before_the_start() -> None:
    # the smallest digit has 174 images, the largest 183
    prepare_data(study("{name: digits, protocol: one_shot, ways: 2, shots: 173}"), Path("/nowhere"))
    with pytest.raises(DataError, match=r"draws 2 classes and of each 183 \+ 1 images .*\n  set data\.shots"):
        prepare_data(study("{name: digits, protocol: one_shot, ways: 2, shots: 183}"), Path("/nowhere"))
