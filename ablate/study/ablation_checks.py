"""What the arms of an ablation must be before one of them trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ablate.errors import Fault
from ablate.study.configuration import SLOTS
from ablate.study.domain import Fixed, describe, limits
from ablate.study.pairing import misfits
from ablate.study.space import Space
from ablate.study.space_file import REGISTRIES
from ablate.study.yaml_lines import Document, Path

Tell = Callable[[Path, str, str], None]
"""(where below `ablation`, what is wrong, how to mend it)."""


def check_bounds(spaces: Mapping[str, Space], factors: Sequence[str], tell: Tell) -> None:
    """No arm gives a component a number that leaves its bounds."""
    placed = dict.fromkeys(  # each value once for each component, not for each arm
        (slot, level, name, domain)
        for space in spaces.values()
        for slot, levels in space.slots.items()
        for level, params in levels.items()
        for name, domain in params.items()
        if f"{slot}.{name}" in factors
    )
    for slot, level, name, domain in placed:
        parameter = REGISTRIES[slot][level].parameters[name]
        if parameter.type not in (int, float):
            continue
        low, high = limits(domain)
        if low < parameter.low or high > parameter.high:
            what = f"{describe(domain)} leaves the bounds of {slot} {level}"
            tell(("factors", f"{slot}.{name}"), what, f"stay within {parameter.low:g} to {parameter.high:g}")


def check_pairings(spaces: Mapping[str, Space], tell: Tell) -> None:
    """No arm joins components that cannot work together."""
    told = set()
    for arm, space in spaces.items():
        for misfit in misfits(space):
            if misfit.what not in told:  # once, not for each arm
                told.add(misfit.what)
                tell(
                    ("factors",),
                    f"arm {arm}: {misfit.what}",
                    f"leave the combination out with `exclude`, or {misfit.mend}",
                )


def check_tuning(spaces: Mapping[str, Space], epochs: int | None, tell: Tell) -> None:
    """Every arm has something to tune, and its rate is reached in the `epochs` of a tuning trial where those are fewer."""
    idle = [arm for arm, space in spaces.items() if space.size == 1]
    if idle:
        more = f" and {len(idle) - 1} more" if len(idle) > 1 else ""
        tell(("tune",), f"arm {idle[0]}{more}: there is nothing to tune", "give a range in `space`, or leave tune out")
    if epochs is None:
        return
    for arm, space in spaces.items():
        for misfit in misfits(replace(space, epochs=epochs)):
            if misfit.key == "schedule":
                tell(("tune", "epochs"), f"arm {arm}: {misfit.what}", f"{misfit.mend}, or tune for more epochs")
                return


def check_choices(document: Document, spaces: Mapping[str, Space], faults: list[Fault]) -> None:
    """Without tuning nothing is left to choose."""
    told = set()
    for space in spaces.values():
        for name, domain in space.domains.items():
            slot, _, rest = name.partition(".")
            exists = slot not in SLOTS or not rest or rest.partition(".")[0] in space.slots[slot]
            if not isinstance(domain, Fixed) and exists and name not in told:
                told.add(name)
                where = document.where(("space", *name.split(".")))
                what = f"space.{name}: nothing chooses among its values in an ablation without tune"
                faults.append(Fault(where, what, "write one value, make it a factor, or add ablation.tune"))
