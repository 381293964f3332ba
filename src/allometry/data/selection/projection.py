"""From a few trained mixtures to the accuracy of others and of larger sizes, along the transport distance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from allometry.fits import Fit, Settings, fit
from allometry.forecasts import forecast
from allometry.notices import Interval, Refused
from allometry.runs import Runs, read_runs
from allometry.runs.validate import require_numbers

LAW, METRIC = "transport_accuracy", "accuracy"


@dataclass(frozen=True)
class Projection:
    """The law of accuracy over distance and size, fitted to trained mixtures."""

    fit: Fit

    def accuracy(self, examples: float, distance: float) -> Interval:
        """The accuracy that a mixture would be measured at, with an interval for that one run.

        The interval holds the noise of the fit, how far the trained mixtures lie off the law (for nearness is not
        accuracy), and how laws miss beyond their runs (`forecast` for a new run). It is still narrow for few mixtures: where seven lie 0.03 off the law
        at random, 90% intervals held 67% of new ones (32 of 48). Its ends are cut to 0 and 1; there is no value, and the
        reason, where the law itself leaves these.
        """
        point = {"examples": examples, "transport_distance": distance}
        return _possible(forecast(self.fit, [point], of="new-run")[0].result)

    def errors(self, examples: ArrayLike, distance: ArrayLike, accuracy: ArrayLike) -> np.ndarray:
        """Predicted minus measured accuracy (n,) of mixtures that were trained after all."""
        at = {"examples": np.asarray(examples, float), "transport_distance": np.asarray(distance, float)}
        return np.asarray(self.fit.predict(at) - np.asarray(accuracy, float))


def project(source: object, *, where: str | None = None, settings: Settings | None = None) -> Projection:
    """Fit accuracy to `examples` and `transport_distance` of a table of trained mixtures, at two sizes or more.

    Use it with distances of `Mixtures.distance` on the same pilots. Not near the ceiling of accuracy: lines have none.
    Errors: `Refused` by row for accuracies that are none, and by `fit`, as for distances at one size only.
    Source: Kang et al. 2023, arXiv 2307.02460: linear in distance, linear in the logarithm of size.

    >>> table = {"examples": [500] * 4 + [2000] * 4, "transport_distance": [1.0, 2, 3, 4] * 2}
    >>> rising = {"accuracy": [0.7 - 0.05 * d + 0.05 * (i > 3) for i, d in enumerate(table["transport_distance"])]}
    >>> round(project(table | rising, settings=Settings(bootstrap=0)).accuracy(8000, 2.5).value, 4)
    0.675
    """
    runs, settings = read_runs(source, rows="all", where=where), settings or Settings()
    check_accuracies(runs)
    # what the law does not know of a mixture is the same at all its sizes, so its runs are resampled together
    return Projection(fit(runs, LAW, replace(settings, cluster=settings.cluster or "transport_distance")))


def check_accuracies(runs: Runs) -> None:
    """Refuse, by row, an accuracy that is not between 0 and 1, such as a percentage."""
    require_numbers(runs, METRIC)
    given = np.asarray(runs.column(METRIC), dtype=float)
    for row in np.flatnonzero((given < 0) | (given > 1))[:1]:
        raise Refused("bad-accuracy", f"the accuracy in row {runs.row_numbers[row]} is {given[row]:g}, not between 0 and 1",
                      runs.source, "write 71% as 0.71")  # fmt: skip


def _possible(told: Interval) -> Interval:
    if told.value is None or not 0 <= told.value <= 1:
        said = (
            told.why
            if told.value is None
            else f"the law says {told.value:.3g} here, which is no accuracy: lines have no ceiling"
        )
        return Interval(None, None, None, said)
    low, high = (None if end is None else float(np.clip(end, 0, 1)) for end in (told.low, told.high))
    return Interval(told.value, low, high, told.why)
