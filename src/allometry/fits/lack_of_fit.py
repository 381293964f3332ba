"""Does the law bend where the runs do? Scatter about the curve against scatter of repeated settings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import f as f_distribution

from allometry.fits.fit import Fit

FEWEST_REPEATS = 3  # degrees of freedom below which repeats do not know their own noise


@dataclass(frozen=True)
class LackOfFit:
    """The test of a law against repeats: `ratio` of the two variances, `p` its chance were the law true.

    `noise` is the standard deviation of repeats in the fit's space; `settings` how many were run, `repeats` how many
    runs beyond the first there are of them.
    """

    ratio: float
    p: float
    noise: float
    settings: int
    repeats: int

    @property
    def sentence(self) -> str:
        said = "bends away from" if self.p < 0.05 else "is not at odds with"
        return f"{said} {self.repeats} repeats: variance about the curve {self.ratio:.2f} of theirs, p = {self.p:.2g}"


def lack_of_fit(fit: Fit) -> LackOfFit | None:
    """The F test of lack of fit where some settings were run more than once; None where too few were.

    Use it to see that a law is wrong although its residuals look small: repeats know the noise, and what the means of
    settings miss beyond it is the law's. Not for checkpoints of one run, whose errors follow one another; then None.
    The test takes noise as normal and alike at all settings; one wild repeat hides any lack.

    Source: Draper and Smith 1998, Applied Regression Analysis, section 2.1.

    >>> import numpy as np
    >>> from allometry.fits import Settings, fit
    >>> from allometry.runs import read_runs
    >>> x = np.repeat(np.geomspace(1e18, 1e21, 8), 3)
    >>> noise = np.random.default_rng(0).normal(0, 0.002, 24)
    >>> table = {"flops": x, "loss": (2 + 0.3 * np.sin(np.log(x))) * np.exp(noise)}
    >>> found = lack_of_fit(fit(read_runs(table), "power", Settings(bootstrap=0)))
    >>> found.repeats, found.p < 0.001
    (16, True)
    """
    if fit.rows.cluster_kind == "runs" or not len(fit.rows):
        return None
    used = np.ones(len(fit.residuals), bool) if fit.rows.weights is None else np.asarray(fit.rows.weights > 0)
    axes = np.stack([np.asarray(fit.rows.axes[name])[used] for name in fit.law.axes])
    _, codes, counts = np.unique(axes, axis=1, return_inverse=True, return_counts=True)
    codes, own = codes.ravel(), fit.residuals[used]
    settings, unknowns = len(counts), len(fit.law.parameters) - len(fit.settings.fixed) - len(fit.settings.ties)
    repeats, free = len(own) - settings, settings - unknowns
    if repeats < FEWEST_REPEATS or free < 1:
        return None
    means = np.bincount(codes, own) / counts
    pure = float(((own - means[codes]) ** 2).sum()) / repeats
    lack = float(counts @ means**2) / free
    if pure == 0:
        return None
    ratio = lack / pure
    return LackOfFit(ratio, float(f_distribution.sf(ratio, free, repeats)), float(np.sqrt(pure)), settings, repeats)
