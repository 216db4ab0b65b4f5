"""Every mistake a user can make, as one hierarchy; the command line turns each into one message and exit code 2.

AblateError
├── StudyError          the study file: all its faults at once, each with line and mend
├── UnknownComponent    a name that no registry has
├── DataError           files missing, damaged, or not what they should be
├── DesignError         factors of an ablation that make no design
├── ResourceError       more CPUs or GPUs asked for than there are
├── StoreError          a study folder that cannot be used as it stands
└── ModelError          an exported model that cannot be read or made
"""

from __future__ import annotations

from dataclasses import dataclass


class AblateError(Exception):
    """A mistake that the user can mend; its text says what is wrong, where, and how to mend it."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a study file."""

    where: str
    """File and line, as in `faces.yaml:12`."""
    what: str
    """The fault, naming the value."""
    mend: str
    """What to write instead."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n  {self.mend}"


class StudyError(AblateError):
    """The faults of a study file, all of them."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__(f"{count} in the study file, nothing was started\n" + "\n".join(map(str, faults)))


class UnknownComponent(AblateError):
    """A name that is not registered."""


class DataError(AblateError):
    """Data files that are missing, damaged, or not the ones expected."""


class DesignError(AblateError):
    """Factors, groups or excluded combinations of an ablation from which no design can be made."""


class ResourceError(AblateError):
    """CPUs or GPUs that are not there."""


class StoreError(AblateError):
    """A study folder that another run holds, or that holds another study."""


class ModelError(AblateError):
    """A folder that holds no model that can be used, or a network that cannot be exported."""
