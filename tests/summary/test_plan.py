"""The plan: its numbers against a simulation that knows nothing of its formulas, and its words."""

from __future__ import annotations

import random
import statistics

import pytest

from ablate.store.read import StudyResults
from ablate.study.load import parse_study
from ablate.study.study import Objective, Study
from ablate.summary.plan import Plan, as_json, as_text, make_plan
from tests.study.sound import TEXT

COSTS = {
    "mlp dim=16": {"cost/params": 87568.0, "cost/flops": 172032.0},
    "cnn dim=16": {"cost/params": 19440.0, "cost/flops": 17203.0},
}


def study(*, trials: int, epochs: int, stopping: str = "none", loss: str = "{triplet: }") -> Study:
    text = f"""study: s
data: {{name: digits, protocol: closed}}
space: {{backbone: mlp, loss: {loss}, batch: {{classes: 10}}, epochs: {epochs}}}
search: {{trials: {trials}, stopping: {stopping}}}
"""
    return parse_study(text, "f.yaml")


def plan(**choices: object) -> Plan:
    return make_plan(study(**choices), COSTS)  # type: ignore[arg-type]


def simulated(*, trials: int, epochs: int, grace: int, factor: int, seed: int) -> tuple[dict[int, int], int]:
    """One after the other, trials of random quality go from epoch to epoch; how many came to each rung, and all epochs.

    At a rung a trial is compared with those that were there before; below their best 1 / factor it ends (Li et al. 2020).
    """
    draw = random.Random(seed)
    seen: dict[int, list[float]] = {}
    epoch = grace
    while epoch < epochs:
        seen[epoch] = []
        epoch *= factor
    in_all = 0
    for _ in range(trials):
        quality = draw.random()
        for epoch in range(1, epochs + 1):
            in_all += 1
            if epoch not in seen:
                continue
            value = quality + 0.3 * draw.random()  # an early rank is not yet the last one
            earlier = sorted(seen[epoch])
            seen[epoch].append(value)
            if earlier:
                place = (len(earlier) - 1) * (1 - 1 / factor)
                low, high = earlier[int(place)], earlier[min(int(place) + 1, len(earlier) - 1)]
                if value < low + (place - int(place)) * (high - low):
                    break
    return {epoch: len(values) for epoch, values in seen.items()}, in_all


@pytest.mark.parametrize(
    ("trials", "epochs", "grace", "factor"),
    [(20, 15, 3, 3), (60, 20, 2, 3), (100, 27, 1, 3), (40, 30, 1, 2), (9, 9, 1, 4)],
)
def test_rungs_and_epochs_are_about_those_of_simulated_halving(
    trials: int, epochs: int, grace: int, factor: int
) -> None:
    asha = f"{{asha: {{grace_epochs: {grace}, reduction_factor: {factor}}}}}"
    made = plan(trials=trials, epochs=epochs, stopping=asha)
    runs = [simulated(trials=trials, epochs=epochs, grace=grace, factor=factor, seed=seed) for seed in range(300)]
    assert [rung.epoch for rung in made.rungs] == list(runs[0][0])
    for rung in made.rungs:
        reached = statistics.mean(counts[rung.epoch] for counts, _ in runs)
        assert abs(rung.trials - reached) <= max(1.5, 0.2 * reached), (rung, reached)
    in_all = statistics.mean(total for _, total in runs)
    assert abs(made.epochs_in_all - in_all) <= 0.15 * in_all, (made.epochs_in_all, in_all)


def test_without_stopping_every_trial_trains_to_the_end() -> None:
    made = plan(trials=7, epochs=5)
    assert (made.rungs, made.last_epoch_trials, made.epochs_in_all) == ([], 7, 35)


def test_a_rung_at_the_last_epoch_is_none() -> None:
    made = plan(trials=9, epochs=9, stopping="{asha: {grace_epochs: 1, reduction_factor: 3}}")
    assert [rung.epoch for rung in made.rungs] == [1, 3]


@pytest.mark.ray
@pytest.mark.parametrize(
    ("epochs", "grace", "factor"), [(15, 3, 3), (27, 1, 3), (26, 1, 3), (9, 1, 3), (10, 9, 2), (64, 2, 2)]
)
def test_the_rungs_are_those_of_rays_asha(epochs: int, grace: int, factor: int) -> None:
    from ablate.engine.stopping import Stopping

    stopping = f"{{asha: {{grace_epochs: {grace}, reduction_factor: {factor}}}}}"
    asked = study(trials=9, epochs=epochs, stopping=stopping)
    assert asked.search.stopping is not None
    rays = Stopping(asked.search.stopping.asha, asked.objective, epochs)._brackets[0]._rungs
    made = make_plan(asked, COSTS)
    assert [rung.epoch for rung in made.rungs] == sorted(epoch for epoch, _ in rays if epoch < epochs)


def test_a_space_smaller_than_the_trials_asked_for_is_said_to_be() -> None:
    made = plan(trials=20, epochs=5, loss="{triplet: {margin: [0.1, 0.2, 0.3]}}")
    assert (made.trials, made.trials_asked, made.configurations, made.epochs_in_all) == (3, 20, 3, 15)
    assert "3 configurations, fewer than the 20 trials asked for: each is tried once" in as_text(made, "f.yaml")


def test_what_is_drawn_stands_apart_from_what_is_fixed() -> None:
    made = plan(trials=2, epochs=5)
    assert made.space == {"loss.triplet.margin": "0.05 to 1"}
    assert made.fixed["batch.classes"] == 10 and made.fixed["backbone"] == "mlp"
    assert "  loss.triplet.margin   0.05 to 1" in as_text(made, "f.yaml").splitlines()


def test_the_text_has_one_idea_per_line_the_cheapest_network_first_and_the_next_command_last() -> None:
    asha = "{asha: {grace_epochs: 1, reduction_factor: 3}}"
    lines = as_text(plan(trials=9, epochs=9, stopping=asha), "f.yaml").splitlines()
    assert lines[-1] == "run it         ablate run f.yaml"
    assert max(map(len, lines)) <= 120
    table = [line.split() for line in lines if "MFLOP" in line]
    assert [row[0] for row in table] == ["cnn", "mlp"] and table[0][-2:] == ["0.017", "MFLOP"]
    assert as_json(plan(trials=2, epochs=5)).startswith("{")


@pytest.mark.parametrize(
    ("constraints", "forbidden"),
    [
        ("{cost/params: {max: 20000}}", {"mlp dim=16": "cost/params at most 20000"}),
        ("{cost/flops: {min: 17203, max: 172032}}", {}),
        ("{cost/latency_ms_p50: {max: 0}}", {}),  # not known before it is measured
        (
            "{cost/flops: {min: 99999}, cost/params: {min: 50000}}",
            {"cnn dim=16": "cost/flops at least 99999, cost/params at least 50000"},
        ),
    ],
)
def test_architectures_that_break_a_constraint_are_counted_and_marked(
    constraints: str, forbidden: dict[str, str]
) -> None:
    text = study(trials=2, epochs=5).text + f"constraints: {constraints}\n"
    made = make_plan(parse_study(text, "f.yaml"), COSTS)
    assert made.forbidden == forbidden
    lines = as_text(made, "f.yaml").splitlines()
    assert sum("1 of them break a constraint" in line for line in lines) == len(forbidden)
    marked = {line.split()[0]: line.partition("infeasible: ")[2] for line in lines if "infeasible: " in line}
    assert marked == {name.split()[0]: broken for name, broken in forbidden.items()}


def test_what_an_earlier_run_wrote_down_of_the_data_is_told() -> None:
    asked = parse_study(TEXT, "f.yaml")
    earlier = StudyResults("faces", "", Objective("val/auc", "maximize"), [], notes=("3 broken files left out",))
    assert "data           3 broken files left out" in as_text(make_plan(asked, {}, earlier), "f.yaml").splitlines()
    assert not [line for line in as_text(make_plan(asked, {}), "f.yaml").splitlines() if line.startswith("data ")]


@pytest.mark.parametrize(
    ("resources", "told"),
    [
        ("{}", "1 CPU"),
        ("{cpus: 4, gpus: 1}", "4 CPUs and 1 GPU; without a GPU: --set resources.gpus=0"),
        ("{gpus: 0.25}", "1 CPU and 0.25 of a GPU; without a GPU: --set resources.gpus=0"),
        ("{gpus: auto}", "1 CPU and a share of a GPU, as its memory allows; without a GPU: --set resources.gpus=0"),
        (
            "{cpus: 2, gpus: 1, workers: 2}",
            "2 workers, each with 2 CPUs and 1 GPU; without a GPU: --set resources.gpus=0",
        ),
    ],
)
def test_it_says_what_a_trial_holds(resources: str, told: str) -> None:
    space = "{backbone: mlp, loss: {triplet: }, batch: {classes: 10}, epochs: 1}"
    text = f"study: s\ndata: {{name: digits, protocol: closed}}\nspace: {space}\nresources: {resources}\n"
    lines = as_text(make_plan(parse_study(text, "f.yaml"), COSTS), "f.yaml --set seed=3").splitlines()
    assert f"a trial holds  {told}" in lines
    assert lines[-1] == "run it         ablate run f.yaml --set seed=3"
