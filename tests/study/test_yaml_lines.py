"""YAML with lines: every value knows its line, numbers are what people mean, and no file brings the reader down."""

from __future__ import annotations

import pytest

from ablate.study.yaml_lines import Unreadable, as_text, parse, parse_value, shown


def test_every_key_and_every_item_of_a_list_knows_its_line() -> None:
    document = parse("a: 1\nb:\n  c: [x,\n    y]\n  d: {e: 2}\n", "f.yaml")
    assert document.tree == {"a": 1, "b": {"c": ["x", "y"], "d": {"e": 2}}}
    wanted = {("a",): 1, ("b",): 2, ("b", "c"): 3, ("b", "c", 0): 3, ("b", "c", 1): 4, ("b", "d", "e"): 5}
    assert {path: document.lines[path] for path in wanted} == wanted


def test_what_is_not_in_the_file_has_the_line_of_what_is_around_it() -> None:
    document = parse("a: 1\nb:\n  c: 2\n", "f.yaml")
    assert document.where(("b", "missing", "deeper")) == "f.yaml:2"
    assert document.where(("missing",)) == "f.yaml:1"


def test_what_is_written_reads_as_it_was() -> None:
    values = [
        1e-4,
        1e22,
        3,
        0.5,
        True,
        None,
        "1e-4",
        "010",
        "1:30",
        "yes",
        "2026-01-01",
        "~",
        "a: b",
        "é\nline",
        " x ",
        "",
    ]
    tree = {"values": values, "010": {"1e5": [], "deep": {}}}
    assert parse(as_text(tree), "f.yaml").tree == tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1.0e-4", 1e-4),
        ("1E3", 1000.0),
        ("-.5", -0.5),
        ("3", 3),
        ("1_000", 1000),
        ("0", 0),
        (".inf", float("inf")),
        ("true", True),
        ("~", None),
        ("010", "010"),  # YAML 1.1 reads 8
        ("1:30", "1:30"),  # YAML 1.1 reads 90
        ("2026-01-01", "2026-01-01"),  # YAML 1.1 reads a date
        ("1.2.3", "1.2.3"),
        ("e5", "e5"),
        ("'5'", "5"),
    ],
)
def test_scalars_are_what_people_mean(text: str, value: object) -> None:
    found = parse_value(text)
    assert found == value and type(found) is type(value)


def test_windows_line_ends_and_other_scripts_change_nothing() -> None:
    assert parse("a: ä\r\nb: 数\r\n", "f.yaml").tree == {"a": "ä", "b": "数"}


def test_a_key_that_stands_twice_is_noted_with_its_second_line() -> None:
    document = parse("a: 1\nb: {c: 1,\n  c: 2}\na: 3\n", "f.yaml")
    assert document.twice == [("a",), ("b", "c")]
    assert [document.where(path) for path in document.twice] == ["f.yaml:4", "f.yaml:3"]


def test_merged_keys_may_be_set_again_and_aliases_used_often() -> None:
    document = parse("a: &m {x: 1, y: 2}\nb: &n {<<: *m, y: 3}\nc: *n\nd: *n\n", "f.yaml")
    assert document.tree["b"] == document.tree["c"] == document.tree["d"] == {"x": 1, "y": 3}
    assert document.twice == []


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{here}: &{here} [{', '.join([f'*{there}'] * 10)}]\n" for there, here in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "the file is empty"),
        ("# only a comment\n", 1, "the file is empty"),
        ("- a\n- b\n", 1, "a mapping of keys"),
        ("word\n", 1, "a mapping of keys"),
        ("a: 1\nb:\n\tc: 1\n", 3, "a tab"),
        ("a: {b: 1\nc: 2\n", 2, "this is no YAML"),
        ('a: "x\n', 2, "this is no YAML"),
        ("a: *nobody\n", 1, "undefined alias"),
        ("a: 1\n---\nb: 2\n", 2, "a second document"),
        ("a: 1\nb: \x00\n", 2, "is no text"),
        ("a: 1\n? [b]\n: 2\n", 2, "a key is not a plain word"),
        ("a: 1\nb: !!python/object:os.system x\n", 2, "the tag !!python/object:os.system"),
        ("a: 1\nb: !!int x\n", 2, "'x' cannot be read"),
        ("a: 1\nb: " + "9" * 5000 + "\n", 2, "cannot be read"),
        ("a: 1\nb: " + "[" * 5000 + "]" * 5000, 2, "more than 20 deep"),
        ("a: 1\nb: " + "{c: " * 500 + "}" * 500, 2, "more than 20 deep"),
        ("a: 1\nb: &b {c: *b}\n", 2, "more than 20 deep"),
        (BOMB, 1, "more than 100000 values"),
    ],
)
def test_text_that_is_no_study_is_refused_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(text, "f.yaml")
    assert caught.value.line == line and what in caught.value.what, caught.value


def test_an_open_bracket_is_said_to_be_where_it_was_opened() -> None:
    with pytest.raises(Unreadable) as caught:
        parse("a: 1\nb: {c: 1\nd: 2\n", "f.yaml")
    assert caught.value.mend == "close the bracket or quote that is opened in line 2"


def test_a_renamed_key_keeps_its_place_and_its_line() -> None:
    document = parse("a: 1\nbb:\n  c: 2\nd: 3\n", "f.yaml")
    document.rename(("bb",), "b")
    assert list(document.tree) == ["a", "b", "d"] and document.tree["b"] == {"c": 2}
    assert document.where(("b", "c")) == "f.yaml:3"


def test_values_are_shown_as_yaml_writes_them_and_not_too_long() -> None:
    assert shown({"uniform": [0, 1.5]}) == "{uniform: [0, 1.5]}"
    assert shown(None) == "null" and shown("x") == "'x'" and shown(True) == "true"
    assert len(shown(list(range(1000)))) == 70
