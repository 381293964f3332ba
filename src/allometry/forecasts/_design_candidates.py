"""What could be run next: settings with their costs, from limits on size and tokens or from a table."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allometry.costs import compute_of, rule_partner, size_axis
from allometry.fits import Fit
from allometry.forecasts.metric import Array
from allometry.laws import Law
from allometry.notices import Refused

# Assumed: over three decades of size this is an eighth of a decade, finer than interval widths can tell.
LEVELS = 24
# Assumed: tokens per parameter may leave the table's by as much as one doubling. The draws know nothing of a law that
# breaks down, so without it a design goes to the corners: the smallest model on all the tokens money can buy.
RATIO_ROOM = 2.0
COST, WEIGHT, FLOPS, TOKENS = "cost", "weight", "flops", "tokens"


@dataclass(frozen=True)
class Candidates:
    """Runs that could be made: `axes` (K,) each, `cost` (K,) in `unit`, and `weight` (K,).

    A weight of 4 is a measurement as good as four of the table's rows, such as one on four times the items.
    """

    axes: Mapping[str, Array]
    cost: Array
    weight: Array
    unit: str = "FLOPs"

    def __len__(self) -> int:
        return len(self.cost)


def buildable(
    fit: Fit, budget: float, *, among: Mapping[str, Sequence[float]] | None = None,
    at_least: Mapping[str, float] | None = None, at_most: Mapping[str, float] | None = None,
    run_flops: float | None = None,
) -> Candidates:  # fmt: skip
    """Every training run that the limits allow: log-spaced sizes and tokens, or FLOPs, each run within the budget.

    Use it for laws of size and tokens, or of FLOPs. An axis without limits begins at the smallest value of the
    table and ends where a single run costs `run_flops`. Tokens per parameter stay within those of the table, a factor
    of 2 more on both sides, unless sizes and tokens are both listed. Not for laws of anything else: give a table of
    candidates.

    Arguments: `budget` and `run_flops` (the most one run may cost; by default the budget) in FLOPs, 6 x size x tokens;
    `among` the values an axis may take, needed for every further axis; `at_least`, `at_most` limits of the others.
    Errors: `Refused` for axes that no cost follows from, axes without values, limits that leave nothing.

    >>> from allometry.fits import Settings, fit
    >>> from allometry.runs import read_runs
    >>> x = np.geomspace(1e18, 1e20, 12)
    >>> found = fit(read_runs({"flops": x, "loss": 1.7 + 1000 * x**-0.15}), "power", Settings(bootstrap=0))
    >>> candidates = buildable(found, 1e21, at_least={"flops": 1e19})
    >>> len(candidates), candidates.axes["flops"][[0, -1]].tolist()
    (24, [1e+19, 1e+21])
    """
    law, most = fit.law, budget if run_flops is None else min(run_flops, budget)
    listed = {name: np.asarray(values, float) for name, values in (among or {}).items()}
    low, high = dict(at_least or {}), dict(at_most or {})
    free = _free_axes(law)
    _check_limits(law, free, listed, low, high)
    lowest = {
        name: float(listed[name].min()) if name in listed else low.get(name, float(np.min(fit.rows.axes[name])))
        for name in free
    }
    levels = dict(listed)
    for name in free:
        if name not in listed:
            top = min(_affordable(name, free, lowest, most), high.get(name, math.inf))
            levels[name] = _spaced(name, lowest[name], top, most)
    axes, cost = _priced(law, levels)
    kept = cost <= most * (1 + 1e-9)
    if not kept.any():
        raise Refused("budget-small", f"the cheapest run costs {cost.min():.3g} FLOPs, and one run may cost {most:.3g}",
                      "--budget, --run-flops", "raise them, or allow smaller runs")  # fmt: skip
    if len(free) > 1 and not all(name in listed for name in free):
        kept &= _within_ratios(fit, free, axes)
    if not kept.any():
        raise Refused("ratio-outside", "within these limits every run has tokens per parameter far outside the table's",
                      "--at-least, --at-most", "widen them, or list sizes and tokens with --among to go there")  # fmt: skip
    return Candidates({name: column[kept] for name, column in axes.items()}, cost[kept], np.ones(int(kept.sum())))


def _priced(law: Law, levels: Mapping[str, Array]) -> tuple[dict[str, Array], Array]:
    """All combinations of the axes' levels, and what each costs."""
    columns = np.array(list(itertools.product(*(levels[name] for name in law.axes)))).T
    axes = dict(zip(law.axes, columns, strict=True))
    cost = compute_of(axes)
    assert cost is not None  # _free_axes saw to it
    return axes, cost


def _within_ratios(fit: Fit, free: tuple[str, ...], axes: Mapping[str, Array]) -> NDArray[np.bool_]:
    """Whether each candidate's tokens per parameter (K,) are near those of the table."""
    size, tokens = free
    ratio, known = axes[tokens] / axes[size], fit.rows.axes[tokens] / fit.rows.axes[size]
    return (ratio >= known.min() / RATIO_ROOM) & (ratio <= known.max() * RATIO_ROOM)


def _free_axes(law: Law) -> tuple[str, ...]:
    """The axes that cost follows from: size and tokens, or FLOPs."""
    size = size_axis(law.axes)
    if size is not None and TOKENS in law.axes:
        return (size, TOKENS)
    if FLOPS in law.axes:
        return (FLOPS,)
    raise Refused("no-cost", f"{law.name} is a law of {', '.join(law.axes)}, and no cost of a run follows from these",
                  "--law", f"give --candidates TABLE with columns {', '.join(law.axes)} and {COST}")  # fmt: skip


def _check_limits(
    law: Law, free: tuple[str, ...], listed: Mapping[str, Array], low: Mapping[str, float], high: Mapping[str, float]
) -> None:
    for option, names, known in (
        ("--among, --fix", listed, law.axes), ("--at-least", low, free), ("--at-most", high, free)
    ):  # fmt: skip
        for name in names:
            if name not in known:
                raise Refused("unknown-axis", f"{name} is not an axis that can be set here", option,
                              f"use {', '.join(known)}")  # fmt: skip
    for name, values in [*listed.items(), *((n, np.array([v])) for limits in (low, high) for n, v in limits.items())]:
        positive = name in free or law.axis(name).positive
        if not len(values) or not np.isfinite(values).all() or (positive and (values <= 0).any()):
            raise Refused("bad-value", f"{name} cannot be {', '.join(f'{v:g}' for v in values) or 'nothing'}",
                          mend="give positive numbers")  # fmt: skip
    for name in low:
        if low[name] > high.get(name, math.inf):
            raise Refused("empty-limits", f"{name} cannot be at least {low[name]:g} and at most {high[name]:g}",
                          "--at-least, --at-most", "widen one")  # fmt: skip
    both = [name for name in listed if name in low or name in high]
    if both:
        raise Refused("set-twice", f"{both[0]} has a list of values and limits", "--among, --at-least, --at-most",
                      "give one of the two")  # fmt: skip
    missing = [name for name in law.axes if name not in free and name not in listed]
    if missing:
        raise Refused("axis-open", f"{law.name} also depends on {', '.join(missing)}", "--fix",
                      f"give {' and '.join(f'--fix {name}=VALUE' for name in missing)}, or --among")  # fmt: skip


def _affordable(name: str, free: tuple[str, ...], lowest: Mapping[str, float], most: float) -> float:
    """The largest value of an axis that a run of `most` FLOPs can have."""
    if name == FLOPS:
        return most
    (other,) = (lowest[one] for one in free if one != name)
    return float(rule_partner(most, other))


def _spaced(name: str, low: float, high: float, most: float) -> Array:
    if low > high * (1 + 1e-9):
        raise Refused("budget-small", f"no run has {name} of {low:.3g} or more within {high:.3g}, what one run of {most:.3g} "
                      "FLOPs and the limits allow", "--budget, --run-flops, --at-least, --at-most", "raise the budget, or allow smaller runs")  # fmt: skip
    return np.geomspace(low, max(low, high), LEVELS) if high > low * (1 + 1e-9) else np.array([low])


def listed_candidates(law: Law, columns: Mapping[str, ArrayLike], where: str = "--candidates") -> Candidates:
    """Candidates from a table: a column for each axis of the law and one of what a run costs.

    Use it where runs are not bought by training FLOPs: samples at test time, items to annotate, a list of shapes.

    Arguments: `columns` of K numbers each: the axes, `cost` in any unit (else `flops`, else the rule for size and
    tokens), and, where measurements differ in quality, `weight`: how many rows of the fitted table one is worth.
    Errors: `Refused` for missing columns, text, and costs or weights that are not positive.

    >>> from allometry.laws import find_law
    >>> found = listed_candidates(find_law("coverage"), {"samples": [10, 100], "cost": [2000, 20000]})
    >>> len(found), found.unit
    (2, 'cost')
    """
    missing = [name for name in law.axes if name not in columns]
    if missing:
        raise Refused("missing-axis", f"the candidates have no column {missing[0]!r}", where,
                      f"give {', '.join(law.axes)} and {COST}")  # fmt: skip
    axes = {name: _numbers(name, columns[name], where, law.axis(name).positive) for name in law.axes}
    unit = COST if COST in columns else "FLOPs"
    cost = _numbers(COST, columns[COST], where) if COST in columns else (
        _numbers(FLOPS, columns[FLOPS], where) if FLOPS in columns else compute_of(axes)
    )  # fmt: skip
    if cost is None:
        raise Refused("no-cost", "nothing says what a candidate costs", where, f"add a column {COST!r}")
    if not len(cost):
        raise Refused("no-candidates", "there are no candidates", where, "give at least one row")
    weight = _numbers(WEIGHT, columns[WEIGHT], where) if WEIGHT in columns else np.ones(len(cost))
    return Candidates(axes, cost, weight, unit)


def _numbers(name: str, values: ArrayLike, where: str, positive: bool = True) -> Array:
    try:
        numbers = np.asarray(values, float)
    except ValueError:
        raise Refused("not-numbers", f"column {name!r} holds text", where, "give plain numbers") from None
    bad = np.flatnonzero(~np.isfinite(numbers) | (positive & (numbers <= 0)))
    if bad.size:
        raise Refused("bad-value", f"{name} is {numbers[bad[0]]:g} in row {bad[0]}", where,
                      f"give {'positive' if positive else 'finite'} numbers")  # fmt: skip
    return numbers
