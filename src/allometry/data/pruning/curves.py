"""Did pruning pay: error against examples kept, metric by metric, beside random, and the law that each falls by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from allometry.data.arms import RANDOM, SIZE, ArmRuns, pruning_arms
from allometry.notices import Interval, Refused
from allometry.runs.validate import require_numbers

if TYPE_CHECKING:  # scores need no fit, and fits take long to load
    from allometry.fits import Fit, Settings
    from allometry.runs import Runs

Array: TypeAlias = NDArray[np.float64]
Verdict: TypeAlias = Literal["power", "faster", "slower", "not decided"]

ERROR, BY = "error", "metric"
FEWEST_SIZES, FEWEST_RUNS = 4, 6  # a curve of three parameters, and something to tell its noise from
STRAIGHT = (
    0.25  # change of the exponent over the range, as a share of it, below which a curve counts as a power law; assumed
)


@dataclass(frozen=True)
class Place:
    """A curve at one kept size: the mean error of its runs, its ratio to random there, and who is ahead.

    `chance` is how likely a ratio as far from 1 would be were there no difference, None where that cannot be said.
    """

    examples: float
    runs: int
    error: float
    ratio: Interval
    ahead: Literal["metric", "random", "not told apart", ""]
    chance: float | None = None


@dataclass(frozen=True)
class Curve:
    """One metric: its places, the exponent in mid-range, how much that grows over the range, and the verdict with a reason.

    `kept` is the share it keeps where several shares of a metric are curves of their own; `name` says both.
    """

    metric: str
    places: tuple[Place, ...]
    exponent: Interval
    change: Interval
    verdict: Verdict
    reason: str
    kept: float | None = None
    name: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def pruning_curve(
    runs: Runs, *, by: str = BY, baseline: str = RANDOM, level: float = 0.9, bootstrap: int = 400, seed: int = 0
) -> tuple[Curve, ...]:
    """Error against kept size of every metric in a table, beside random, random first.

    Use it on runs that differ in what was kept alone, several seeds a size: same model, same steps rule, same test set.
    Where a metric kept several shares of pools, in a column `kept`, each share is a curve of its own.
    A law holds on the sizes that were run; the verdict says nothing of beyond.

    Arguments: `runs` with columns `examples` (kept), `error` and `by`, which names the metric; `baseline` the metric
    that chose at random; `level` of the intervals.
    Errors: `Refused` for columns that are not there or hold text, and a baseline that is none of the metrics.
    Method: ratios of geometric means of errors at a size by Welch's t on log errors, each interval for itself. Who is
    ahead is told over all places of the table together (Holm 1979): one wrong mark in a table in which nothing differs is
    as rare as 1 - `level`. The law by a fit of
    A n^-b exp(-c log(n / m)^2), m the geometric mean of the sizes, whose exponent b + 2 c log(n / m) grows where the error
    falls faster than a power: rows are resampled, and intervals widened by Student's t and for the parameters, as
    `plans.arms` does. "power" means that the exponent changes by less than a quarter of itself either way.

    >>> from allometry.runs import read_runs
    >>> n = np.repeat(np.geomspace(1e3, 1e5, 6), 3)
    >>> noise = np.exp(np.random.default_rng(0).normal(0, 0.01, (2, 18)))
    >>> errors = np.stack([8 * n**-0.4, 2 * n**-0.2 * np.exp(-n / 4e4)]) * noise
    >>> table = {"examples": np.tile(n, 2), "error": errors.ravel(), "metric": ["random"] * 18 + ["el2n"] * 18}
    >>> [(curve.metric, curve.verdict) for curve in pruning_curve(read_runs(table))]
    [('random', 'power'), ('el2n', 'faster')]
    """
    from allometry.fits import Settings

    for name in (SIZE, ERROR, by):
        runs.column(name)
    arms = {arm.name: arm for arm in pruning_arms(runs, by, baseline)}
    if baseline not in arms:
        mend = f"name what chose at random: --baseline {next(iter(arms), 'random')}"
        raise Refused("no-baseline", f"`{by}` has no runs of `{baseline}` to compare with", runs.source, mend)
    settings = Settings(bootstrap=bootstrap, cluster="none", seed=seed, level=level)
    beside = _by_size(arms[baseline].runs)
    names = [baseline, *sorted(name for name in arms if name != baseline)]
    return _together([_curve(arms[name], None if name == baseline else beside, settings) for name in names], level)


def _together(curves: Sequence[Curve], level: float) -> tuple[Curve, ...]:
    """The curves with who is ahead at each place, told over all places by Holm's step-down of their chances."""
    chances = sorted(place.chance for curve in curves for place in curve.places if place.chance is not None)
    most = -1.0
    for rank, chance in enumerate(chances):
        if chance > (1 - level) / (len(chances) - rank):
            break
        most = chance
    return tuple(replace(curve, places=tuple(_told(place, most) for place in curve.places)) for curve in curves)


def _told(place: Place, most: float) -> Place:
    if place.chance is None or place.chance > most:
        return place
    return replace(place, ahead="metric" if (place.ratio.value or 0.0) < 1 else "random")


def _by_size(runs: Runs) -> dict[float, Array]:
    """The logs of the errors at each size."""
    for name in (SIZE, ERROR):
        require_numbers(runs, name)
    size, error = np.asarray(runs.column(SIZE)), np.asarray(runs.column(ERROR))
    wrong = np.flatnonzero(~((error > 0) & (size > 0)))
    if len(wrong):
        row = int(runs.row_numbers[wrong[0]])
        mend = "leave runs without an error out, or test on more examples"
        raise Refused("bad-error", f"the error or size in row {row} is not above 0", runs.source, mend)
    return {float(n): np.log(error[size == n]) for n in np.unique(size)}


def _curve(arm: ArmRuns, beside: Mapping[float, Array] | None, settings: Settings) -> Curve:
    from allometry.fits import fit

    runs = arm.runs
    logs = _by_size(runs)
    places = tuple(_place(n, own, beside, settings.level) for n, own in logs.items())
    unknown = Interval(None, why="too few runs")
    if len(logs) < FEWEST_SIZES or len(runs) < FEWEST_RUNS:
        reason = f"{len(runs)} runs at {len(logs)} sizes; a law needs {FEWEST_RUNS} at {FEWEST_SIZES}"
        return Curve(arm.metric, places, unknown, unknown, "not decided", reason, arm.kept, arm.name)
    sizes = np.array(list(logs))
    middle, span = float(np.exp(np.log(sizes).mean())), float(np.log(sizes[-1] / sizes[0]))
    found = fit(runs, _bent(middle), settings)
    exponent, change = (_widened(found, parameter, times) for parameter, times in (("b", 1.0), ("c", 2 * span)))
    verdict, reason = _verdict(exponent, change)
    return Curve(arm.metric, places, exponent, change, verdict, reason, arm.kept, arm.name)


def _bent(middle: float) -> Any:
    """A power law whose exponent may change with the logarithm of the size."""
    from allometry.laws import law_from_table

    formula = f"A * {SIZE}**-b * exp(-c * log({SIZE} / {middle!r})**2)"
    parameters = {"A": {}, "b": {"free": True}, "c": {"free": True}}
    return law_from_table(
        {"name": "bent_power", "formula": formula, "axes": [SIZE], "metric": ERROR, "parameters": parameters}, "bent_power"
    )  # fmt: skip


def _widened(found: Fit, parameter: str, times: float) -> Interval:
    """The interval of a parameter, wider for the parameters fitted and for noise that is only estimated."""
    from allometry.fits.widening import widening

    said = found.parameters[parameter]
    if said.value is None or said.low is None or said.high is None:
        return Interval(said.value if said.value is None else times * said.value, why=said.why)
    wider = widening(len(found.rows), len(found.law.parameters), found.settings.level)
    low, high = (said.value + wider * (end - said.value) for end in (said.low, said.high))
    return Interval(times * said.value, times * low, times * high)


def _verdict(exponent: Interval, change: Interval) -> tuple[Verdict, str]:
    if change.value is None or change.low is None or change.high is None or exponent.value is None:
        return "not decided", f"the fit gives no interval: {change.why or exponent.why}"
    says = f"over the sizes run the exponent changes by {change.value:+.3g} [{change.low:+.3g}, {change.high:+.3g}]"
    if change.low > 0:
        return "faster", f"{says}: the error falls faster than a power law"
    if change.high < 0:
        return "slower", f"{says}: the error falls slower than a power law, as with a floor"
    small = STRAIGHT * abs(exponent.value)
    if -small <= change.low and change.high <= small:
        return "power", f"{says}, less than a quarter of {exponent.value:.3g}"
    return (
        "not decided",
        f"{says}: a power law is not excluded, nor a bend; more sizes, a wider range or more seeds would tell",
    )


def _place(size: float, own: Array, beside: Mapping[float, Array] | None, level: float) -> Place:
    error = float(np.exp(own).mean())
    other = None if beside is None else _nearest(size, beside)
    if other is None:
        why = "this is the baseline" if beside is None else "no random runs at this size"
        return Place(size, len(own), error, Interval(None, why=why), "")
    ratio, chance = _ratio(own, other, level)
    return Place(size, len(own), error, ratio, "" if chance is None else "not told apart", chance)


def _nearest(size: float, beside: Mapping[float, Array]) -> Array | None:
    """The baseline's runs at the size, which rounding may move by one example in a thousand."""
    near = min(beside, key=lambda n: abs(np.log(n / size)))
    return beside[near] if abs(near / size - 1) <= 1e-3 else None


def _ratio(own: Array, other: Array, level: float) -> tuple[Interval, float | None]:
    """exp of the difference of means of logs, by Welch's t, and the two-sided chance of it where nothing differs."""
    gap = float(own.mean() - other.mean())
    if min(len(own), len(other)) < 2:
        return Interval(float(np.exp(gap)), why="one run has no noise to compare with: add seeds"), None
    parts = np.array([own.var(ddof=1) / len(own), other.var(ddof=1) / len(other)])
    if not parts.sum():
        return Interval(float(np.exp(gap)), why="the runs do not differ: are they of different seeds?"), None
    degrees = float(parts.sum() ** 2 / np.sum(parts**2 / np.array([len(own) - 1, len(other) - 1])))
    error = float(np.sqrt(parts.sum()))
    half = float(stdtrit(degrees, (1 + level) / 2) * error)
    value, low, high = (float(np.exp(end)) for end in (gap, gap - half, gap + half))
    return Interval(value, low, high), float(2 * stdtr(degrees, -abs(gap) / error))
