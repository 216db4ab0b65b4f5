"""The registry reads what a component takes from its signature, and says what was meant by a name it does not know."""

from __future__ import annotations

import pytest

from ablate.catalogue.registry import Parameter, Registry
from ablate.errors import UnknownComponent


@pytest.fixture
def registry() -> Registry[float]:
    made: Registry[float] = Registry("loss", "ablate.catalogue.costs")  # a module that registers nothing

    @made.register("triplet", source="somewhere", bounds={"margin": (0.0, 2.0)}, space={"margin": {"uniform": [0, 1]}})
    def triplet(weights: object, *, margin: float = 0.2, hard: bool = False) -> float:
        """An anchor, a positive, a negative.

        The rest is not for lists.
        """
        return margin

    return made


def test_keyword_only_parameters_are_what_a_study_file_can_set(registry: Registry[float]) -> None:
    inf = float("inf")
    assert registry["triplet"].parameters == {
        "margin": Parameter("margin", float, 0.2, 0.0, 2.0),
        "hard": Parameter("hard", bool, False, -inf, inf),
    }
    assert registry["triplet"].summary == "An anchor, a positive, a negative."


def test_an_unknown_name_is_answered_with_the_nearest_and_all_there_are(registry: Registry[float]) -> None:
    with pytest.raises(UnknownComponent) as caught:
        registry["tripelt"]
    assert str(caught.value) == "loss 'tripelt' is not registered\n  did you mean 'triplet'? Known: triplet"
    assert "tripelt" not in registry and "triplet" in registry


def test_a_name_is_given_once(registry: Registry[float]) -> None:
    with pytest.raises(AssertionError, match="loss 'triplet' is registered twice"):
        registry.register("triplet", source="elsewhere")(lambda: 0.0)


def test_a_parameter_that_yaml_cannot_write_is_our_own_mistake() -> None:
    made: Registry[object] = Registry("loss", "ablate.catalogue.costs")

    @made.register("odd", source="somewhere")
    def odd(*, shape: tuple[int, int] = (1, 1)) -> object:
        """Takes a tuple."""
        return shape

    with pytest.raises(AssertionError, match="loss odd: parameter shape is no scalar"):
        _ = made["odd"].parameters
