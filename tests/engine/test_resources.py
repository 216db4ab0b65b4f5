"""How many trials run at once, and what is refused."""

from __future__ import annotations

import pytest

from ablate.engine.resources import Budget, Machine, budget, local_cpus, local_gpus
from ablate.errors import ResourceError
from ablate.study.spending import Resources


@pytest.mark.parametrize(
    ("have", "trial", "slots"),
    [
        (Budget(8, 0), Resources(cpus=2), 4),
        (Budget(3, 0), Resources(cpus=2), 1),
        (Budget(32, 4), Resources(cpus=2, gpus=1), 4),
        (Budget(32, 4), Resources(cpus=2, gpus=0.5), 8),
        (Budget(32, 1), Resources(cpus=1, gpus=1 / 3), 3),
        (Budget(32, 2), Resources(cpus=1, gpus=0.4), 4),  # two per GPU: a fraction never spans two of them
        (Budget(4, 4), Resources(cpus=2, gpus=0.25), 2),  # CPUs are the limit
        (Budget(32, 0.5), Resources(cpus=1, gpus=0.25), 2),
        (Budget(8, 0), Resources(cpus=1, workers=3), 2),
        (Budget(32, 4), Resources(cpus=2, gpus=1, workers=4), 1),
        (Budget(32, 7), Resources(cpus=2, gpus=1, workers=3), 2),
    ],
)
def test_slots_are_what_the_scarcest_resource_allows(have: Budget, trial: Resources, slots: int) -> None:
    assert have.slots(trial) == slots


def test_a_trial_that_does_not_fit_at_all_is_refused_with_the_key_to_change() -> None:
    with pytest.raises(ResourceError, match=r"resources\.cpus"):
        Budget(1, 0).slots(Resources(cpus=2))
    with pytest.raises(ResourceError, match=r"resources\.gpus to 0"):
        Budget(8, 0).slots(Resources(cpus=2, gpus=0.5))
    with pytest.raises(ResourceError, match=r"6 CPUs \(resources\.cpus x resources\.workers\)"):
        Budget(4, 0).slots(Resources(cpus=2, workers=3))
    with pytest.raises(ResourceError, match=r"4 GPUs .*\n.*resources\.workers to less"):
        Budget(32, 2).slots(Resources(gpus=1, workers=4))


SMALL, LARGE = Machine(3, 0), Machine(16, 4)


@pytest.mark.parametrize(
    ("machines", "trial", "slots"),
    [
        ((SMALL, SMALL, SMALL), Resources(cpus=2), 3),  # nine CPUs, but one of each machine is left over
        ((SMALL, LARGE), Resources(cpus=4), 4),
        ((SMALL, LARGE), Resources(cpus=1, gpus=0.5), 8),
        ((Machine(2, 8), LARGE), Resources(cpus=2, gpus=1), 5),  # eight GPUs behind two CPUs
        ((SMALL, SMALL), Resources(cpus=3, workers=2), 1),  # workers of a trial may be on two machines
    ],
)
def test_on_a_cluster_each_trial_finds_its_place_on_one_machine(
    machines: tuple[Machine, ...], trial: Resources, slots: int
) -> None:
    all_of_it = Budget(sum(m.cpus for m in machines), sum(m.gpus for m in machines), machines)
    assert all_of_it.slots(trial) == slots
    assert Budget(trial.all_cpus, all_of_it.gpus, machines).slots(trial) == 1  # the user's bound


def test_a_trial_that_no_machine_of_a_cluster_can_hold_is_refused() -> None:
    with pytest.raises(
        ResourceError, match=r"asks for 4 CPUs on one machine, and the best of the cluster has 3 CPUs\n"
    ):
        Budget(9, 0, (SMALL,) * 3).slots(Resources(cpus=4))
    behind = (Machine(64, 0), Machine(4, 8))
    with pytest.raises(ResourceError, match=r"8 CPUs and 1 of a GPU on one machine, .* has 4 CPUs and 8 GPUs\n"):
        Budget(68, 8, behind).slots(Resources(cpus=8, gpus=1))
    with pytest.raises(
        ResourceError, match=r"of the 3 workers of a trial only 2 find a place .*\n.*workers to 2 or less"
    ):
        Budget(6, 0, (SMALL, SMALL)).slots(Resources(cpus=2, workers=3))


def test_auto_divides_whole_gpus() -> None:
    with pytest.raises(ResourceError, match=r"divides whole GPUs, and the study may use 0.5\n  give --gpus 1 or more"):
        Budget(8, 0.5).slots(Resources(gpus="auto"))
    assert Budget(8, 2).slots(Resources(gpus="auto")) == 2


def test_asking_for_more_than_was_found_is_refused_with_what_was_found() -> None:
    with pytest.raises(ResourceError, match=r"--gpus 4: this machine has 0 GPUs"):
        budget(None, 4, found_cpus=2, found_gpus=0, where="this machine")
    with pytest.raises(ResourceError, match=r"--cpus 64: this machine has 2 CPUs"):
        budget(64, None, found_cpus=2, found_gpus=0, where="this machine")


@pytest.mark.parametrize(
    ("cpus", "gpus", "named"), [(0, None, "--cpus 0"), (-2, None, "--cpus -2"), (None, -1.0, "--gpus -1")]
)
def test_asking_for_too_little_to_run_is_refused(cpus: int | None, gpus: float | None, named: str) -> None:
    with pytest.raises(ResourceError, match=f"{named}: a study needs at least"):
        budget(cpus, gpus, found_cpus=2, found_gpus=1, where="this machine")


def test_one_cpu_is_no_cpus() -> None:
    with pytest.raises(ResourceError, match=r"--cpus 64: this machine has 1 CPU\n"):
        budget(64, None, found_cpus=1, found_gpus=0, where="this machine")
    with pytest.raises(ResourceError, match=r"a trial asks for 1 GPU \(resources"):
        Budget(1, 0).slots(Resources(gpus=1))
    with pytest.raises(ResourceError, match=r"a trial asks for 2 CPUs .*, the study may use 1\n"):
        Budget(1, 0).slots(Resources(cpus=2))


def test_nothing_asked_for_means_all_that_was_found() -> None:
    assert budget(None, None, found_cpus=2, found_gpus=1, where="here") == Budget(2, 1)
    assert budget(1, 0, found_cpus=2, found_gpus=1, where="here") == Budget(1, 0)


def test_this_machine_is_counted_without_starting_anything() -> None:
    assert local_cpus() >= 1
    assert local_gpus() >= 0
