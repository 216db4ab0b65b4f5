"""What a worker is told: everything that one trial needs, as plain values that cross processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ablate.objects import Objects
from ablate.study.configuration import Configuration
from ablate.types import Scalar


@dataclass(frozen=True)
class DataSpec:
    """Which images a trial learns from and is judged by."""

    name: str
    params: tuple[tuple[str, Scalar], ...]
    """Parameters of the data set; a tuple, so that a spec can key a cache."""
    root: str
    """Absolute path of the data folder."""
    image_size: int
    """Height and width in pixels."""
    protocol: str
    val_fraction: float
    test_fraction: float
    rotate_classes: bool
    seed: int
    """Divides what is not the test into train and val."""
    test_seed: int
    """Draws the test, where there is no official one: one for all trials of a study, or tuning would see what judges."""
    ways: int = 20
    """Of protocol one_shot: classes of an episode."""
    shots: int = 1
    """Examples of each."""
    mirror_classes: bool = False


@dataclass(frozen=True)
class TrialSpec:
    """One trial to train."""

    id: str
    configuration: Configuration
    data: DataSpec
    metric: str
    """The objective: val/recall_at_1."""
    goal: str
    """maximize or minimize."""
    seed: int
    """Drives initialisation, batches and mining, each through a stream of its own."""
    folder: str
    """Absolute path of the trial's folder, for its checkpoint."""
    cpus: int
    """Threads of each worker."""
    gpus: float
    """Share of an accelerator, of each worker; 0 trains on the CPU."""
    checkpoints: str = ""
    """Address in an object store where its checkpoints are kept while it trains; empty: in `folder`, which all machines see."""
    workers: int = 1
    """Processes that train it together."""
    constraints: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    """Bounds (min, max) on costs; those known before training are checked before it."""
    known_costs: Mapping[str, float] = field(default_factory=dict)
    """What was measured of this architecture before, such as its latency."""
    measure: tuple[str, ...] = ()
    """What is timed of an architecture beside its latency: of `catalogue.costs.MEASURES`."""
    usd_per_hour: float | None = None
    """Price of the resources of one trial; None where none is listed."""
    read_test: bool = False
    """Whether the test split is read, once, by the weights of the best epoch: of the final trials of an ablation."""
    checkpoint_seconds: float = 2.0
    """Least time between two checkpoints; a killed trial loses no more than this and one epoch."""

    @property
    def place(self) -> Path | Objects:
        """Where the trial keeps what outlives its process."""
        return Objects(self.checkpoints) if self.checkpoints else Path(self.folder)

    def to_dict(self) -> dict[str, Any]:
        """Plain types only; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TrialSpec:
        """The spec that `to_dict` wrote, also after a way through JSON, which knows no tuples."""
        raw = data["data"]
        params = tuple((str(name), value) for name, value in raw["params"])
        return cls(
            **{
                **data,
                "configuration": Configuration.from_dict(data["configuration"]),
                "data": DataSpec(**{**raw, "params": params}),
                "measure": tuple(data["measure"]),
                "constraints": {name: (low, high) for name, (low, high) in data["constraints"].items()},
            }
        )
