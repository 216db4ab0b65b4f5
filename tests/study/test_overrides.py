"""`--set KEY=VALUE` changes what it names and nothing else; what it cannot do, it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ablate.errors import StudyError
from ablate.study.domain import Choice, Fixed, Uniform
from ablate.study.load import load_study, parse_study
from ablate.study.study import Study

TEXT = """study: s
data: {name: digits, protocol: closed}
space:
  backbone: mlp
  loss: [triplet, contrastive]
  optimizer: adam
  batch: {classes: 10, per_class: 4}
search: {trials: 5, stopping: {asha: }}
"""
ABLATION = """study: s
data: {name: digits, protocol: closed}
space: {backbone: mlp, loss: contrastive, optimizer: adam, batch: {classes: 10, per_class: 4}}
ablation: {design: one_at_a_time, factors: {loss: [triplet, contrastive]}}
"""


def load(*assignments: str) -> Study:
    return parse_study(TEXT, "f.yaml", assignments)


def refused(*assignments: str) -> str:
    with pytest.raises(StudyError) as caught:
        load(*assignments)
    return str(caught.value)


def test_values_are_yaml_and_keys_are_dotted() -> None:
    study = load("search.trials=40", "space.embedding_dim=[8, 16]", "seed=3", "constraints.cost/flops.max=1e9")
    assert (study.search.trials, study.seed, study.constraints["cost/flops"].max) == (40, 3, 1e9)
    assert study.space.embedding_dim == Choice((8, 16))


def test_the_text_of_a_changed_study_gives_the_same_study_without_the_changes() -> None:
    changes = (
        "search.trials=40",
        "space.optimizer.adam.lr={log_uniform: [1e-4, 1e-2]}",
        "question='1e-4: which, 010?'",
    )
    changed = load(*changes)
    again = parse_study(changed.text, "runs/s/study.yaml")
    assert again.resolved == changed.resolved and again.meaning == changed.meaning
    head = "".join(f"# --set {change}\n" for change in changes)
    assert changed.text.startswith(f"# f.yaml, changed on the command line by\n{head}study: s\n")
    assert load().text == TEXT, "comments and all, where nothing is changed"


@pytest.mark.parametrize("path", sorted(Path("search_spaces").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_changed_text_of_every_shipped_study_gives_the_same_study(path: Path) -> None:
    changed = load_study(path, ["seed=3"])
    again = parse_study(changed.text, "runs/s/study.yaml")
    assert (again.meaning, again.ablation, again.resolved) == (changed.meaning, changed.ablation, changed.resolved)
    resolved = parse_study(json.dumps(changed.resolved), "study.json")
    assert (resolved.meaning, resolved.ablation) == (changed.meaning, changed.ablation), (
        "as `show` and `export` read it"
    )


def test_a_level_that_stood_alone_stays_the_baseline_in_a_changed_text() -> None:
    changed = parse_study(ABLATION, "f.yaml", ["seed=3"])
    again = parse_study(changed.text, "g.yaml")
    assert changed.ablation is not None and again.ablation is not None
    assert again.ablation.plan == changed.ablation.plan and again.meaning == changed.meaning
    assert "loss: contrastive\n" in changed.text


def test_a_component_that_is_named_alone_can_be_given_a_parameter() -> None:
    study = load("space.optimizer.adam.lr={log_uniform: [1e-4, 1e-2]}")
    assert study.space.domains["optimizer.adam.lr"] == Uniform(1e-4, 1e-2, log=True)


def test_later_assignments_build_on_earlier_ones() -> None:
    study = load("space.loss=triplet", "space.loss.triplet.margin=0.3", "search.trials=4", "search.trials=6")
    assert study.space.domains["loss.triplet.margin"] == Fixed(0.3) and study.search.trials == 6


def test_the_study_says_what_was_asked_with_the_changes_in() -> None:
    assert load("search.trials=40").resolved["search"]["trials"] == 40


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("search.trials", "this is no KEY=VALUE"),
        ("=4", "this is no KEY=VALUE"),
        ("a..b=1", "this is no KEY=VALUE"),
        ("search.trials=[1", "this is no YAML"),
        ("search.trials=", "search.trials: is empty"),
        ("search.trials=0", "search.trials: 0 is too small"),
        ("serach.trials=4", "did you mean 'search'?"),
        ("search.trails=4", "did you mean 'trials'?"),
        ("trials=4", "it is read at 'search.trials'"),
        ("loss.triplet.margin=0.2", "it is read at 'space.loss'"),
        ("constraints.cost/flop.max=1", "did you mean 'cost/flops'?"),
        ("study.a=1", "study is 's' (f.yaml:1); setting a below it would replace that"),
        ("study={a: 1}", "study: {a: 1} is not text"),
        ("space.loss.triplet.margin=0.2", "space.loss is [triplet, contrastive] (f.yaml:5); setting triplet below it"),
        ("space.optimizer.sgd.lr=0.1", "space.optimizer is 'adam' (f.yaml:6)"),
        ("search.stopping.asha.grace_epochs=2", "which stands for its defaults"),
        ("data=digits", "write data: {name: digits}"),
        ("space.batch.classes=5000", "the training split has only 10 classes"),
    ],
)
def test_what_cannot_be_set_is_refused_under_its_own_name(assignment: str, words: str) -> None:
    message = refused(assignment)
    assert f"--set {assignment}: " in message and words in message, message


def test_faults_of_the_command_line_and_of_the_file_are_told_together() -> None:
    with pytest.raises(StudyError) as caught:
        parse_study(TEXT.replace("backbone: mlp", "backbone: mpl"), "f.yaml", ["bad", "search.trials=0"])
    assert [fault.where for fault in caught.value.faults] == ["f.yaml:4", "--set bad", "--set search.trials=0"]


def test_text_that_reads_as_a_number_is_quoted_for_the_shell_too() -> None:
    assert "write --set 'study=\"2024\"'" in refused("study=2024")
    assert load('study="2024"').name == "2024"
