"""Two fits of one law side by side: which rows came or went, and what each did to parameters, forecasts and the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from allometry.fits import Fit
from allometry.history.causes import Cause, Causes, Row, causes_of, row_of
from allometry.history.numbers import (
    Compared,
    Moved,
    default_budget,
    default_point,
    forecasts_compared,
    merged,
    parameters_compared,
    plan_compared,
)
from allometry.notices import Notice, Refused
from allometry.runs import Changes, counted_differently, row_changes

_NOTHING = Compared({}, {})
MISMATCH = 1e-3  # of a number: below it a saved fit and its refit are the same minimum


@dataclass(frozen=True)
class Diff:
    """What changed from one fit to the next.

    `rows` says what became of the rows, None where a fit came without them; `came`, `went` and `changed` list them, a
    changed one as it was and as it is. `settings` are the differences in how the law was fitted. `plan` is that of
    `flops`, empty with `plan_why`. `causes` say what moved the numbers, the largest effect on the first of plan, forecasts
    and parameters first; empty with `causes_why`. `notices` are about the whole.
    """

    counts: tuple[int, int]
    metric: str
    rows: Changes | None
    rows_why: str
    came: tuple[Row, ...]
    went: tuple[Row, ...]
    changed: tuple[tuple[Row, Row], ...]
    settings: tuple[str, ...]
    parameters: Mapping[str, Moved]
    forecasts: Mapping[str, Moved]
    points: tuple[Mapping[str, float], ...]
    flops: float | None
    plan: Mapping[str, Moved]
    plan_why: str
    causes: tuple[Cause, ...]
    causes_why: str
    notices: tuple[Notice, ...]

    def as_json(self) -> dict[str, object]:
        """`rows`, `parameters`, `forecasts`, `plan`, `moves` and what they are."""
        rows = {
            "before": self.counts[0],
            "after": self.counts[1],
            "common": None if self.rows is None else len(self.rows.common),
        }
        changed = [{**new.as_json(), "before": old.as_json()} for old, new in self.changed]
        told = zip(self.points, self.forecasts.items(), strict=True)
        return {
            "rows": {
                **rows, "came": [row.as_json() for row in self.came], "went": [row.as_json() for row in self.went],
                "changed": changed, "why": self.rows_why,
            },
            "settings": list(self.settings),
            "parameters": {name: moved.as_json() for name, moved in self.parameters.items()},
            "forecasts": [{"name": name, "at": dict(at), "metric": self.metric, **moved.as_json()} for at, (name, moved) in told],
            "plan": {"flops": self.flops, "why": self.plan_why, **{name: moved.as_json() for name, moved in self.plan.items()}},
            "moves": [cause.as_json() for cause in self.causes], "moves_why": self.causes_why,
            "interval": "fit noise only",
            "warnings": [{"code": notice.code, "message": notice.message} for notice in self.notices],
            "complete": not (self.rows_why or self.causes_why),
        }  # fmt: skip


def diff(
    before: Fit, after: Fit, *, at: Sequence[Mapping[str, float]] = (), flops: float | None = None,
    fixed: Mapping[str, float] | None = None,
) -> Diff:  # fmt: skip
    """What changed between two fits of one law, and what each row did to it.

    Use it when a table has grown, rows were mended, or another setting was tried. Not for choosing between laws: compare
    those by backtest. Rows are told apart by their values, so copies under other names are the same rows. What a row did
    is measured by refits under the settings of the second fit: added to the first table alone, and left out of the second;
    the mean of the two is its effect, and what the rows do only together is told apart.

    Arguments: `at` are points of forecasts to compare, by default where the plan puts ten times the largest compute of
    `after`; `flops` the budget of the plan, by default that compute; `fixed` a value for further axes of the law.
    Errors: `Refused` for fits of two laws or metrics, or that count differently; for points that are no use.
    """
    _check_same(before, after)
    budget, further = default_budget(after)
    plan_, why = _plan(before, after, flops or budget, {**further, **(fixed or {})})
    points = _distinct(at) or _points(after, plan_, {**further, **(fixed or {})})
    told = forecasts_compared(before, after, points) if points else _NOTHING
    found = parameters_compared(before, after)
    changes, rows_why = _changes(before, after)
    differs = _settings(before, after)
    everything = merged(plan_.named("plan."), told, found)
    causes = _causes(
        before, after, changes, rows_why, everything, "; ".join(differs[name] for name in _REFITTED if name in differs)
    )
    return Diff(
        counts=(before.rows.count, after.rows.count), metric=after.law.metric, rows=changes, rows_why=rows_why,
        came=() if changes is None else tuple(row_of(after.rows, i) for i in changes.came),
        went=() if changes is None else tuple(row_of(before.rows, i) for i in changes.went),
        changed=() if changes is None else tuple((row_of(before.rows, p.before), row_of(after.rows, p.after)) for p in changes.changed),
        settings=tuple(differs.values()), parameters=found.moved, forecasts=told.moved, points=points, flops=flops or budget,
        plan=plan_.moved, plan_why=why, causes=causes.found, causes_why=causes.why, notices=tuple(_notices(before, after, changes, causes)),
    )  # fmt: skip


def _check_same(before: Fit, after: Fit) -> None:
    one, other = before.law, after.law
    if one.metric != other.metric:
        raise Refused(
            "two-metrics",
            f"one fit is of {one.metric}, the other of {other.metric}",
            "the fits",
            "diff fits of one metric",
        )
    if (
        one.formula.text.split() != other.formula.text.split()
        or one.parameter_names != other.parameter_names
        or one.axes != other.axes
    ):
        raise Refused("two-laws", f"one fit is of {one.name}, the other of {other.name}, which is another formula", "the fits",
                      "diff fits of one law; laws are compared by allometry compare")  # fmt: skip
    if differs := counted_differently(before.conventions, after.conventions):
        raise Refused(
            "two-conventions", differs, "the fits", "convert one table, or state the convention if it is the same"
        )


def _plan(before: Fit, after: Fit, flops: float | None, further: Mapping[str, float]) -> tuple[Compared, str]:
    if flops is None:
        return _NOTHING, "no budget: these runs have no compute, so give one with --flops"
    try:
        return plan_compared(before, after, flops, further), ""
    except Refused as refused:
        return _NOTHING, refused.message


def _distinct(points: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], ...]:
    return tuple({tuple(sorted(point.items())): dict(point) for point in points}.values())


def _points(after: Fit, planned: Compared, further: Mapping[str, float]) -> tuple[dict[str, float], ...]:
    """Where the second fit's plan lies; else beyond the runs along the first axis."""
    chosen = {name: moved.after.value for name, moved in planned.moved.items() if name in after.law.axes}
    if chosen:
        return ({**further, **{name: float(f"{value:.4g}") for name, value in chosen.items() if value is not None}},)
    point = default_point(after)
    return () if point is None else (point,)


def _changes(before: Fit, after: Fit) -> tuple[Changes | None, str]:
    for which, fitted in (("first", before), ("second", after)):
        if fitted.rows_missing:
            return None, f"which rows came or went is not known of the {which}: {fitted.rows_missing}"
    return row_changes(before.rows, after.rows), ""


def _causes(before: Fit, after: Fit, changes: Changes | None, why: str, compared: Compared, settings: str) -> Causes:
    """Causes, unless there is nothing to refit or nothing in common to start from."""
    if changes is None or not compared.numbers:
        return Causes((), why or "there is no number to compare")
    if not changes.common:
        return Causes((), "the fits share no row, so no row alone can be said to move anything")
    if not (changes.came or changes.went or changes.changed or settings):
        return Causes((), "")
    return causes_of(before, after, changes, compared, settings)


def _settings(before: Fit, after: Fit) -> dict[str, str]:
    """What differs in how the law was fitted and in how the table was read, each in a phrase."""
    asked = zip(_SETTINGS, _asked(before), _asked(after), strict=True)
    return {name: f"{name} {one} -> {other}" for name, one, other in asked if one != other}


_REFITTED = ("objective", "delta", "space", "fixed", "tied", "priors")
_SETTINGS = (*_REFITTED, "weights", "starts", "resamples", "clusters", "seed", "level", "filter", "rows of a run")


def _asked(fitted: Fit) -> tuple[str, ...]:
    settings, reading = fitted.settings, fitted.rows.reading
    chosen = " (set by the runs)" if fitted.settings.objective.delta == 0.0 else ""
    delta = "none" if fitted.delta is None else f"{fitted.delta:.4g}{chosen}"
    words = (
        settings.objective.name, delta, fitted.space, _listed(settings.fixed), _listed(settings.ties),
        ", ".join(f"{name}={prior.mean:g},{'x' if prior.factor else ''}{prior.sd:g}" for name, prior in settings.priors.items()),
        settings.weights, settings.starts, settings.bootstrap, settings.cluster, settings.seed, settings.level,
        reading.where, reading.rows,
    )  # fmt: skip
    return tuple("none" if word in (None, "") else str(word) for word in words)


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _notices(before: Fit, after: Fit, changes: Changes | None, causes: Causes) -> Iterable[Notice]:
    if changes is not None and not changes.common:
        yield Notice("no-common-rows", "the two fits share no row: this compares two tables, not a table that changed")
    if causes.mismatch > MISMATCH:
        yield Notice("refit-differs", f"a refit of the second table lands up to {causes.mismatch:.2%} from the saved fit: the "
                     "search found another minimum, and that is counted with what the rows do together")  # fmt: skip
    for which, fitted in (("first", before), ("second", after)):
        if fitted.confounded:
            yield Notice(
                "not-determined", f"the {which} fit cannot tell {', '.join(fitted.confounded)}: these are not compared"
            )
