"""Which runs to make next: those that narrow a forecast or a plan most for their cost."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from allometry.expressions import target_transform
from allometry.fits import Fit, Quantity, lack_of_fit
from allometry.forecasts._design import Design, Ensemble, ensemble, extend, gains, spread, start, taken
from allometry.forecasts._design_candidates import Candidates
from allometry.forecasts._next_result import NextRun, NextRuns
from allometry.forecasts.intervals import MOST_LOST
from allometry.forecasts.metric import Array, metric_at
from allometry.notices import Notice, Refused

FEWEST_DRAWS = 100  # assumed: below it a chance correlation of draws looks like information
MOST_RUNS = 40  # assumed: most are small; in simulations half as many left intervals some 5% wider
SPREADS = 20  # random spreads whose median is the one shown beside the design
GROSS = 3.0  # robust standard deviations at which a residual stops counting for more
HARDLY = 0.95  # expected width left above which the runs are said to hardly help (assumed)


def next_runs(
    fit: Fit, quantity: Quantity, candidates: Candidates, budget: float, *, batches: int = 1, repeats: int = 1,
    most_runs: int = MOST_RUNS, level: float | None = None, seed: int = 0,
) -> NextRuns:  # fmt: skip
    """The candidates within a budget that are expected to narrow the interval of a quantity most.

    Use it when a forecast or plan is too uncertain and some compute is left to make it surer. The law is taken as
    true: it seeks the runs that fix its parameters, not those that would refute it, so keep a few runs to test the
    law (`backtest`). Not for a first table: it needs a fit that determines its parameters, however loosely.

    Arguments: `quantity` a `Quantity`, such as `value_at(point)` or `plans.optimal_params(flops)`; `candidates` from
    `buildable` or `listed_candidates`; `budget` in the unit of their cost, never exceeded; `batches` shares the budget
    into equal parts, of which only the first should be run before fitting again; `repeats` how often a candidate may
    be run: repeats count as one group when rows are resampled, so spreading runs narrows more (simulated);
    `most_runs` in all batches; `level` of the interval (by default the fit's).
    Errors: `Refused` for a fit without draws or with confounded parameters, a budget below the cheapest candidate,
    and a quantity that the draws do not have.

    >>> from allometry.fits import Settings, fit
    >>> from allometry.forecasts import buildable, value_at
    >>> from allometry.runs import read_runs
    >>> x = np.geomspace(1e18, 1e20, 14)
    >>> noise = np.exp(0.003 * np.random.default_rng(0).standard_normal(14))
    >>> table = {"flops": x, "loss": (1.7 + 1000 * x**-0.15) * noise}
    >>> found = fit(read_runs(table), "power", Settings(bootstrap=200))
    >>> told = next_runs(found, value_at({"flops": 1e22}), buildable(found, 1e21), 1e21)
    >>> told.after < told.spread < told.before, told.spent <= 1e21
    (True, True)
    """
    _check_fit(fit)
    _check_numbers(candidates, budget, batches, repeats, most_runs)
    value, logs, kept = _quantity_draws(fit, quantity)
    level = fit.settings.level if level is None else level
    tail = (1 - level) / 2
    before = float(np.ptp(np.quantile(logs, [tail, 1 - tail])))
    scatter = run_scatter(fit)
    usable, metric = _metric_draws(fit, candidates, kept)
    cost = candidates.cost[usable]
    found = ensemble(metric, logs, scatter / np.sqrt(candidates.weight[usable]))
    none = start(found)
    stages = _stages(found, none, cost, budget, batches, most_runs, repeats)
    widths = [before * math.sqrt(stage.variance / none.variance) for stage in stages]
    generator = np.random.default_rng([seed, 6])
    beside = [spread(found, cost, budget, repeats, generator).variance for _ in range(SPREADS)]
    runs = _listed(found, none, stages, candidates, usable)
    return NextRuns(
        runs=runs, value=value, before=before, after=widths[-1], after_batch=tuple(widths),
        spread=before * math.sqrt(float(np.median(beside)) / none.variance), level=level, scatter=scatter,
        spent=sum(run.cost for run in runs), unit=candidates.unit, notices=_notices(fit, before, widths[-1]),
    )  # fmt: skip


def _check_fit(fit: Fit) -> None:
    if fit.provenance == "published":
        raise Refused("no-draws", "published constants come without the draws that a design needs", "the fit",
                      "fit the law to a table of runs")  # fmt: skip
    if fit.confounded:
        reasons = "; ".join(dict.fromkeys(fit.confounded.values()))
        raise Refused("not-determined", f"{', '.join(fit.confounded)} not determined by these runs ({reasons})", "the fit",
                      "first make runs that tell them apart (vary each axis at a fixed value of the others), or fix parameters")  # fmt: skip
    if len(fit.draws) < FEWEST_DRAWS:
        raise Refused("few-draws", f"the fit has {len(fit.draws)} draws ({fit.interval_kind}), too few to design from",
                      "--bootstrap", f"ask for {FEWEST_DRAWS} or more; with as many runs as parameters, add runs first")  # fmt: skip


def _check_numbers(candidates: Candidates, budget: float, batches: int, repeats: int, most_runs: int) -> None:
    if batches < 1 or repeats < 1 or most_runs < batches:
        raise Refused("bad-option", f"{batches} batches, {repeats} repeats and {most_runs} runs do not go together",
                      "--batches, --repeats, --most-runs", "give at least one repeat, and a run for each batch")  # fmt: skip
    cheapest = float(candidates.cost.min())
    if not (math.isfinite(budget) and budget / batches >= cheapest * (1 - 1e-9)):
        share = "the budget" if batches == 1 else f"each of {batches} batches"
        raise Refused("budget-small", f"{share} is {budget / batches:.3g} {candidates.unit}, and the cheapest run costs "
                      f"{cheapest:.3g}", "--budget", "raise it, allow cheaper runs or ask for fewer batches")  # fmt: skip


def _quantity_draws(fit: Fit, quantity: Quantity) -> tuple[float, Array, NDArray[np.bool_]]:
    """The quantity's value, its logarithm in the draws that have one, and which these are (B,)."""
    value = float(quantity(fit.law, fit.estimate[None])[0])
    draws = np.asarray(quantity(fit.law, fit.draws), float)
    kept = np.isfinite(draws) & (draws > 0)
    lost = 1 - float(kept.mean())
    if not (math.isfinite(value) and value > 0) or lost > MOST_LOST:
        raise Refused("no-quantity", f"{lost:.0%} of the draws give no positive value there (the estimate: {value:.4g})",
                      "--target, --plan", "ask for a point nearer to the runs")  # fmt: skip
    logs = np.log(draws[kept])
    if np.ptp(logs) <= 1e-12:
        raise Refused("nothing-to-narrow", "every draw gives the same value", "--target, --plan", "no run is needed")
    return value, logs, kept


def _metric_draws(fit: Fit, candidates: Candidates, kept: NDArray[np.bool_]) -> tuple[NDArray[np.int64], Array]:
    """Numbers of the candidates that nearly all draws have a value at, and these values (B, k) in the fit's space."""
    with np.errstate(all="ignore"):
        metric = np.asarray(target_transform(fit.space, metric_at(fit.law, fit.draws[kept], candidates.axes)), float)
    usable = np.flatnonzero(np.mean(np.isfinite(metric), axis=0) >= 1 - MOST_LOST)
    if not usable.size:
        raise Refused("no-candidates", f"{fit.law.name} has no value at any candidate in most draws", "the candidates",
                      "allow settings nearer to the runs")  # fmt: skip
    return usable, np.where(np.isfinite(metric), metric, np.nan)[:, usable]


def run_scatter(fit: Fit) -> float:
    """The standard deviation of one run about the curve, in the fit's space.

    Of the residuals, those beyond three robust deviations brought in, with the share that the parameters took put
    back; or that of repeats where it is larger: a table of few repeats may lie closer to its curve than runs do.
    """
    used = np.ones(len(fit.residuals), bool) if fit.rows.weights is None else np.asarray(fit.rows.weights > 0)
    own = fit.residuals[used]
    gross = GROSS * 1.4826 * float(np.median(np.abs(own)))
    free = len(fit.estimate) - len(fit.settings.fixed) - len(fit.settings.ties)
    scatter = math.sqrt(float(np.sum(np.clip(own, -gross, gross) ** 2)) / max(len(own) - free, 1))
    lack = lack_of_fit(fit)
    scatter = max(scatter, 0.0 if lack is None else lack.noise)
    if scatter <= 1e-9:
        raise Refused("no-scatter", "the runs lie on the curve to rounding, so their noise is unknown", "the table",
                      "give measured runs")  # fmt: skip
    return scatter


def _stages(
    found: Ensemble, none: Design, cost: Array, budget: float, batches: int, most: int, repeats: int
) -> list[Design]:
    """The design after each batch; what one batch leaves of its part goes to those after it."""
    stages, left = list[Design](), budget
    for waiting in range(batches, 0, -1):
        before = stages[-1] if stages else none
        room = math.ceil((most - len(before.chosen)) / waiting)
        stages.append(extend(found, before, cost, left / waiting, room, repeats))
        left -= float(cost[stages[-1].chosen[len(before.chosen) :]].sum())
    return stages


def _listed(
    found: Ensemble, none: Design, stages: list[Design], candidates: Candidates, usable: NDArray[np.int64]
) -> tuple[NextRun, ...]:
    """The runs of each batch, the one that narrows most first, with shares."""
    design, steps = none, list[tuple[int, int, float]]()
    for batch, stage in enumerate(stages, 1):
        waiting = stage.chosen[len(design.chosen) :]
        while waiting:
            gain = gains(found, design)
            run = max(waiting, key=lambda one: gain[one])
            waiting.remove(run)
            design = taken(found, design, run)
            steps.append((batch, int(usable[run]), float(gain[run])))
    total = sum(gain for _, _, gain in steps) or 1.0
    return tuple(
        NextRun(batch, {name: float(column[i]) for name, column in candidates.axes.items()}, float(candidates.cost[i]),
                gain / total, i)
        for batch, i, gain in steps
    )  # fmt: skip


def _notices(fit: Fit, before: float, after: float) -> tuple[Notice, ...]:
    found = []
    if fit.rows.cluster_kind == "runs":
        found.append(Notice("rows-of-runs", "the table has several rows a run, and each new run is counted as one row: "
                            "with its checkpoints it may narrow the interval more"))  # fmt: skip
    if fit.warned("few-runs"):
        found.append(Notice("few-runs", "the fit has few runs for its parameters, so expected widths are a rough guide: "
                            "spend the budget in batches"))  # fmt: skip
    if after > HARDLY * before:
        found.append(Notice("hardly-narrowed", f"the best runs of this budget leave {after / before:.0%} of the width: "
                            "allow larger runs, or a larger budget"))  # fmt: skip
    return tuple(found)
