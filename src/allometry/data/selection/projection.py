"""From a few trained mixtures to the accuracy of others and of larger sizes, along the transport distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from allometry.fits import Fit, Settings, fit
from allometry.forecasts import metric_at, percentiles
from allometry.notices import Interval
from allometry.runs import read_runs

LAW = "transport_accuracy"


@dataclass(frozen=True)
class Projection:
    """The law of accuracy over distance and size, fitted to trained mixtures."""

    fit: Fit

    def accuracy(self, examples: float, distance: float) -> Interval:
        """The accuracy of a mixture at a size, trained or not, with the interval of the fit's noise."""
        at = {"examples": np.array([examples]), "transport_distance": np.array([distance])}
        level, why = self.fit.settings.level, self.fit.interval_kind
        return percentiles(
            float(self.fit.predict(at)[0]), metric_at(self.fit.law, self.fit.draws, at)[:, 0], level, why
        )

    def errors(self, examples: ArrayLike, distance: ArrayLike, accuracy: ArrayLike) -> np.ndarray:
        """Predicted minus measured accuracy (n,) of mixtures that were trained after all."""
        at = {"examples": np.asarray(examples, float), "transport_distance": np.asarray(distance, float)}
        return np.asarray(self.fit.predict(at) - np.asarray(accuracy, float))


def project(source: object, *, where: str | None = None, settings: Settings | None = None) -> Projection:
    """Fit accuracy to `examples` and `transport_distance` of a table of trained mixtures, at two sizes or more.

    Use it with distances of `Mixtures.distance` on the same pilots. Not near the ceiling of accuracy: lines have none.
    Errors: `Refused` by `fit`, as for distances at one size only.
    Source: Kang et al. 2023, arXiv 2307.02460: linear in distance, linear in the logarithm of size.

    >>> table = {"examples": [500] * 4 + [2000] * 4, "transport_distance": [1.0, 2, 3, 4] * 2}
    >>> rising = {"accuracy": [0.7 - 0.05 * d + 0.05 * (i > 3) for i, d in enumerate(table["transport_distance"])]}
    >>> round(project(table | rising, settings=Settings(bootstrap=0)).accuracy(8000, 2.5).value, 4)
    0.675
    """
    runs = read_runs(source, rows="all", where=where)
    return Projection(fit(runs, LAW, settings or Settings()))
