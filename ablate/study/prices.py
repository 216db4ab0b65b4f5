"""Price lists: what an hour of a machine costs, where that was read, and when."""

from __future__ import annotations

import datetime
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from ablate.errors import Fault
from ablate.study.keys import near
from ablate.study.spending import Resources
from ablate.study.strict import Strict
from ablate.study.yaml_lines import Document


class Price(Strict):
    """One machine of a list."""

    usd_per_gpu_hour: float | None = Field(None, ge=0)
    """Of one GPU, with the CPUs and the memory that come with it."""
    usd_per_cpu_hour: float | None = Field(None, ge=0)
    """Of one CPU, where trials train without a GPU."""
    date: datetime.date
    """When this was the price."""
    source: str = Field(min_length=1)
    """Where it can be read."""

    def usd_per_hour(self, resources: Resources) -> float | None:
        """Of one trial; None where what it trains on has no price."""
        amount, price = (
            (resources.all_gpus, self.usd_per_gpu_hour)
            if resources.gpu_share
            else (resources.all_cpus, self.usd_per_cpu_hour)
        )
        return None if price is None else amount * price


class PriceList(Strict):
    """A file of them."""

    machines: dict[str, Price]
    """Name -> its price."""


def read_price(document: Document, resources: Resources | None, faults: list[Fault]) -> Price | None:
    """The price that a study names; None where it names none, or where that has faults, which are appended.

    `resources` is None where the file has faults elsewhere: its list is then read all the same, so that all are told at once.
    """
    path, machine = document.get("cost", "prices"), document.get("cost", "machine")
    found = _read(document, path, faults) if isinstance(path, str) else None
    if found is None or not isinstance(machine, str):
        return None
    where = document.where(("cost", "machine"))
    if machine not in found.machines:
        what = f"cost.machine: {path} lists no '{machine}'"
        faults.append(Fault(where, what, near(machine, list(found.machines))))
        return None
    price = found.machines[machine]
    if resources is not None and price.usd_per_hour(resources) is None:
        key = "usd_per_gpu_hour" if resources.gpu_share else "usd_per_cpu_hour"
        what = f"cost.machine: {path} lists no {key} of '{machine}', which the trials train on"
        faults.append(Fault(where, what, "write it there, with its date and source, or leave prices and machine out"))
        return None
    return price


def _read(document: Document, path: str, faults: list[Fault]) -> PriceList | None:
    """The list, if it is one; each of its faults is told."""
    mend = "cluster/prices.yaml says at its top how one is written"
    try:
        return PriceList.model_validate(yaml.safe_load(Path(path).expanduser().read_text(encoding="utf-8")))
    except OSError as error:
        reasons, mend = [(error.strerror or str(error)).lower()], "name a file, as in cluster/prices.yaml"
    except UnicodeDecodeError:
        reasons = ["it is no text in UTF-8"]
    except yaml.YAMLError as error:
        reasons = [" ".join(str(error).split())]
    except ValidationError as error:
        reasons = [f"{'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}" for each in error.errors()]
    where = document.where(("cost", "prices"))
    faults += [Fault(where, f"cost.prices: {path} cannot be read: {reason}", mend) for reason in reasons]
    return None
