"""The result of fitting a law to runs: everything later rooms read, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from allometry.fits.settings import Settings
from allometry.laws import Law
from allometry.notices import Interval, Notice, Refused
from allometry.runs import Rows
from allometry.showing import Tabled

Array = np.ndarray
BOOTSTRAP_KINDS = {
    "rows": "pairs bootstrap over rows",
    "residuals": "few runs: residual bootstrap",
    "saturated": "none: as many parameters as runs",
    "none": "none: no resamples were asked for",
    "published": "none: published constants",
}


@dataclass(frozen=True)
class Fit(Tabled):
    """A law, the rows it was fitted to, its parameters and their joint draws.

    `estimate` (P,) and `draws` (B, P) are natural values in the order of `law.parameter_names`;
    `draw_numbers` (B,) say which resamples the draws are, so that fits on the same resamples can be
    paired. `residuals` (n,) are prediction minus measurement in `space`; `objective` is their summed
    loss. `agree` is the share of `finalists` that reached the minimum, `gap` the relative height of
    the next one. `confounded` maps a parameter to why the data cannot tell it; `prior_share` says how
    much of each parameter with a prior came from that prior (1: all of it). `provenance` is "fitted"
    or "published".
    """

    law: Law
    rows: Rows
    settings: Settings
    space: str
    estimate: Array
    draws: Array
    draw_numbers: Array
    residuals: Array
    objective: float
    delta: float | None
    agree: float
    finalists: int
    gap: float | None
    converged: bool
    status: str
    interval_kind: str
    notices: tuple[Notice, ...] = ()
    confounded: Mapping[str, str] = field(default_factory=dict)
    prior_share: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    provenance: str = "fitted"

    @property
    def rows_missing(self) -> str:
        """Why the rows that this was fitted to are not here; empty where they are."""
        if self.rows.withheld is not None:
            return f"the fit was handed on without its {self.rows.count} rows"
        return "" if len(self.rows) else "the constants are published"

    def require_rows(self, purpose: str) -> None:
        """Refuse, in one sentence, what cannot be done without the rows."""
        if self.rows_missing:
            raise Refused("no-rows-in-fit", f"{self.rows_missing}, and {purpose} needs them", "the fit",
                          "ask for the fit with its rows, or fit the table again (allometry fit RUNS --like FIT)")  # fmt: skip

    @property
    def conventions(self) -> Mapping[str, str]:
        """How the rows count parameters, FLOPs and loss."""
        return self.rows.conventions

    @property
    def values(self) -> dict[str, float]:
        """Natural parameter values by name."""
        return dict(zip(self.law.parameter_names, self.estimate.tolist(), strict=True))

    @property
    def parameters(self) -> dict[str, Interval]:
        """Each parameter with its interval; one the data cannot tell has no value, and says why."""
        return {name: self._parameter(i, name) for i, name in enumerate(self.law.parameter_names)}

    def _parameter(self, index: int, name: str) -> Interval:
        if name in self.confounded:
            return Interval(None, None, None, self.confounded[name])
        if name in self.settings.fixed:
            return Interval(float(self.estimate[index]), None, None, "fixed by the user")
        return self.interval(float(self.estimate[index]), self.draws[:, index])

    def interval(self, value: float, draws: Array) -> Interval:
        """A value with the percentiles of its draws (B,) at the fit's level."""
        usable = draws[np.isfinite(draws)]
        if len(usable) < 2:
            return Interval(value, None, None, self.interval_kind)
        tail = (1 - self.settings.level) / 2
        low, high = np.quantile(usable, [tail, 1 - tail])
        return Interval(value, float(low), float(high))

    def predict(self, points: Mapping[str, ArrayLike]) -> Array:
        """The metric (n,) at points given as one array (n,) for each axis."""
        return self.law.evaluate(self.estimate, points)

    def predict_draws(self, points: Mapping[str, ArrayLike]) -> Array:
        """The metric (B, n) of every draw: the joint uncertainty of any forecast."""
        return self.law.evaluate(self.draws, points)

    def as_columns(self) -> dict[str, list[float]]:
        """The rows fitted: number in the table as given, axes, metric, the law's value and the residual in the fit's space."""
        rows = self.rows
        axes = {name: rows.axes[name].tolist() for name in self.law.axes}
        fitted = self.predict(rows.axes).tolist()
        return {
            "row": rows.numbers.tolist(),
            **axes,
            rows.metric: rows.target.tolist(),
            "fitted": fitted,
            "residual": self.residuals.tolist(),
        }

    def warned(self, code: str) -> bool:
        return any(notice.code == code for notice in self.notices)
