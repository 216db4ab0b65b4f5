"""The results as a DataFrame."""

from __future__ import annotations

from pathlib import Path

import pytest

import ablate
from ablate.errors import StoreError
from ablate.store.read import read_folder
from ablate.summary.results import columns, flat_rows
from tests.store.studies import TEXT, open_memory, run_to_the_end


def test_the_frame_has_the_rows_of_the_study_with_one_column_per_number(tmp_path: Path) -> None:
    run_to_the_end(open_memory(tmp_path))
    frame, rows = ablate.results(str(tmp_path)), read_folder(tmp_path).trials
    assert list(frame.columns[:8]) == ["id", "state", "reason", "seed", "arm", "phase", "reused", "epochs"]
    for (_, found), row in zip(frame.iterrows(), rows, strict=True):
        assert (found["id"], found["state"], found["epochs"]) == (row.id, row.state, row.epochs)
        for name, value in {**row.params, **row.metrics, **row.cost}.items():
            assert name == "epochs" or found[name] == value
    failed = frame[frame["state"] == "failed"]
    assert failed["val/recall_at_1"].isna().all()
    assert frame["val/recall_at_1"].dtype == float


def test_the_yaml_of_a_study_stands_for_its_folder_in_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_to_the_end(open_memory(tmp_path / "runs" / "made-up"))
    (tmp_path / "file.yaml").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    assert ablate.results("file.yaml").equals(ablate.results("runs/made-up"))


def test_epochs_are_those_that_were_trained(tmp_path: Path) -> None:
    run_to_the_end(open_memory(tmp_path))
    frame = ablate.results(tmp_path)
    assert set(frame[frame["state"] == "pruned"]["epochs"]) == {2}


def test_parameters_stand_together_before_metrics_before_costs(tmp_path: Path) -> None:
    run_to_the_end(open_memory(tmp_path))
    names = columns(read_folder(tmp_path))[8:]
    kinds = ["cost" if n.startswith("cost/") else "metric" if "/" in n else "param" for n in names]
    assert kinds == sorted(kinds, key=["param", "metric", "cost"].index)
    assert {name for row in flat_rows(read_folder(tmp_path)) for name in row} == set(columns(read_folder(tmp_path)))


def test_a_study_without_trials_is_an_empty_frame(tmp_path: Path) -> None:
    open_memory(tmp_path)
    assert ablate.results(tmp_path).empty


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no study"):
        ablate.results(tmp_path)
