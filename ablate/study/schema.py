"""The study file's schema: what stands under each key, its type, unit and default.

`space` is checked apart (`space_file.py`), against the signatures of the catalogue.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from ablate.study.spending import Cost, Limit, Resources
from ablate.study.strict import Strict

IMAGE_SIZES = (8, 512)
"""The smallest and the largest, in pixels."""


MOST_SEED = 1_000_000
"""Seeds of an ablation are below; its tuning takes others, from here on."""


class Data(Strict):
    """What is learned from, and how it is divided."""

    name: str
    """A data set of the catalogue: `ablate list datasets`."""
    image_size: int | None = Field(None, ge=IMAGE_SIZES[0], le=IMAGE_SIZES[1])
    """Height and width in pixels; by default the data set's own. To compare sizes, it is a key of `space` instead."""
    protocol: Literal["retrieval", "verification", "closed", "one_shot", "pairs"] = "retrieval"
    """retrieval, verification, one_shot: no class is in two splits; closed: the same classes in all, no image in two.

    pairs, of books alone: no reader is in two splits; two books that one reader liked belong together.
    """
    val_fraction: float = Field(0.2, gt=0, lt=1)
    """Share of the training part's classes (closed: of its images) held out for validation."""
    test_fraction: float = Field(0.2, gt=0, lt=1)
    """Share held out for the test, where the data set has no official test part."""
    rotate_classes: bool = False
    """Training classes turned by 90, 180 and 270 degrees count as classes of their own (Santoro et al. 2016)."""
    mirror_classes: bool = False
    """Training classes mirrored left to right count as classes of their own; with rotate_classes each counts eight times."""
    ways: int = Field(20, ge=2)
    """one_shot: classes of an episode, among which an image is told; they are drawn from all classes of the split."""
    shots: int = Field(1, ge=1)
    """one_shot: examples of each class; of more than one the mean of their embeddings stands for the class."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the data set, where it has any; checked against its builder."""


class Objective(Strict):
    """What the search maximises or minimises, on the validation split."""

    metric: str | None = None
    """A metric with its split, from `ablate list metrics`; by default val/recall_at_1, of verification and pairs val/auc,
    of one_shot val/one_shot_accuracy.

    Only `val/`: the test split is sealed.
    """
    goal: Literal["maximize", "minimize"] | None = None
    """Which way the metric is better, for the reader's sake: anything else is refused."""


class OneObjective(Strict):
    """One of several that a search weighs against each other."""

    metric: str
    """A metric of the validation split, or a cost: `ablate list metrics`, `ablate list costs`."""
    goal: Literal["maximize", "minimize"] | None = None
    """Which way it is better, for the reader's sake: anything else is refused."""


class Asha(Strict):
    """Asynchronous successive halving (Li et al. 2020, arXiv:1810.05934), in Ray Tune's stopping variant."""

    grace_epochs: int = Field(1, ge=1)
    """No trial is stopped before it has trained this many epochs."""
    reduction_factor: int = Field(3, ge=2)
    """At each rung one trial of this many goes on; rungs lie at grace_epochs times its powers."""


class Stopping(Strict):
    """Which trials end early."""

    asha: Asha
    """Stops the trials that are behind at a rung."""

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"asha": {}} if value in ("asha", {"asha": None}) else value


def _stopping(value: Any) -> Any:
    if value not in (None, "none", "asha") and not isinstance(value, dict):
        raise ValueError(f"{value!r} is not known here\nwrite none, asha, or {{asha: {{grace_epochs: 1}}}}")
    return None if value == "none" else value


class Search(Strict):
    """How configurations are proposed."""

    algorithm: Literal["tpe", "random", "nsga2"] = "tpe"
    """tpe: Optuna's tree-structured Parzen estimator (Watanabe 2023, arXiv:2304.11127); random: uniform.

    nsga2, of several objectives: crossing and mutation of the least dominated trials (Deb et al. 2002).
    """
    trials: int = Field(20, ge=1, le=1_000_000)
    """How many configurations are tried."""
    stopping: Stopping | None = None
    """`{asha: {...}}`, or `none`: every trial trains to its last epoch."""

    _none = field_validator("stopping", mode="before")(_stopping)


class Tune(Strict):
    """What each arm of an ablation gets to find its best configuration, the same for all."""

    trials: int = Field(ge=2, le=10_000)
    """Configurations that each arm tries."""
    epochs: int | None = Field(None, ge=1)
    """Epochs of each of them; by default those of the study."""
    algorithm: Literal["tpe", "random"] = "tpe"
    """How they are proposed: see `search.algorithm`."""
    stopping: Stopping | None = None
    """`{asha: {...}}`: an arm's trials that are behind its others end early; the trials that judge the arms never do."""

    _none = field_validator("stopping", mode="before")(_stopping)


class Ablation(Strict):
    """A designed comparison, in place of `search`."""

    design: Literal["one_at_a_time", "leave_one_out", "grid", "fractional"]
    """one_at_a_time: each other level alone; leave_one_out: each component left out; grid: all; fractional: a part of it."""
    factors: dict[str, Any] = Field(min_length=1)
    """What is compared: {loss: [contrastive, triplet], loss.margin: [0.1, 0.2]}; of leave_one_out each neutral level."""
    baseline: dict[str, Any] = Field(default_factory=dict)
    """The level of each factor that the others are compared with; by default its value in `space`, else its first level."""
    groups: dict[str, list[str]] = Field(default_factory=dict)
    """leave_one_out: {regularisation: [augmentation, optimizer.weight_decay]}: factors that are left out together, too."""
    when: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """{loss.margin: {loss: triplet}}: a factor that exists only where others have these levels."""
    exclude: list[dict[str, Any]] = Field(default_factory=list)
    """Combinations of levels that are left out: [{loss: info_nce, sampler: hard}]."""
    resolution: Literal[3, 4, 5] = 4
    """fractional, of two levels: main effects are clear of each other (3), of pairs too (4), pairs of each other (5)."""
    seeds: int | list[int] = 5
    """How often each arm is trained (0 to N-1), or a list: a seed drives split, initialisation and batches of all arms."""
    tune: Tune | None = None
    """Each arm first gets a search of its own, over the ranges in `space`; its best is then trained anew by each seed."""
    margin: float | None = Field(None, gt=0)
    """Differences of the objective up to this count as none: levels are called equivalent where the data show so."""
    deviation: float | None = Field(None, gt=0)
    """What you expect as standard deviation of a difference between seeds: `ablate plan` then says what the design can see."""

    @field_validator("seeds", mode="before")
    @classmethod
    def _distinct(cls, value: Any) -> Any:
        if type(value) is int:
            sound = 1 <= value <= MOST_SEED
        else:  # each of them a seed, and none twice
            whole = isinstance(value, list) and all(type(seed) is int and 0 <= seed < MOST_SEED for seed in value)
            sound = whole and 0 < len(value) == len(set(value))
        if not sound:
            raise ValueError(
                f"{value} are no seeds\nwrite how many (5), or different whole numbers below {MOST_SEED} ([0, 1, 2])"
            )
        return value


class StudyFile(Strict):
    """One study, as the YAML file writes it."""

    study: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)
    """Name of the study: of its folder and of its MLflow runs. Letters, digits, `.`, `_`, `-`."""
    question: str = ""
    """What the study is to answer, in a sentence."""
    data: Data
    """What is learned from."""
    objective: Objective = Objective()
    """What is maximised or minimised."""
    objectives: list[OneObjective] | None = Field(None, min_length=2, max_length=3)
    """Two or three in place of `objective`: the search looks for the front of trials that no other beats in all of them.

    The first is a `val/` metric: it says which epoch of a trial is its best. Costs are those of the whole trial.
    """
    space: dict[str, Any]
    """What is varied: a scalar is fixed, a list a choice, a mapping of names a choice with parameters of its own."""
    search: Search = Search()
    """How configurations are proposed and stopped."""
    ablation: Ablation | None = None
    """A designed comparison, in place of a search."""
    resources: Resources = Resources()
    """What one trial holds."""
    cost: Cost = Cost()
    """What is measured beyond the default, and prices."""
    constraints: dict[str, Limit] = Field(default_factory=dict)
    """Bounds on costs: {cost/flops: {max: 1.0e9}}; `cost/...` names are those of `ablate list costs`."""
    seed: int = Field(0, ge=0, lt=2**31)
    """Drives the split, the proposals, initialisation and batches, each through a stream of its own."""
