"""Parameters of a data set in a study file: what can be known to be wrong before any data are read."""

from __future__ import annotations

import pytest

from ablate.study.load import parse_study
from tests.study.sound import TEXT, edited, faults_in

DATA = "{name: digits, protocol: closed}"


@pytest.mark.parametrize(
    ("params", "what", "mend"),
    [
        (
            "image_folder",
            "data.params: data set 'image_folder': its params.path is missing",
            "data.params.path: FOLDER",
        ),
        ("image_folder, params: {path: [a, b]}", "data.params.path: [a, b] is not one value", "write one value"),
        ("image_folder, params: {path: 5}", "data.params.path: 5 is not text", "write text"),
        ("image_folder, params: {path: a, chanels: 1}", "image_folder reads no such key", "did you mean 'channels'?"),
        ("image_folder, params: {path: a, channels: 2}", "params.channels is 2", "write 1 for grey, 3 for colour"),
        (
            "image_folder, params: {path: a, most_broken: -1}",
            "most_broken: -1 leaves its bounds",
            "stay within 0 to 1e+06",
        ),
        ("labelled_files, params: {path: a}", "its params.pattern is missing", "data.params.pattern: '^"),
        (
            "labelled_files, params: {path: a, pattern: 'x'}",
            "its params.pattern has 0 groups",
            "put that part into paren",
        ),
        ("labelled_files, params: {path: a, pattern: '('}", "is no regular expression", "write one such as '^"),
        ("lfw, params: {view: 3}", "data.params.view: 3 leaves its bounds", "stay within 1 to 2"),
        ("lfw, params: {view: 1.5}", "data.params.view: 1.5 is not a whole number", "write a whole number"),
        ("georgia_tech, params: {channels: 2}", "params.channels is 2", "write 1 for grey, 3 for colour"),
    ],
)
def test_one_mistake_in_the_parameters_of_a_data_set_is_one_fault_with_its_mend(
    params: str, what: str, mend: str
) -> None:
    faults = faults_in(edited((DATA, f"{{name: {params}}}")))
    assert len(faults) == 1, faults
    assert faults[0].where == "f.yaml:3"
    assert what in faults[0].what and mend in faults[0].mend


def test_how_many_classes_a_folder_has_is_not_asked_before_it_is_read() -> None:
    assert TEXT.count(DATA) == 1
    study = parse_study(
        edited((DATA, "{name: image_folder, params: {path: a}}"), ("classes: 10", "classes: 5000")), "f.yaml"
    )
    assert study.data.params == {"path": "a"}
