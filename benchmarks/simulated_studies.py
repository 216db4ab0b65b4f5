"""Do the statistics hold what they say: simulated ablations whose truth is known, judged by ablate's own functions.

    python benchmarks/simulated_studies.py [--studies 2000] [--seed 0]

A study is a baseline and k arms over n seeds. A score is what the seed does to all arms (deviation 3) + the arm's effect +
noise (deviation 1); comparisons share the baseline, so they hang together. `paired_rows`, `holm` and `verdict` judge; each
family is corrected as a whole. Shares are in percent, over studies where a family is meant:
  t, bootstrap     95 % intervals that hold the true difference;
  false            families without any effect in which some arm is called better or worse (target: at most 5);
  false better     families of arms that are all a little worse (half of what the design detects), one called better;
  power            arms with the effect that `detectable` names, found (target: 80);
  equivalent       families of arms just at the margin, on either side, in which some is called equivalent (at most 5);
  any false        families of a quarter each: no effect, better and worse by what is detected, and at the margin, with any
                   false word, of both kinds together (each kind has its own 5 %).
The margin is twice what the design detects. Below, noise that is not normal, with four arms:
  heavy tails      t with 3 degrees of freedom; skewed: exponential, a seed now and then falls behind, in all arms alike;
  skewed arms      the same in the arms, and a baseline that is ten times as steady: what pairing cannot make symmetric;
  coarse           normal, scores in steps of 1 deviation, as of an accuracy over few images.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ablate.summary.power import detectable
from ablate.summary.resampling import RESAMPLES, Array
from ablate.summary.statistics import ALPHA, Paired, Verdict, holm, paired_rows, verdict

SEEDS = (3, 5, 10)
COMPARISONS = (1, 4, 12)
STRESS_COMPARISONS = 4
SEED_DEVIATION = 3.0
FEW = 99
"""Resamples where no bootstrap interval is read."""

Noise = Callable[[np.random.Generator, tuple[int, ...]], Array]
"""(generator, (studies, baseline and arms, seeds)) -> noise of mean 0; of deviation 1 in the arms."""


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.standard_normal(shape)


def heavy_tails(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    drawn: Array = rng.standard_t(3, shape) / np.sqrt(3)
    return drawn


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return 1 - rng.exponential(size=shape)


def skewed_arms(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    noise = skewed(rng, shape)
    noise[:, 0] = rng.standard_normal(noise[:, 0].shape) / 10
    return noise


STRESS: dict[str, Noise] = {
    "heavy tails": heavy_tails,
    "skewed": skewed,
    "skewed arms": skewed_arms,
    "coarse": normal,
}


@dataclass(frozen=True)
class Design:
    """Studies of one kind."""

    noise: str
    seeds: int
    comparisons: int
    studies: int
    entropy: int

    @property
    def deviation(self) -> float:
        """Of the differences, in truth."""
        return float(np.sqrt(1 + (0.01 if self.noise == "skewed arms" else 1)))

    @property
    def detectable(self) -> float:
        return detectable(self.seeds, self.deviation, alpha=ALPHA / self.comparisons)

    @property
    def margin(self) -> float:
        return 2 * self.detectable

    def families(self, effects: Sequence[float], resamples: int = FEW) -> list[list[Paired]]:
        """Each study's comparisons, of arms with these true effects."""
        rng = np.random.default_rng([self.entropy, self.seeds, self.comparisons])
        shape = (self.studies, 1 + self.comparisons, self.seeds)
        noise = STRESS.get(self.noise, normal)(rng, shape)
        shared = SEED_DEVIATION * rng.standard_normal((self.studies, 1, self.seeds))
        scores = shared + noise + np.array([0, *effects])[:, None]
        if self.noise == "coarse":
            scores = np.round(scores)
        rows = paired_rows((scores[:, 1:] - scores[:, :1]).reshape(-1, self.seeds), resamples=resamples)
        return [rows[begin : begin + self.comparisons] for begin in range(0, len(rows), self.comparisons)]


def verdicts(family: list[Paired], margin: float | None = None) -> list[Verdict]:
    """Of one study, as its summary gives them."""
    adjusted = holm([measured.p for measured in family])
    return [
        verdict(measured, p_adjusted=p, goal="maximize", margin=margin, family=len(family))
        for measured, p in zip(family, adjusted, strict=True)
    ]


def percent(found: Sequence[bool]) -> float:
    return 100 * sum(found) / len(found)


def covered(low: float | None, high: float | None) -> bool:
    """Whether the interval holds the true difference of arms without an effect."""
    assert low is not None and high is not None
    return low <= 0 <= high


def columns(design: Design) -> list[float]:
    """The figures of a row."""
    k, seen, margin = design.comparisons, design.detectable, design.margin
    none = design.families([0] * k, RESAMPLES)
    worse = design.families([-seen / 2] * k)
    found = design.families([seen, *[0] * (k - 1)])
    edge = design.families([margin * (-1) ** arm for arm in range(k)])
    flat = [measured for family in none for measured in family]
    return [
        percent([covered(measured.low, measured.high) for measured in flat]),
        percent([covered(measured.bootstrap_low, measured.bootstrap_high) for measured in flat]),
        percent([bool({"better", "worse"} & set(verdicts(family))) for family in none]),
        percent(["better" in verdicts(family) for family in worse]),
        percent([verdicts(family)[0] == "better" for family in found]),
        percent(["equivalent" in verdicts(family, margin) for family in edge]),
        any_false(design) if k >= 4 else float("nan"),
    ]


def any_false(design: Design) -> float:
    """Families with any false word, where a quarter of the arms each has no effect, is better, is worse, is at the margin."""
    truth = [0, design.detectable, -design.detectable, design.margin] * (design.comparisons // 4)
    false = {
        0: {"better", "worse"},
        design.detectable: {"worse"},
        -design.detectable: {"better"},
        design.margin: {"worse", "equivalent"},
    }
    judged = [verdicts(family, design.margin) for family in design.families(truth)]
    return percent([any(w in false[t] for w, t in zip(words, truth, strict=True)) for words in judged])


HEAD = ("noise", "n", "k", "t", "bootstrap", "false", "false better", "power", "equivalent", "any false")


def main() -> None:
    """Prints the table, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=2_000, help="of each design and truth")
    parser.add_argument("--seed", type=int, default=0, help="of the simulation")
    given = parser.parse_args()
    designs = [("normal", n, k) for n in SEEDS for k in COMPARISONS]
    designs += [(noise, n, STRESS_COMPARISONS) for noise in STRESS for n in SEEDS]
    begin = time.perf_counter()
    print(f"| {' | '.join(HEAD)} |\n|{' --- |' * len(HEAD)}")
    for noise, n, k in designs:
        figures = columns(Design(noise, n, k, given.studies, given.seed))
        shown = ["" if np.isnan(figure) else f"{figure:.1f}" for figure in figures]
        print(f"| {noise} | {n} | {k} | {' | '.join(shown)} |", flush=True)
    error = 100 * np.sqrt(ALPHA * (1 - ALPHA) / given.studies)
    print(f"\n{given.studies:,} studies of each; a true 5 % has a standard error of {error:.1f}.", end=" ")
    print(f"{time.perf_counter() - begin:.0f} s.")


if __name__ == "__main__":
    main()
