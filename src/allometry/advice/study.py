"""A table under study: its runs, the law, the fit where there is one, and the numbers the user cares about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from allometry.advice.finding import Change
from allometry.advice.suspects import Suspects, find_suspects
from allometry.costs import compute_of, rule_partner, size_axis
from allometry.fits import Diagnosis, Fit, Quantity, Settings, diagnose, fit, refit
from allometry.forecasts import interval_of, value_at
from allometry.laws import Law
from allometry.notices import Interval, Refused
from allometry.plans import default_quantities, optimal_params, target_compute
from allometry.runs import Description, Runs, describe

Array = np.ndarray

# Assumed: enough for 90% intervals that decide nothing by their third digit, and a second or less a fit.
RESAMPLES = 200


def default_settings(seed: int = 0) -> Settings:
    """The settings of a study: those of a fit, with fewer resamples."""
    return Settings(bootstrap=RESAMPLES, seed=seed)


@dataclass(frozen=True, eq=False)
class Study:
    """What every rule is given.

    `at` is the target point and `flops` the target budget, at most one of them; without either the target is ten times
    the largest compute. `others` are tables that are to be joined to this one. `read` reads the table again under
    another rule for its rows ("all", "after:0.5"); None where that cannot be done.
    """

    runs: Runs
    law: Law
    settings: Settings = field(default_factory=default_settings)
    at: Mapping[str, float] | None = None
    flops: float | None = None
    others: tuple[Runs, ...] = ()
    read: Callable[[str], Runs] | None = None

    @cached_property
    def outcome(self) -> Fit | Refused:
        """The fit of the law to all rows in use, or why there is none."""
        try:
            return fit(self.runs, self.law, self.settings)
        except Refused as refused:
            return refused

    @property
    def fit(self) -> Fit | None:
        """The fit, None where it was refused."""
        return self.outcome if isinstance(self.outcome, Fit) else None

    @cached_property
    def description(self) -> Description:
        """What the table holds, with repeats judged by the law's metric."""
        return describe(self.runs, self.law.metric)

    @cached_property
    def quantities(self) -> Mapping[str, Quantity]:
        """The numbers that advice is measured by; empty where the rows cannot give them."""
        return {} if self.fit is None else self.quantities_of(self.fit)

    def quantities_of(self, fitted: Fit) -> Mapping[str, Quantity]:
        """The same numbers asked of another fit of the law."""
        if fitted.confounded:
            return {}
        if self.at is not None:
            place = " ".join(f"{name}={value:.3g}" for name, value in self.at.items())
            return {f"{self.law.metric} at {place}": value_at(self.at)}
        return default_quantities(fitted) if self.flops is None else _at_budget(fitted, self.flops)

    @cached_property
    def baseline(self) -> Mapping[str, Interval]:
        """The quantities by the table as it is."""
        return {} if self.fit is None else {name: measured(self.fit, q) for name, q in self.quantities.items()}

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """Influential rows beside their null; None without a fit."""
        return None if self.fit is None else diagnose(self.fit, self.quantities)

    @cached_property
    def suspects(self) -> Suspects:
        """Rows that decide the answer beyond their null, and those of them that lie off the curve of the others."""
        return find_suspects(self.fit, self.diagnosis)

    @cached_property
    def compute(self) -> float | None:
        """The target's training compute; None where the law and table have none."""
        if self.flops is not None:
            return self.flops
        if self.at is not None:
            found = compute_of(self.at)
            return None if found is None else float(found)
        return None if self.fit is None else target_compute(self.fit)

    def changed(self, after: Fit) -> tuple[Change, ...]:
        """What the quantities are by this fit and by another, the largest change first."""
        asked = self.quantities or self.quantities_of(after)
        why = "; ".join(dict.fromkeys(self.fit.confounded.values())) if self.fit else "the fit is refused"
        none = Interval(None, why=why)
        found = [Change(name, self.baseline.get(name, none), measured(after, q)) for name, q in asked.items()]
        return tuple(sorted(found, key=lambda change: -change.size))

    def refitted(self, keep: Array, *, bootstrap: int | None = None) -> Fit | None:
        """The fit of the rows where `keep` (n,) holds; None where that is refused."""
        if self.fit is None or not np.any(keep):
            return None
        try:
            return refit(self.fit, keep, bootstrap=bootstrap)
        except Refused:
            return None

    def without(self, drop: Array) -> tuple[Change, ...]:
        """What leaving the rows where `drop` (n,) holds out of the fit changes."""
        after = self.refitted(~drop)
        return () if after is None else self.changed(after)

    def least(self, factor: int = 2) -> int:
        """The fewest rows a refit is believed with: so many times the law's unknowns."""
        return factor * len(self.law.parameter_names)


def measured(fitted: Fit, quantity: Quantity) -> Interval:
    """A quantity of a fit with its interval; empty with the reason where it has no value."""
    try:
        with np.errstate(all="ignore"):
            values = np.asarray(quantity(fitted.law, np.concatenate([fitted.estimate[None], fitted.draws])), float)
    except Refused as refused:
        return Interval(None, why=str(refused))
    if not np.isfinite(values[0]):
        return Interval(None, why="the fitted law has no finite value there")
    return interval_of(fitted, float(values[0]), values[1:])


def _at_budget(fitted: Fit, flops: float) -> Mapping[str, Quantity]:
    """The loss at the best split of a budget, and the size there where the law splits it."""
    further = {name: float(np.max(column)) for name, column in fitted.rows.axes.items()}
    size = size_axis(fitted.law.axes)
    metric = f"{fitted.law.metric} at {flops:.3g} FLOPs"
    if size is None or "tokens" not in fitted.law.axes:
        if "flops" not in fitted.law.axes:
            mend = 'give the point itself: --at "axis=value ..."'
            raise Refused("no-compute", f"{fitted.law.name} does not depend on compute", "--flops", mend)
        return {metric: value_at({**further, "flops": flops})}
    others = {name: value for name, value in further.items() if name not in (size, "tokens")}
    best = optimal_params(flops, others)
    at = float(best(fitted.law, fitted.estimate[None])[0])
    point = {**others, size: at, "tokens": float(rule_partner(flops, at))}
    return {metric: value_at(point), f"N* at {flops:.3g} FLOPs": best}
