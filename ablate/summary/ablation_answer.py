"""The answer of an ablation in sentences: what was told apart, what was not, what failed, and what all of it rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import fmean

from ablate.store.read import StudyResults
from ablate.study.configuration import SLOTS
from ablate.summary.ablation_tables import POINTS, p_text
from ablate.summary.cells import Cells
from ablate.summary.contenders import contenders
from ablate.summary.effects import Effect
from ablate.summary.search_report import infeasible, said, trained_seconds
from ablate.summary.twins import twins_of
from ablate.types import counted

MOST_SENTENCES = 4
MOST_NAMES = 3


def answer(study: StudyResults, cells: Cells, effects: Sequence[Effect]) -> list[str]:
    """What was found first, the ground it stands on last."""
    sure = [effect for effect in effects if effect.verdict in ("better", "worse")]
    sure.sort(key=lambda effect: -abs(effect.paired.mean or 0.0))
    lines = [f"{study.study}: {line}" for line in _best(study, cells, effects)]
    lines += [f"{study.study}: {_found(cells, effect)}" for effect in sure[:MOST_SENTENCES]]
    if len(sure) > MOST_SENTENCES:
        lines.append(f"{study.study}: and {len(sure) - MOST_SENTENCES} more, below")
    alike = [effect for effect in effects if effect.verdict == "equivalent"]
    if alike:
        names = ", ".join(f"{_level(effect)} and {effect.baseline}" for effect in alike)
        lines.append(f"{study.study}: equivalent within {(cells.design.margin or 0) * POINTS:g} points: {names}")
    lines += [f"{study.study}: {line}" for line in _open(cells, effects, found=bool(sure or alike))]
    return [*lines, *_warnings(cells), _ground(study, cells), *infeasible(study)]


def _best(study: StudyResults, cells: Cells, effects: Sequence[Effect]) -> Iterator[str]:
    """Which arm to take, and which others may be the best as well; nothing where there is no choice yet."""
    if len(cells.best_first()) < 2:
        return
    best, *others = contenders(cells, effects)
    values = list(cells.values(best).values())
    mean = f"best arm: {best}, mean {cells.metric} {fmean(values):.4f}"
    out = len(cells.best_first()) - 1 - len(others)
    if len(values) < 2:
        yield f"{mean}, of one seed: another may well be better"
    elif not others:
        yield f"{mean}; all others are ruled out as the best (95 %)"
    elif not out:
        yield f"{mean}; no other is ruled out as the best (95 %)"
    else:
        yield f"{mean}; {counted(out, 'other')} ruled out as the best (95 %), {_names(others)} not"
    chosen = study.best
    if chosen is not None and chosen.arm != best and cells.metric.startswith("test/"):
        yield f"validation, which chooses what `ablate export` takes, prefers {chosen.arm} (trial {chosen.id})"


def _found(cells: Cells, effect: Effect) -> str:
    """semi_hard beats random by 4.1 points recall_at_1 [3.2, 5.0], 5 seeds, Holm p = 0.004, +6 % training time."""
    assert effect.paired.mean is not None, "only what was tested is told"
    better = (effect.paired.mean > 0) == (cells.goal == "maximize")
    if cells.design.kind == "leave_one_out":
        who = f"without {effect.factor} it is {'better' if better else 'worse'}"
    else:
        who = f"{_level(effect)} {'beats' if better else 'loses to'} {effect.baseline}"
    time = f", {effect.train_time * 100:+.0f} % training time" if effect.train_time_clear and effect.train_time else ""
    return f"{who} by {_size(cells, effect)}{time}"


def _open(cells: Cells, effects: Sequence[Effect], *, found: bool) -> Iterator[str]:
    """What has not been settled, where nothing or not much has."""
    tested = [effect for effect in effects if effect.paired.n > 1]
    undecided = [effect for effect in tested if effect.verdict == "cannot tell apart"]
    if not tested:
        yield _untested(cells)
    elif undecided and not found:
        yield f"no level can be told apart from its baseline{_seen(undecided)}"
        largest = max(undecided, key=lambda effect: abs(effect.paired.mean or 0.0))
        assert largest.paired.mean is not None, "it was tested"
        who = f"without {largest.factor}" if cells.design.kind == "leave_one_out" else _level(largest)
        against = "the recipe" if cells.design.kind == "leave_one_out" else largest.baseline
        where = "above" if largest.paired.mean > 0 else "below"
        yield f"largest difference, not shown: {who} is {where} {against} by {_size(cells, largest)}"


def _seen(undecided: Sequence[Effect]) -> str:
    """How small a difference these seeds would have found."""
    seen = sorted(effect.detectable * POINTS for effect in undecided if effect.detectable)
    if not seen:
        return ""
    if seen[0] >= POINTS:
        seeds = counted(max(effect.paired.n for effect in undecided), "seed")
        return f"; with {seeds} no difference at all would have been seen"
    least, most = f"{seen[0]:.1f}", f"{min(seen[-1], POINTS):.1f}"
    span = least if least == most else f"{least} to {most}"
    return f"; differences of {span} points would have been seen (80 % power)"


def _untested(cells: Cells) -> str:
    seeds = max((len(found) for found in cells.rows.values()), default=0)
    if seeds == 0:
        return "no arm has a complete trial yet"
    if len(cells.design.seeds) > 1:
        more = any(cells.is_open(arm) for arm in cells.design.arms)
        last = "yet; what is missing is trained by the same `ablate run`" if more else "and nothing is left to train"
        return f"no comparison is complete in two seeds {last}"
    return "one seed: no intervals and no tests; give `seeds: 3` or more, and only the new ones are trained"


def _level(effect: Effect) -> str:
    """A level in a sentence: with its factor's name, unless it tells by itself (semi_hard does, `false` and `none` do not)."""
    telling = effect.factor in SLOTS and "none" not in (effect.level, effect.baseline)
    return effect.level if telling else f"{effect.factor} {effect.level}"


def _size(cells: Cells, effect: Effect) -> str:
    """4.1 points recall_at_1 [3.2, 5.0], averaged over loss, 5 seeds, Holm p = 0.004."""
    found, name = effect.paired, cells.metric.partition("/")[2]
    assert found.mean is not None and found.low is not None and found.high is not None, "only what was tested is told"
    turn = POINTS if found.mean >= 0 else -POINTS  # the interval is told in the direction of the sentence
    low, high = sorted((turn * found.low, turn * found.high))
    points = f"{abs(found.mean) * POINTS:.1f} points {name} [{low:.1f}, {high:.1f}]{_averaged(cells, effect)}"
    return f"{points}, {counted(found.n, 'seed')}, Holm p {p_text(effect.p)}"


def _averaged(cells: Cells, effect: Effect) -> str:
    """A main effect is a mean: of two factors that work against each other it tells of no arm."""
    if cells.design.kind not in ("grid", "fractional"):
        return ""
    others = [factor for factor in cells.design.levels if factor != effect.factor]
    return f", averaged over {_names(others)}" if others else ""


def _warnings(cells: Cells) -> Iterator[str]:
    """What a reader must know before he believes the numbers."""
    lost = [arm for arm, rows in cells.rows.items() if not rows and not cells.is_open(arm)]
    unchosen = [arm for arm in lost if cells.is_unchosen(arm)]
    averaged = "; main effects are told of the other arms only" if cells.design.kind in ("grid", "fractional") else ""
    if failed := [arm for arm in lost if arm not in unchosen]:
        yield f"failed: all trials of {_names(failed)}{averaged}"
    if unchosen:
        yield f"never judged, for no tuning trial is complete: {_names(unchosen)}{averaged}"
    first = [alias.replace(" ~ ", " = ").split(" = ")[0] for alias in cells.design.aliases]
    mixed = [effect for effect in first if "*" not in effect]  # main effects that stand beside interactions
    if mixed:
        yield (
            f"careful: what is told of {', '.join(mixed)} may belong to interactions of others (see aliased); "
            "only a grid, or two levels at resolution 4, keeps them apart"
        )
    for one, other, differ in twins_of(cells):
        yield f"suspicious: {one} and {other} differ in {', '.join(differ)} and agree in every metric to the last bit"


def _names(arms: Sequence[str]) -> str:
    """The first few."""
    more = f" and {len(arms) - MOST_NAMES} more" if len(arms) > MOST_NAMES else ""
    return f"{', '.join(arms[:MOST_NAMES])}{more}"


def _ground(study: StudyResults, cells: Cells) -> str:
    """On what the answer rests: trials by state, how many were tuned, reused, which metric judged."""
    counts = Counter(row.state for row in study.trials)
    states = ", ".join(
        f"{counts[state]} {said(study, state)}"
        for state in ("complete", "pruned", "failed", "running")
        if counts[state]
    )
    reused = sum(row.reused is not None for row in study.trials)
    tuned = f"; each arm tuned by {counted(cells.design.tuned, 'trial')} first" if cells.design.tuned else ""
    return (
        f"{counted(len(study.trials), 'trial')}: {states or 'none has started yet'}; {reused} reused; "
        f"{trained_seconds(study):,.1f} s of training in all; judged by {cells.metric}{tuned}"
    )
