"""Components that do not go together: what one of them chooses or leaves, the other could not use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ablate.catalogue import losses, samplers
from ablate.study.domain import Fixed, limits
from ablate.study.space import Space, values


@dataclass(frozen=True)
class Misfit:
    """Two choices of a space that make no trial."""

    key: str
    """Which key of `space` is to change: normalize, sampler or schedule."""
    what: str
    """Why they do not go together."""
    mend: str
    """How a study file is mended."""


def misfits(space: Space) -> Iterator[Misfit]:
    """Everything that `space` would join in one trial and that does not go together."""
    needs = {"loss": losses.NEEDS_LENGTH_1, "sampler": samplers.NEEDS_LENGTH_1}
    if any(value is False for value in values(space.normalize)):  # `is`: a value at fault is read as 0
        for slot, names in needs.items():
            for name in (name for name in space.slots.get(slot, ()) if name in names):
                what = f"normalize is false, which leaves embeddings of any length, but {slot} {name} needs length 1"
                yield Misfit("normalize", what, f"write true, or take {name} out of space.{slot}")
    choosing = [name for name in space.slots.get("sampler", ()) if name != "random"]
    alone = [name for name in space.slots.get("loss", ()) if name in losses.CHOOSES_ITSELF]
    if choosing and alone:
        what = f"loss {alone[0]} {losses.CHOOSES_ITSELF[alone[0]]}, so sampler {choosing[0]} would change nothing sound"
        yield Misfit("sampler", what, f"write random, or take {alone[0]} out of space.loss")
    for name, params in space.slots.get("schedule", {}).items():
        longest = limits(params.get("warmup", Fixed(0.0)))[1]
        if 0 < space.epochs < longest:
            what = (
                f"{name} warms up for {longest:g} epochs, but there are {space.epochs}: its rate would never be reached"
            )
            yield Misfit("schedule", what, f"set warmup to {space.epochs} or less")
