"""The training loop: epochs of P x K batches, each followed by validation and one report.

The loop does not know who listens. `report` gets a flat dict per epoch; it may end the trial by raising, which the loop lets
through: only what is on disk then counts. Several workers run the same loop, each on its share of every batch.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ablate.catalogue.backbones import ImageShape
from ablate.catalogue.costs import COSTS
from ablate.training import checkpoint
from ablate.training.architectures import static_costs
from ablate.training.batches import Batches, steps_of_epoch
from ablate.training.build import Parts, TrainingSplit, build
from ablate.training.checkpoint import Checkpoint, Progress
from ablate.training.data import TrialData, load_data
from ablate.training.evaluate import evaluate, read_test
from ablate.training.failures import Diverged, Infeasible
from ablate.training.fresh import fresh_start
from ablate.training.spec import TrialSpec
from ablate.training.spent import Spent
from ablate.training.streams import Stream, generator
from ablate.training.tuples import choose_tuples
from ablate.training.workers import ALONE, Draws, Workers

Report = Callable[[dict[str, int | float]], None]
"""What is told of each epoch; `epoch` itself is an int."""


def train(spec: TrialSpec, report: Report, workers: Workers = ALONE) -> None:
    """Train one trial to its last epoch, from its checkpoint if it has one; all `workers` call this with the same spec.

    Each report holds `epoch`, `train/...`, `val/...`, `time/...`, `cost/...` and `best/epoch`. Raises Infeasible before
    training or after an epoch, Diverged during one; torch's own errors (out of memory) pass through.
    """
    begin = time.perf_counter()
    device = fresh_start(seed=spec.seed, cpus=spec.cpus, gpus=spec.gpus, device=workers.device)
    data = load_data(spec.data, device)
    size = spec.configuration.image_size
    assert not isinstance(data.shape, ImageShape) or data.shape.size == size, (
        f"trial {spec.id} is to see images of {size} pixels, its data have {data.shape.size}"
    )
    parts = parts_of(spec, data)
    costs = static_costs(spec.configuration.architecture, parts.network, data.shape)
    before = {**spec.known_costs, **costs}
    check_measured(before, spec.constraints, ("counted", "timed"))
    check_constraints(before, spec.constraints)
    trial = Trial(spec, data, parts, costs, begin, workers)
    trial.resume()
    while trial.progress.epoch < spec.configuration.epochs:
        told = trial.epoch()
        report(told)
        check_measured(told, spec.constraints, ("trained",))
        check_spent(told, spec.constraints)
        trial.save_if_due()


def parts_of(spec: TrialSpec, data: TrialData) -> Parts:
    """The parts of a trial, beside its data."""
    choices, labels = spec.configuration, data.train.labels
    steps = steps_of_epoch(len(labels), classes=choices.batch_classes, per_class=choices.batch_per_class)
    training = TrainingSplit(num_classes=len(torch.unique(labels)), steps=steps, pixels=data.pixels)
    return build(choices, data.shape, training=training, goal=spec.goal, device=data.device)


Limits = Mapping[str, tuple[float | None, float | None]]
"""Cost -> its bounds (min, max)."""


def check_constraints(costs: Mapping[str, int | float], constraints: Limits) -> None:
    """Raise Infeasible where a cost that is already known leaves its bounds."""
    for name, (low, high) in constraints.items():
        value = costs.get(name)
        if value is None:
            continue
        if high is not None and value > high:
            raise Infeasible(f"{name} is {value:g}, the study allows at most {high:g}")
        if low is not None and value < low:
            raise Infeasible(f"{name} is {value:g}, the study asks for at least {low:g}")


def check_measured(costs: Mapping[str, int | float], constraints: Limits, known: Sequence[str]) -> None:
    """Raise Infeasible where a limited cost that is `known` by now is not there: nobody could say whether it is kept."""
    for name in constraints:
        if COSTS[name].known in known and name not in costs:
            raise Infeasible(f"{name}, which the study limits, cannot be measured here")


def check_spent(costs: Mapping[str, int | float], constraints: Limits) -> None:
    """Raise Infeasible where a cost that never falls is beyond its maximum: the epochs to come cannot mend that."""
    growing = {name: (None, high) for name, (_, high) in constraints.items() if COSTS[name].grows}
    check_constraints(costs, growing)


class Trial:
    """One trial while it trains: the parts, and how far they have come."""

    def __init__(
        self,
        spec: TrialSpec,
        data: TrialData,
        parts: Parts,
        costs: dict[str, float],
        begin: float,
        workers: Workers = ALONE,
    ) -> None:
        self.spec, self.data, self.parts, self.costs, self.workers = spec, data, parts, costs, workers
        self.embed = workers.prepared(parts.network)
        configuration = spec.configuration
        # losses with weights of their own count classes from 0; the data set's numbers have gaps where classes were held out
        self.labels = torch.unique(data.train.labels, return_inverse=True)[1]
        self.batches = Batches.of(
            data.train.labels.cpu().numpy(),
            classes=configuration.batch_classes,
            per_class=configuration.batch_per_class,
            seed=spec.seed,
        )
        self.progress = Progress()
        self.best_weights: dict[str, Tensor] = {}
        self.spent = Spent(spec, data.device, begin, workers)
        self.saved_at = begin
        self.place = spec.place

    def resume(self) -> None:
        """Go on from the newest checkpoint, if there is one."""
        found = checkpoint.load(self.place)
        if found is None:
            return
        self.parts.load_weights(dict(found.weights))
        self.parts.optimizer.load_state_dict(found.state["optimizer"])
        self.parts.schedule.load_state_dict(found.state["schedule"])
        self.best_weights = dict(found.best_weights)
        self.progress, self.spent.earlier = found.progress, replace(found.progress)

    def epoch(self) -> dict[str, int | float]:
        """Train and validate one epoch; what it reports."""
        number = self.progress.epoch + 1
        begin = time.perf_counter()
        loss = self.train(number)
        trained = time.perf_counter()
        metrics = self.validate()
        rate = float(self.parts.optimizer.param_groups[0]["lr"])
        self.parts.schedule.end_epoch(metrics[self.spec.metric])
        self.progress.epoch = number
        self.progress.train_seconds += trained - begin
        self._note_best(metrics)
        last = number == self.spec.configuration.epochs
        told: dict[str, int | float] = {
            "epoch": number,
            "train/loss": loss,
            "train/lr": rate,
            **metrics,
            "time/epoch_seconds": time.perf_counter() - begin,
            "time/images_per_second": self.batches.steps
            * self.batches.classes
            * self.batches.per_class
            / (trained - begin),
            "best/epoch": self.progress.best["epoch"],
            **(self._test() if last and self.spec.read_test else {}),
            **self._costs(),
        }
        return self.workers.agree(told)

    def validate(self) -> dict[str, float]:
        """The validation split's metrics in `val/...` names."""
        spec = self.spec.data
        split = evaluate(
            self.parts.network, self.data, self.data.val, protocol=spec.protocol, seed=spec.seed, workers=self.workers
        )
        return self.workers.agree({f"val/{name}": value for name, value in split.items()})

    def train(self, epoch: int, most_steps: int | None = None) -> float:
        """The steps of one epoch, or its first `most_steps`; the mean loss. Raises Diverged."""
        parts, device = self.parts, self.data.device
        parts.network.train()
        draws = Draws(self.workers, self.spec.seed, epoch)
        draw = generator(self.spec.seed, Stream.AUGMENTATION, epoch)
        order = torch.from_numpy(self.batches.epoch(epoch)).to(device)
        total = torch.zeros((), device=device)
        for indices in order[:most_steps]:
            self.spent.clock.begin()
            images, labels = self.data.batch(self.data.train, indices), self.labels[indices]
            images = parts.augment(images, draw)[self.workers.share(len(indices))]
            self.spent.clock.end()
            spared = self.data.train.spared(indices)
            embeddings = self.workers.gather(self.embed(images))
            with draws.together():
                loss = self._loss(embeddings, labels, spared)
            parts.optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward([loss])
            parts.step()
            total += loss.detach()
            self.spent.meter.poll()
        mean = float(total) / len(order[:most_steps])  # one synchronisation an epoch: a NaN in any step is still there
        if not math.isfinite(mean):
            raise Diverged(f"the loss became {mean} in epoch {epoch}; a smaller learning rate may help")
        return mean

    def _loss(
        self, embeddings: Float[Tensor, "B D"], labels: Int[Tensor, "B"], spared: Bool[Tensor, "B B"] | None
    ) -> Float[Tensor, ""]:
        """Of one batch. Raises Diverged where a component cannot stand embeddings that are not finite."""
        try:
            tuples = choose_tuples(self.parts, embeddings, labels, spared)
            loss: Tensor = self.parts.loss(embeddings, labels, tuples)
        except RuntimeError as error:  # looked at only then: the check would cost every step a synchronisation
            if embeddings.isfinite().all():
                raise
            where = f"the embeddings were not finite in epoch {self.progress.epoch + 1}"
            raise Diverged(f"{where}; a smaller learning rate may help") from error
        return loss

    def _note_best(self, metrics: Mapping[str, float]) -> None:
        """Keep the weights if this epoch is the best so far; of equal ones the first stays."""
        value, best = metrics[self.spec.metric], self.progress.best.get(self.spec.metric)
        better = best is None or (value > best if self.spec.goal == "maximize" else value < best)
        if better:
            self.progress.best = {**metrics, "epoch": float(self.progress.epoch)}
            self.best_weights = {n: t.detach().clone() for n, t in self.parts.network.state_dict().items()}

    def _test(self) -> dict[str, float]:
        """The test split's metrics by the weights of the best epoch; they decide nothing."""
        network = copy.deepcopy(self.parts.network)
        network.load_state_dict(self.best_weights)
        threshold = self.progress.best["val/threshold"]
        return read_test(network, self.data, self.spec.data, threshold=threshold, workers=self.workers)

    def _costs(self) -> dict[str, float]:
        size = self.batches.classes * self.batches.per_class
        return self.costs | self.spent.costs(self.progress, batch_size=size, steps=self.batches.steps)

    def save_if_due(self) -> None:
        """A checkpoint after the last epoch, and before it where the last one is older than the spec allows; by worker 0."""
        if self.workers.rank > 0:
            return
        last = self.progress.epoch >= self.spec.configuration.epochs
        if not last and time.perf_counter() - self.saved_at < self.spec.checkpoint_seconds:
            return
        state = {"optimizer": self.parts.optimizer.state_dict(), "schedule": self.parts.schedule.state_dict()}
        checkpoint.save(self.place, Checkpoint(self.progress, self.parts.weights(), self.best_weights, state))
        self.saved_at = time.perf_counter()
