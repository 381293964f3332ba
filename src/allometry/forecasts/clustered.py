"""A benchmark forecast by clusters of its questions: those that rise alike with compute are extrapolated together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allometry.fits import Fit, Settings, Squared, fit
from allometry.forecasts._calibration import monotone_map
from allometry.forecasts._mean_shift import mean_shift
from allometry.forecasts.intervals import percentiles
from allometry.forecasts.metric import Array, metric_at
from allometry.notices import Interval, Refused
from allometry.runs import Rows

LAW = "cluster_accuracy"
LEAST_A, LEAST_B, MOST_C = 1.0, 0.1, 1.0
"""What the fit of a cluster must show to be extrapolated: a above 1, b above 0.1, c below 1 (Xu et al. 2025)."""
LEAST_SQUARES = Settings(objective=Squared())
"""A late cluster is 0 at most sizes: an absolute or a robust loss would take the sizes where it rises for outliers."""
_RISE = 3.0  # assumed: how many times its scatter about the curve a cluster must rise over the ladder


@dataclass(frozen=True)
class Cluster:
    """Questions (their row numbers) whose pass rates go alike, their mean (M,), its fit, and why it is left out.

    `fit` is None where the mean is the same for every model of the ladder.
    """

    questions: NDArray[np.int64]
    accuracy: Array
    fit: Fit | None
    why: str

    @property
    def kept(self) -> bool:
        return not self.why


@dataclass(frozen=True)
class ClusteredForecast:
    """The accuracy at a compute: on the questions of the clusters that are kept (`subset`) and on all (`accuracy`).

    `share` of the questions are in the subset; `outliers` are in no cluster. The intervals hold the noise of the
    clusters' fits, not that of the map from subset to benchmark.
    """

    flops: float
    subset: Interval
    accuracy: Interval
    share: float
    clusters: tuple[Cluster, ...]
    outliers: NDArray[np.int64]


def forecast_clustered(
    pass_rates: ArrayLike,
    flops: ArrayLike,
    target: float,
    *,
    known: ArrayLike | None = None,
    diameter: float = 0.5,
    least: int = 10,
    settings: Settings = LEAST_SQUARES,
    level: float = 0.9,
    seed: int = 0,
) -> ClusteredForecast:
    """The accuracy of a larger model on a benchmark, from the pass rates of a ladder on each question.

    Use it where questions rise at different compute, so that no one curve fits their mean: questions with like pass
    rates are clustered, each cluster is fitted by `cluster_accuracy`, those that rise and can be extrapolated are, and
    a monotone curve leads from them to the whole benchmark. Not where most questions are still at 0 for the largest
    model of the ladder: nothing in such a ladder says when they will rise, and `share` shows it.

    Arguments: `pass_rates` (Q, M) shares of right answers, of 100 samples or so, with models in the order of `flops`
    (M,), their training compute; `target` FLOPs; `known` (Q, A) pass rates of models that exist, of any compute and at
    best as good as the target, which say how the rest of the benchmark goes with the subset; `diameter` of a cluster in
    the space of pass rates and `least` its questions (10 by the source, the diameter assumed); `settings` of the fits,
    by least squares unless they say otherwise, such as `fixed={"g": 0.25}` where guessing is known; `level` of the intervals, `seed` of pairing draws.
    Errors: `Refused` for other shapes, shares outside 0 to 1, compute that is not positive, and where no cluster can be
    extrapolated. Source: Xu et al. 2025, arXiv 2502.17262 (COD): clusters, criteria and map. Their mean absolute error
    on eight benchmarks is 1.55 points, that of one exponential curve 3.10. On a simulated benchmark of which a quarter
    does not emerge, forecast 20 times beyond the ladder, ours is 0.7 points and at worst 3.0, that of one curve 12.

    >>> compute = np.geomspace(1e19, 1e22, 9)
    >>> curves = [np.exp(-np.log(2) * (compute / half) ** -0.5) for half in (1e20, 1e21)]
    >>> rates = np.repeat(curves, 20, axis=0) + 0.01 * np.sin(np.arange(360.0)).reshape(40, 9)
    >>> found = forecast_clustered(np.clip(rates, 0, 1), compute, 1e23, settings=Settings(objective=Squared(), bootstrap=0))
    >>> len(found.clusters), found.share, round(found.subset.value, 2)
    (2, 1.0, 0.96)
    """
    rates, compute, others = _checked(pass_rates, flops, known, target)
    labels = mean_shift(rates, diameter, least)
    members = [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]
    clusters = tuple(_cluster(own, rates, compute, settings) for own in members)
    kept = [(cluster.questions, cluster.fit) for cluster in clusters if cluster.fit is not None and cluster.kept]
    if not kept:
        why = "; ".join(f"{len(c.questions)} questions: {c.why}" for c in clusters) or "no clusters"
        raise Refused("no-clusters", f"no cluster of questions can be extrapolated ({why})", "pass_rates",
                      "add larger models to the ladder, or widen the diameter")  # fmt: skip
    questions = np.concatenate([own for own, _ in kept])
    measured = np.concatenate([rates, others], axis=1)
    mapped = monotone_map(measured[questions].mean(axis=0), measured.mean(axis=0))
    value, draws = _subset(kept, target, seed)
    none = kept[0][1].interval_kind
    return ClusteredForecast(
        flops=target,
        subset=percentiles(value, draws, level, none),
        accuracy=percentiles(float(mapped(np.array(value))), mapped(draws), level, none),
        share=len(questions) / len(rates),
        clusters=clusters,
        outliers=np.flatnonzero(labels < 0),
    )


def _cluster(questions: NDArray[np.int64], rates: Array, compute: Array, settings: Settings) -> Cluster:
    mean = rates[questions].mean(axis=0)
    if np.ptp(mean) == 0:
        return Cluster(questions, mean, None, f"is {mean[0]:.3g} for every model")
    found = _fitted(Rows({"flops": compute}, mean, "accuracy"), settings)
    return Cluster(questions, mean, found, _why_not(found))


def _fitted(rows: Rows, settings: Settings) -> Fit:
    """The best fit with g and c of 0 or more: one that comes out below is held at 0, the lower one first."""
    fixed = dict(settings.fixed)
    with np.errstate(invalid="ignore"):  # steps of the search that leave all numbers are thrown away
        while True:
            values = fit(rows, LAW, replace(settings, fixed=fixed, bootstrap=0)).values
            lowest = min(("g", "c"), key=lambda name: values[name])
            if values[lowest] >= 0:
                return fit(rows, LAW, replace(settings, fixed=fixed))
            fixed[lowest] = 0.0


def _why_not(found: Fit) -> str:
    """Why a cluster cannot be extrapolated; empty where it can."""
    values, compute = found.values, found.rows.axes["flops"]
    if values["a"] <= LEAST_A or values["b"] <= LEAST_B:
        return f"does not rise with compute (a {values['a']:.3g}, b {values['b']:.3g})"
    if values["c"] >= MOST_C:
        return f"its ceiling is not reliable (c {values['c']:.3g})"
    ends = found.predict({"flops": [compute.min(), compute.max()]})
    scatter = float(np.sqrt(np.mean(found.residuals**2)))
    if ends[1] - ends[0] <= _RISE * scatter:
        return f"rises by {ends[1] - ends[0]:.3f} over the ladder, within its scatter of {scatter:.3f}"
    return ""


def _subset(kept: list[tuple[NDArray[np.int64], Fit]], target: float, seed: int) -> tuple[float, Array]:
    """The size-weighted mean of the clusters' accuracies at a compute, and its draws (B,), paired at random."""
    sizes = np.array([len(questions) for questions, _ in kept], float)
    point = {"flops": np.array([target])}
    value = float(np.average([found.predict(point)[0] for _, found in kept], weights=sizes))
    count = min(len(found.draws) for _, found in kept)
    generator = np.random.default_rng([seed, 6])
    paired = [found.draws[generator.permutation(len(found.draws))[:count]] for _, found in kept]
    draws = [metric_at(found.law, drawn, point)[:, 0] for (_, found), drawn in zip(kept, paired, strict=True)]
    return value, np.average(draws, axis=0, weights=sizes)


def _checked(
    pass_rates: ArrayLike, flops: ArrayLike, known: ArrayLike | None, target: float
) -> tuple[Array, Array, Array]:
    rates, compute = np.asarray(pass_rates, float), np.asarray(flops, float)
    if rates.ndim != 2 or compute.shape != rates.shape[1:]:
        raise Refused("bad-rates", f"pass rates of shape {rates.shape} do not go with {compute.shape} models", "pass_rates",
                      "give (questions, models) and one compute a model")  # fmt: skip
    others = np.empty((len(rates), 0)) if known is None else np.asarray(known, float)
    if others.ndim != 2 or len(others) != len(rates):
        raise Refused(
            "bad-rates",
            f"{others.shape} known rates do not go with {len(rates)} questions",
            "known",
            "give a row a question",
        )
    for name, shares in (("pass_rates", rates), ("known", others)):
        wrong = np.flatnonzero(~((shares >= 0) & (shares <= 1)).all(axis=1))
        if wrong.size:
            raise Refused("bad-rates", f"question {wrong[0]} has a rate that is not from 0 to 1", name, "leave it out")
    if not (np.isfinite([*compute, target]) & (np.array([*compute, target]) > 0)).all():
        raise Refused("bad-compute", "a compute is not positive", "flops", "give training FLOPs")
    return rates, compute, others
