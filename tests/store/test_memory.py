"""The memory of a study: what is continued, what is never repeated, and what a kill at any byte leaves."""

from __future__ import annotations

import shutil
import time
from itertools import product
from pathlib import Path

import pytest
from optuna.samplers import TPESampler

from ablate.store import curves, proposer
from ablate.store.folder import StudyFolder
from ablate.store.memory import Memory
from ablate.store.read import read_folder
from ablate.types import TrialResult
from tests.store.studies import FINITE, new, open_memory, report, run_to_the_end, study, train


def by_id(rows: list[TrialResult]) -> dict[str, TrialResult]:
    return {row.id: row for row in rows}


def test_a_row_holds_the_best_epochs_metrics_and_the_last_epochs_costs(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    asked = new(memory)
    train(memory, asked, 0.5, 0.9, 0.7)
    row = memory.finish(asked.number, "complete")
    assert (row.id, row.state, row.reason, row.epochs) == ("0000", "complete", None, 3)
    assert row.metrics == {"val/recall_at_1": 0.9, "val/eer": pytest.approx(0.1)}
    assert row.cost == {
        "cost/flops": 2e6,
        "cost/params": 1e3,
        "cost/train_seconds": 1.5,
        "cost/seconds": pytest.approx(1.8),
    }
    assert row.params["loss"] in ("triplet", "info_nce")
    assert memory.results() == [row]


def test_a_study_opened_again_has_the_same_rows_and_repeats_none(tmp_path: Path) -> None:
    rows = run_to_the_end(open_memory(tmp_path))
    assert {row.state for row in rows} == {"complete", "pruned", "failed"}
    journal = (tmp_path / "journal.log").read_bytes()
    again = open_memory(tmp_path, "search.trials=12")
    assert again.results() == rows
    assert (again.count(), again.unfinished()) == (6, [])
    assert (tmp_path / "journal.log").read_bytes() == journal
    later = run_to_the_end(again)
    assert later[:6] == rows
    seen = [tuple(sorted((name, value) for name, value in row.params.items())) for row in later]
    assert len(set(seen)) == len(seen) == 12


def test_an_unfinished_trial_keeps_its_number_configuration_and_curve(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    asked = new(memory)
    train(memory, asked, 0.1, 0.2)
    again = open_memory(tmp_path)
    assert again.unfinished() == [asked]
    assert again.curves() == {0: {1: 0.1, 2: 0.2}}
    train(again, asked, 0.3, 0.4, begin=3)
    assert again.finish(asked.number, "complete").epochs == 4
    assert again.curves() == {0: {1: 0.1, 2: 0.2, 3: 0.3, 4: 0.4}}


def test_an_epoch_that_is_trained_again_counts_once_with_its_later_value(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    asked = new(memory)
    for epoch, value in ((1, 0.1), (2, 0.9), (2, 0.2)):
        memory.report(asked.number, report(epoch, value))
    row = memory.finish(asked.number, "complete")
    assert (row.epochs, row.metrics["val/recall_at_1"]) == (2, 0.2)
    assert memory.curves() == {0: {1: 0.1, 2: 0.2}}


def test_stopped_trials_lose_their_checkpoints_and_complete_ones_keep_them(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    for row in run_to_the_end(memory):
        kept = list(memory.folder.trial(row.id).glob("checkpoint-*"))
        assert bool(kept) == (row.state == "complete")


def test_a_trial_without_a_report_is_not_complete(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    row = memory.finish(new(memory).number, "complete")
    assert (row.state, row.reason, row.epochs) == ("failed", "it ended without a report", 0)


def test_a_journal_torn_at_any_byte_of_its_last_records_opens_with_all_that_was_whole(tmp_path: Path) -> None:
    made = tmp_path / "made"
    memory = open_memory(made)
    first = new(memory)
    train(memory, first, 0.1, 0.2)
    kept = memory.finish(first.number, "complete")
    begin = memory.folder.journal.stat().st_size
    second = new(memory)
    train(memory, second, 0.3, 0.4)
    memory.finish(second.number, "pruned", "behind")
    content = memory.folder.journal.read_bytes()
    assert content.count(b"\n", begin) == 5  # a trial, two epochs, its end, its state
    asked, copy, records = study(), tmp_path / "copy", content.find(b"\n", begin)
    end = content.index(b'"user_attr":{"end"', begin)
    shutil.copytree(made, copy)
    for size in [*range(begin, end, 5), *range(end, len(content))]:
        (copy / "journal.log").write_bytes(content[:size])
        if size % 7 == 0:
            assert read_folder(copy).trials[0] == kept  # a reader beside it, before anyone mends
        again = Memory(StudyFolder(copy), asked)
        assert again.count() == (1 if size <= records else 2)
        assert again.results()[0] == kept
        for trial in again.unfinished():
            assert trial == second
            assert again.curves()[1] == {1: 0.3, 2: 0.4}  # what the journal lost, the curves have
            assert again.finish(trial.number, "pruned", "behind").reason == "behind"


def test_garbage_that_a_power_cut_left_at_the_end_is_cut_off(tmp_path: Path) -> None:
    rows = run_to_the_end(open_memory(tmp_path))
    with (tmp_path / "journal.log").open("ab") as file:
        file.write(b"\0\0\0\n\0\0")
    assert open_memory(tmp_path).results() == rows


def test_an_end_that_was_written_and_not_told_is_told_on_opening(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    asked = new(memory)
    train(memory, asked, 0.3)
    row = memory.finish(asked.number, "pruned", "behind")
    journal = tmp_path / "journal.log"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))
    left = memory.folder.trial(asked.id) / "checkpoint-000001"
    left.mkdir()
    again = open_memory(tmp_path)
    assert again.unfinished() == []
    assert again.results() == [row]
    assert not left.exists()


def test_a_new_trial_never_finds_files_of_another_in_its_folder(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    stale = memory.folder.trial("0000") / "checkpoint-000003"
    stale.mkdir(parents=True)  # as a driver leaves it that is killed while it lengthens a study
    new(memory)
    assert not stale.exists()


def test_a_longer_study_continues_every_trial_but_the_stopped_and_hides_the_short_rows(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    rows = run_to_the_end(memory)
    running = new(memory)
    train(memory, running, 0.1)
    curves_before = memory.curves()
    longer = open_memory(tmp_path, "space.epochs=6")
    assert longer.lengthened() == sum(row.state == "complete" for row in rows)
    complete = [row for row in rows if row.state == "complete"]
    continued = [asked for asked in longer.unfinished() if asked.number > running.number]
    assert len(complete) == len(continued) == 3
    assert all(asked.configuration.epochs == 6 for asked in longer.unfinished())
    assert longer.count() == 7
    shown = by_id(longer.results())
    assert not set(shown) & {row.id for row in complete}
    for row, asked in zip(complete, continued, strict=True):
        assert shown[asked.id].params == {**row.params, "epochs": 6}
        assert longer.curves()[asked.number] == curves_before[int(row.id)]
        assert list(longer.folder.trial(asked.id).glob("checkpoint-*"))
        train(longer, asked, 0.8, 0.9, begin=5)
        assert longer.finish(asked.number, "complete").epochs == 6
    assert open_memory(tmp_path, "space.epochs=6").unfinished()[0].id == running.id


def test_lengthening_that_is_killed_anywhere_ends_the_same(tmp_path: Path) -> None:
    made = tmp_path / "made"
    run_to_the_end(open_memory(made))
    whole = tmp_path / "whole"
    shutil.copytree(made, whole)
    begin = (made / "journal.log").stat().st_size
    expected = open_memory(whole, "space.epochs=6").results()
    content = (whole / "journal.log").read_bytes()
    for size in [*range(begin, len(content), 97), len(content)]:
        killed = tmp_path / f"killed-{size}"
        shutil.copytree(whole, killed)  # every folder is there already, as if each had been copied just before the kill
        (killed / "journal.log").write_bytes(content[:size])
        assert open_memory(killed, "space.epochs=6").results() == expected


def test_a_finite_space_is_handed_out_whole_and_then_ends_the_study(tmp_path: Path) -> None:
    memory = open_memory(tmp_path, *FINITE, "search.trials=40")
    found = []
    for _ in range(12):
        assert not memory.exhausted
        asked = new(memory)
        found.append(asked.configuration)
        train(memory, asked, 0.5)
        memory.finish(asked.number, "complete")
    combinations = {(c.backbone.params["width"], c.embedding_dim, c.loss.params["margin"]) for c in found}
    assert combinations == set(product((16, 32), (8, 16), (0.1, 0.2, 0.3)))
    assert memory.ask() is None
    assert memory.exhausted
    assert open_memory(tmp_path, *FINITE, "search.trials=40").exhausted
    assert not open_memory(tmp_path, *FINITE, "search.trials=12").exhausted


def test_tpe_that_insists_on_known_configurations_still_finds_the_last_one(tmp_path: Path) -> None:
    memory = open_memory(tmp_path, *FINITE, "search.trials=40", "search.algorithm=tpe")
    for _ in range(12):
        asked = new(memory)
        train(memory, asked, 1.0 if asked.configuration.embedding_dim == 8 else 0.0)
        memory.finish(asked.number, "complete")
    assert len({row.arm + str(sorted(row.params.items())) for row in memory.results()}) == 12
    assert memory.exhausted


@pytest.mark.parametrize("algorithm", ["tpe", "random"])
def test_normalisation_image_size_and_augmentation_are_proposed_like_anything_else(
    tmp_path: Path, algorithm: str
) -> None:
    choices = ("space.normalize=[true, false]", "space.image_size=[8, 12]", "space.augmentation=[none, flip]")
    memory = open_memory(tmp_path, "space.loss=triplet", *choices, "search.trials=99", f"search.algorithm={algorithm}")
    while (asked := memory.ask()) is not None:
        memory.finish(asked.number, "failed", "nothing trained")
    rows = memory.results()
    assert len({(r.params["normalize"], r.params["image_size"], r.params["augmentation"]) for r in rows}) == 8
    assert len(rows) == 8 * 4  # x two widths x two embedding widths
    assert {(row.arm, row.params["augmentation"]) for row in rows} == {
        ("mlp triplet random adam constant", "none"),
        ("mlp triplet random adam constant flip", "flip"),
    }


@pytest.mark.parametrize("algorithm", ["tpe", "random"])
def test_a_continued_study_does_not_propose_its_beginning_again(tmp_path: Path, algorithm: str) -> None:
    margins = []
    for _ in range(3):
        memory = open_memory(tmp_path, f"search.algorithm={algorithm}")
        asked = new(memory)
        margins.append(next(iter(asked.configuration.loss.params.values())))
        train(memory, asked, 0.5)
        memory.finish(asked.number, "complete")
    assert len(set(margins)) == 3


def test_equal_seeds_propose_equally(tmp_path: Path) -> None:
    one, other = (open_memory(tmp_path / name, "search.algorithm=tpe") for name in ("one", "other"))
    for _ in range(15):
        asked = [new(memory) for memory in (one, other)]
        assert asked[0] == asked[1]
        for memory in (one, other):
            train(memory, asked[0], 0.1 * (asked[0].number % 7))
            memory.finish(asked[0].number, "complete")


def test_tpe_avoids_what_a_constraint_forbids_also_after_a_restart(tmp_path: Path) -> None:
    forbidden = []
    for begin in (0, 30):
        memory = open_memory(tmp_path, "search.algorithm=tpe", "search.trials=60")
        for _ in range(30):
            asked = new(memory)
            if asked.configuration.embedding_dim == 16:
                forbidden.append(asked.number)
                memory.mark_infeasible(asked.number)
                memory.finish(asked.number, "pruned", "infeasible: cost/flops is 3, the study allows at most 2")
            else:
                train(memory, asked, 0.5)
                memory.finish(asked.number, "complete")
        assert begin < memory.count()
    assert sum(number >= 30 for number in forbidden) < 10  # half of 30 without the constraint
    reasons = {row.reason for row in memory.results() if row.state == "pruned"}
    assert reasons == {"infeasible: cost/flops is 3, the study allows at most 2"}


def test_the_sampler_sees_the_best_and_the_newest_of_many_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposer, "WINDOW", 20)
    monkeypatch.setattr(proposer, "MOST_GOOD", 5)
    memory = open_memory(tmp_path, "search.trials=100")
    busy = new(memory)  # runs all the time
    for number in range(1, 51):
        asked = new(memory)
        train(memory, asked, 0.9 if number <= 5 else 0.5)
        memory.finish(asked.number, "complete")
    seen = [t for t in memory.group().proposer.copy.get_trials(deepcopy=False) if t.value is not None]
    assert len(seen) <= 30
    assert sum(t.value == 0.9 for t in seen) == 5
    assert memory._frozen(50).params == seen[-1].params
    memory.finish(busy.number, "failed", "its process died")


def test_latency_and_tests_join_the_rows_they_belong_to(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    rows = run_to_the_end(memory)
    best = rows[3]
    architecture = memory.asked(best.id).configuration.architecture
    memory.measured.note(
        latency={architecture: {"cost/latency_ms_p50": 1.5}}, tests={best.id: {"test/recall_at_1": 0.4}}
    )
    for row in open_memory(tmp_path).results():
        alike = memory.asked(row.id).configuration.architecture == architecture
        assert row.cost.get("cost/latency_ms_p50") == (1.5 if alike else None)
        assert ("test/recall_at_1" in row.metrics) == (row.id == best.id)


def test_a_number_that_is_not_finite_is_kept_and_never_the_best(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    asked = new(memory)
    memory.report(asked.number, report(1, 0.5, **{"train/loss": float("inf")}))
    memory.report(asked.number, report(2, float("nan")))
    assert memory.curves() == {0: {1: 0.5}}
    assert len(curves.read(memory.folder.trial(asked.id))) == 2
    assert memory.finish(asked.number, "complete").metrics["val/recall_at_1"] == 0.5


@pytest.mark.slow
def test_a_thousand_trials_cost_the_driver_a_few_milliseconds_each(tmp_path: Path) -> None:
    """Slow: 1,000 trials of nine reports. The bound is generous, for machines that do other things meanwhile."""
    memory = open_memory(tmp_path, "search.trials=1000", "search.algorithm=tpe")
    for _ in range(1000):
        asked = new(memory)
        for epoch in range(1, 10):
            memory.report(asked.number, report(epoch, (asked.number * 7919 % 1000) / 1000))
        begin = time.process_time()
        memory.finish(asked.number, "complete")
        assert time.process_time() - begin < 0.5
    begin = time.process_time()
    for _ in range(10):
        asked = new(memory)
        memory.finish(asked.number, "failed", "made up")
    assert (time.process_time() - begin) / 10 < 0.1


def test_how_many_run_at_once_is_heard_later_too(tmp_path: Path) -> None:
    memory = open_memory(tmp_path, "search.algorithm=tpe", "search.trials=100")
    first = memory.group()
    memory.expect(16)
    assert memory.group() is not first
    sampler = memory.group().proposer.sampler
    assert isinstance(sampler, TPESampler) and sampler._n_startup_trials == 32
