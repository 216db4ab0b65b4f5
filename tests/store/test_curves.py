"""Curves: one line per epoch, and what a kill leaves of a line."""

from __future__ import annotations

import math
from pathlib import Path

from ablate.store import curves


def test_epochs_come_back_in_order_and_the_later_report_of_an_epoch_counts(tmp_path: Path) -> None:
    for epoch, value in ((1, 0.1), (2, 0.2), (3, 0.3), (2, 0.25)):
        curves.append(tmp_path, {"epoch": epoch, "val/auc": value})
    assert curves.read(tmp_path) == [
        {"epoch": 1, "val/auc": 0.1},
        {"epoch": 2, "val/auc": 0.25},
        {"epoch": 3, "val/auc": 0.3},
    ]


def test_a_line_torn_at_any_byte_costs_its_epoch_and_no_other(tmp_path: Path) -> None:
    for epoch in (1, 2):
        curves.append(tmp_path, {"epoch": epoch, "val/auc": 0.5})
    path = tmp_path / "metrics.jsonl"
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for size in range(first, len(whole)):
        path.write_bytes(whole[:size])
        assert [report["epoch"] for report in curves.read(tmp_path)] == [1]
        curves.append(tmp_path, {"epoch": 3, "val/auc": 0.5})
        kept = [report["epoch"] for report in curves.read(tmp_path)]
        assert kept == ([1, 2, 3] if size == len(whole) - 1 else [1, 3])  # only its line's end was missing


def test_reading_on_gives_each_report_once_and_no_torn_one(tmp_path: Path) -> None:
    assert curves.read_from(tmp_path, 0) == ([], 0)
    curves.append(tmp_path, {"epoch": 1})
    reports, offset = curves.read_from(tmp_path, 0)
    assert reports == [{"epoch": 1}]
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"epo')
    assert curves.read_from(tmp_path, offset) == ([], offset)
    curves.append(tmp_path, {"epoch": 2})
    assert curves.read_from(tmp_path, offset)[0] == [{"epoch": 2}]


def test_best_is_the_first_of_equal_epochs_and_never_one_without_a_number() -> None:
    reports: list[curves.Report] = [
        {"epoch": 1, "val/auc": math.nan},
        {"epoch": 2, "val/auc": 0.7},
        {"epoch": 3, "val/auc": 0.7},
        {"epoch": 4},
    ]
    assert curves.best(reports, metric="val/auc", goal="maximize")["epoch"] == 2
    assert curves.best(reports, metric="val/auc", goal="minimize")["epoch"] == 2
    assert curves.best(reports[:1], metric="val/auc", goal="maximize") == {}
