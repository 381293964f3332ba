"""What the user's words name: metrics that runs logged, or settings that they were made with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from allometry.axes import AXES, likely_columns, nearest_names
from allometry.notices import Notice, Refused
from allometry.runs.mapping import map_option
from allometry.runs.sources.contract import GROWING, Record

SETTING = "config."
# Columns that every table has.
ABOUT = ("run_id", "run_name", "state", "tags", "step")
_SHOWN = 12


@dataclass(frozen=True)
class Asked:
    """What was asked for: `metrics` and `axes` by standard name, how tokens are counted, where the step stands."""

    metrics: Mapping[str, str]
    axes: Mapping[str, str]
    batch_tokens: tuple[str | float, ...] = ()
    step: str | None = None

    def wanted(self) -> frozenset[str] | None:
        """The names that are worth reading; None for all, where no metric was named."""
        if not self.metrics:
            return None
        factors = (factor for factor in self.batch_tokens if isinstance(factor, str))
        return frozenset((*self.metrics.values(), *self.axes.values(), *factors, *((self.step,) if self.step else ())))


@dataclass(frozen=True)
class Chosen:
    """The columns to make. `metrics` give the rows, the first of them alone where metrics were `named`.

    `beside` are metrics that are read off at those rows; `batch` the factors of tokens a step; `totals` axes known at
    the end of a run by one of its settings; `mapping` says which column is which standard name.
    """

    metrics: tuple[str, ...]
    named: bool
    beside: tuple[str, ...]
    batch: tuple[str | float, ...]
    totals: Mapping[str, str]
    mapping: Mapping[str, str]

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns that differ between the rows of a run."""
        tokens = ("tokens",) if self.batch else ()
        return tuple(dict.fromkeys(("step", *tokens, *self.totals, *self.metrics, *self.beside)))


def batch_factors(text: str | float | None) -> tuple[str | float, ...]:
    """Tokens a step as a product of numbers and names.

    >>> batch_factors("batch_size * 2048"), batch_factors(None)
    (('batch_size', 2048.0), ())
    """
    if text is None:
        return ()
    words = [word.strip() for word in text.split("*")] if isinstance(text, str) else [f"{text!r}"]
    if not all(words):
        raise Refused("bad-option", f"`{text}` is not a product", "--batch-tokens", "write batch_size*seq_len")
    factors = tuple(_number(word) for word in words)
    if any(isinstance(factor, float) and not 0 < factor < float("inf") for factor in factors):
        raise Refused("bad-option", f"a batch of `{text}` is not above 0", "--batch-tokens", "write tokens a step")
    return factors


def _number(word: str) -> str | float:
    try:
        return float(word)
    except ValueError:
        return word


def choose(asked: Asked, runs: Sequence[Record], where: str) -> tuple[Chosen, list[Notice]]:
    """Find what was asked for among the runs; Refused for what none of them has, with what there is."""
    logged = Counter(name for run in runs for name in run.logged)
    settings = Counter(name for run in runs for name in run.config)
    for name in (*asked.metrics.values(), *((asked.step,) if asked.step else ())):
        if name not in logged:
            raise _missing(name, "metric", logged, where)
    _refuse_twice(asked)
    beside, totals, mapping = _axes(asked.axes, logged, settings, where)
    mapping = {**asked.metrics, **mapping, **({"tokens": "tokens"} if asked.batch_tokens else {})}
    mapping |= _as_they_are(mapping, settings)
    batch = tuple(
        factor if isinstance(factor, float) else _resolve(factor, logged, settings, where)[1].removeprefix(SETTING)
        for factor in asked.batch_tokens
    )
    counters = {asked.step, *(name for run in runs for name in run.counters)}
    taken = {*ABOUT, *totals, *beside, *counters, *(("tokens",) if batch else ())}
    metrics = tuple(asked.metrics.values()) or tuple(name for name in logged if name not in taken)
    chosen = Chosen(metrics, bool(asked.metrics), beside, batch, totals, mapping)
    _refuse_taken(chosen)
    return chosen, [*_few(chosen, logged, len(runs)), *_hints(mapping, logged, settings)]


def _axes(
    axes: Mapping[str, str], logged: Collection[str], settings: Collection[str], where: str
) -> tuple[tuple[str, ...], dict[str, str], dict[str, str]]:
    """Metrics to read off, totals by axis, and the column of each axis."""
    beside, totals, mapping = list[str](), dict[str, str](), dict[str, str]()
    for axis, name in axes.items():
        kind, column = _resolve(name, logged, settings, where)
        mapping[axis] = column
        if kind == "metric":
            beside.append(column)
        elif axis in GROWING:
            totals[axis], mapping[axis] = column.removeprefix(SETTING), axis
    return tuple(beside), totals, mapping


def _refuse_twice(asked: Asked) -> None:
    twice = asked.metrics.keys() & asked.axes.keys() or (
        asked.axes.keys() & {"tokens"} if asked.batch_tokens else set()
    )
    if twice:
        name = min(twice)
        raise Refused("given-twice", f"`{name}` is given twice", "the options", "give it once")


def _refuse_taken(chosen: Chosen) -> None:
    """Refuse a metric under the name of a column that every table has."""
    made = {*ABOUT, *chosen.totals, *(("tokens",) if chosen.batch else ())}
    taken = [name for name in (*chosen.metrics, *chosen.beside) if name in made]
    if taken:
        message = f"`{taken[0]}` is a column that the table has anyway"
        raise Refused("name-taken", message, "the options", "to say what holds the step: --step METRIC")


def _resolve(name: str, logged: Collection[str], settings: Collection[str], where: str) -> tuple[str, str]:
    """A metric of that name, else a setting, whose column has its kind before it."""
    if name in logged:
        return "metric", name
    plain = name.removeprefix(SETTING)
    if plain in settings:
        return "setting", SETTING + plain
    raise _missing(name, "metric or setting", [*logged, *(SETTING + other for other in settings)], where)


def _missing(name: str, kind: str, there: Iterable[str], where: str) -> Refused:
    names = list(there)
    near = ", ".join(f"`{other}`" for other in nearest_names(name, names, _SHOWN))
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    mend = f"there are {near}{rest}" if names else "the runs logged nothing"
    return Refused(f"missing-{kind.split()[0]}", f"no run has a {kind} `{name}`", where, mend)


def _as_they_are(mapping: Mapping[str, str], settings: Iterable[str]) -> dict[str, str]:
    """Settings that bear an axis's standard name; not what grows during a run, where a setting is only a plan."""
    plain = (name for name in settings if name in AXES and AXES[name].kind == "axis")
    return {name: SETTING + name for name in plain if name not in mapping and name not in GROWING}


def _few(chosen: Chosen, logged: Counter[str], runs: int) -> Iterable[Notice]:
    for name in (*chosen.metrics, *chosen.beside) if chosen.named else ():
        if logged[name] < runs:
            yield Notice("metric-of-some", f"`{name}` was logged by {logged[name]} of {runs} runs")


def _hints(mapping: Mapping[str, str], logged: Iterable[str], settings: Iterable[str]) -> Iterable[Notice]:
    """What a law needs and nothing was said of, with the option that would say it."""
    for axis, places in (("loss", logged), ("params", settings), ("tokens", [*logged, *settings])):
        likely = () if axis in mapping else likely_columns(axis, [*places, axis], 1)
        if likely:
            option = map_option(axis, likely[0]) if axis != "loss" else f"--metric loss={likely[0]}"
            yield Notice("likely-mapping", f"nothing is said of `{axis}`; `{likely[0]}` may be it: {option}")
