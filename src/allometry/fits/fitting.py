"""Fit a law to runs: the path from a table to a `Fit`, one step a function."""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from importlib.metadata import version

import numpy as np

from allometry.expressions import target_transform
from allometry.fits._drawing import draw
from allometry.fits._idle import with_idle_back
from allometry.fits._priors import Penalty, noise_strength
from allometry.fits._problem import Problem
from allometry.fits._reduced import Reduced, reduce_law
from allometry.fits._resampling import Tick, ignore
from allometry.fits._search import AGREEMENT, Winner, search
from allometry.fits._solver import NOISE_FREE
from allometry.fits._starts import starts
from allometry.fits.fit import Fit
from allometry.fits.guards import (
    at_bounds,
    at_zero,
    check_rows,
    confounded,
    confounded_notices,
    exchangeable,
    loose_notices,
    moving_together,
    outliers,
    zero_notices,
)
from allometry.fits.objectives import HUBER_EFFICIENCY, Asymmetric, robust_scale
from allometry.fits.settings import Settings
from allometry.fits.terms import names_in_exponents, negligible_notices
from allometry.laws import Law, find_law
from allometry.notices import Notice, Refused
from allometry.runs import Rows, Runs

Array = np.ndarray
PILOT_ROUNDS = 6
MOST_RETURNS = 3  # of idle coordinates to where they are felt, each after a lower minimum
ROUNDING_SHARE = 1e-4  # of the residuals' robust scale: how far the kink of an absolute loss is rounded
SAMPLE_ROWS = 2_000  # starts are searched on a stratified sample of larger tables, then polished on all rows
EXACT_TOLERANCE = 1e-6
RETURNS, CLEARLY = 16, 1e-4  # refits of resamples to start from, and the relative fall that counts


def fit(
    runs: Runs | Rows,
    law: Law | str,
    settings: Settings | None = None,
    *,
    target: str | None = None,
    tick: Tick = ignore,
) -> Fit:
    """Fit a scaling law to runs, with joint uncertainty by resampling.

    Use it for any law and any table; it refuses what the table cannot determine and says what it
    determines weakly. Not for choosing between laws: compare their forecasts of held-out runs.

    Arguments: `runs` is a table or its selected rows; `law` a `Law`, a catalogue name or a formula
    text; `target` the metric's column, by default the law's own; `tick` is called with the number
    of resamples done, for progress.
    Errors: `Refused` for too few runs, a constant or unusable target, unknown names.

    >>> import numpy as np
    >>> from allometry.runs import read_runs
    >>> n = np.array([1e7, 1e8, 1e9, 1e10, 1e7, 1e8, 1e9, 1e10, 1e7, 1e8, 1e9, 1e10])
    >>> d = np.repeat([1e9, 1e10, 1e11], 4)
    >>> table = {"params": n, "tokens": d, "loss": 1.7 + 400 / n**0.34 + 410 / d**0.28}
    >>> found = fit(read_runs(table), "chinchilla", Settings(bootstrap=0))
    >>> round(found.values["alpha"], 3), found.converged
    (0.34, True)
    """
    settings = settings or Settings()
    law = find_law(law) if isinstance(law, str) else law
    if target is not None and target != law.metric:
        law = replace(law, metric=target)
    rows = runs if isinstance(runs, Rows) else select(runs, law, settings, target)
    space = settings.space or law.space
    reduced = reduce_law(law, space, settings.fixed, settings.ties)
    target_values = _target(space, rows)
    weights = _weights(rows)
    informed = sum(name in reduced.free for name in settings.priors)
    notices = check_rows(law, rows.axes, target_values, weights, len(reduced.free), informed)
    problem = _problem(reduced, rows, target_values, weights, settings)
    problem, winner = _minimise(problem, law, settings)
    return _assemble(reduced, rows, settings, space, problem, winner, notices, tick)


def select(runs: Runs, law: Law, settings: Settings, target: str | None = None) -> Rows:
    """The rows of a table that a fit of `law` with these settings uses."""
    cluster = None if settings.cluster == "none" else settings.cluster
    metric = target or law.metric
    logs = [name for name in law.axes if law.axis(name).positive]
    logs += [metric] if (settings.space or law.space) in ("log", "logit") else []
    return runs.rows_for(law.axes, metric, weights=settings.weights, cluster=cluster, logs=logs)


def refit(fitted: Fit, keep: Array, *, bootstrap: int | None = None) -> Fit:
    """Fit again with the same settings on the rows where `keep` (n,) is true."""
    fitted.require_rows("a refit")
    settings = fitted.settings if bootstrap is None else replace(fitted.settings, bootstrap=bootstrap)
    return fit(fitted.rows.subset(keep, "left out of this refit"), fitted.law, settings)


def rebind(fitted: Fit, rows: Rows | None = None) -> tuple[Reduced, Problem, Array]:
    """The problem a fit solved and its minimum (p,) in internal coordinates, for diagnosis.

    With `rows` the same law, settings, delta and strength of priors on other rows, of which that is no minimum.
    """
    fitted.require_rows("a refit")
    settings, rows = fitted.settings, fitted.rows if rows is None else rows
    reduced = reduce_law(fitted.law, fitted.space, settings.fixed, settings.ties)
    problem = _problem(reduced, rows, _target(fitted.space, rows), _weights(rows), settings)
    if fitted.delta is not None:
        problem = problem.at(fitted.delta)
    strength = noise_strength(problem.objective, fitted.residuals, _weights(fitted.rows))
    problem = replace(problem, penalty=problem.penalty.scaled(strength))
    free = [fitted.law.parameter_names.index(name) for name in reduced.free]
    return reduced, problem, reduced.compiled.internal(fitted.estimate[None, free], problem.pivots)[0]


def _weights(rows: Rows) -> Array:
    return np.ones(len(rows)) if rows.weights is None else rows.weights


def _target(space: str, rows: Rows) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(target_transform(space, rows.target), dtype=float)


def _problem(reduced: Reduced, rows: Rows, target: Array, weights: Array, settings: Settings) -> Problem:
    compiled = reduced.compiled
    pivots = compiled.pivots(rows.axes)
    for name in settings.priors:
        if name not in reduced.free:
            raise Refused(
                "bad-prior",
                f"{name} is not a free parameter of {reduced.law.name}",
                "prior",
                f"free: {', '.join(reduced.free)}",
            )
    penalty = Penalty(compiled, pivots, settings.priors)
    return Problem(
        compiled, compiled.row_inputs(rows.axes, pivots), pivots, target, weights, settings.objective, penalty
    )


def _minimise(problem: Problem, law: Law, settings: Settings) -> tuple[Problem, Winner]:
    """Choose what the data must choose (delta, the weight of priors), then search in earnest."""
    sample = _sampled(problem)
    q = starts(sample, settings.start_count(problem.size), settings.seed, start_box(law, problem), exponent_names(law))
    pilot = problem.objective.delta == 0.0
    if pilot or settings.priors:
        sample, problem = _calibrated(sample, problem, q, pilot)
    winner = _found(search(sample, q))
    if sample.rows < problem.rows:
        polished = search(problem, winner.minima)
        winner = polished._replace(agree=winner.agree, finalists=winner.finalists, gap=winner.gap)
    return problem, _off_zero(problem, winner)


def _off_zero(problem: Problem, winner: Winner) -> Winner:
    """The winner, unless there is a lower minimum from it with idle coordinates put where they are felt."""
    for _ in range(MOST_RETURNS):
        back = with_idle_back(problem, winner.q)
        if len(back) == 1:
            return winner
        again = search(problem, np.concatenate([winner.minima, back[1:]]))
        if again.cost >= winner.cost * (1 - AGREEMENT):
            return winner
        winner = again._replace(agree=0.0, finalists=winner.finalists)  # no start had reached it
    return winner


def _found(winner: Winner) -> Winner:
    """The winner, unless the law has no value at any start."""
    if not np.isfinite(winner.cost):
        raise Refused("no-start", "the law has no finite value on these rows from any start", "the law",
                      "check signs and units, or declare bounds and starts in a TOML law")  # fmt: skip
    return winner


def _calibrated(sample: Problem, problem: Problem, q: Array, pilot: bool) -> tuple[Problem, Problem]:
    """Delta from the pilot's residuals and the priors' strength from the noise, to self-consistency."""
    wide = 0.1 * max(float(np.std(sample.target)), 1e-12)
    trial = sample.at(wide) if pilot else sample
    trial = replace(trial, penalty=trial.penalty.scaled(wide**2))
    minima = _found(search(trial, q)).minima
    for _ in range(PILOT_ROUNDS):
        own = trial.compiled.predictions(minima[:1], trial.inputs)[0] - trial.target
        delta = _delta(sample, own) if pilot else None
        objective = trial.objective if delta is None else sample.objective.at(delta)
        strength = noise_strength(objective, own, trial.weights)
        before = (trial.objective, trial.penalty.strength)
        trial = replace(trial, objective=objective, penalty=trial.penalty.scaled(strength))
        if before[0] == objective and abs(strength / before[1] - 1) < 0.01:
            break
        minima = search(trial, minima).minima
    return trial, replace(problem, objective=trial.objective, penalty=trial.penalty)


def _delta(problem: Problem, own: Array) -> float:
    scale = max(robust_scale(own[problem.weights > 0]), 1e-12 * float(np.abs(problem.target).max()), 1e-15)
    return ROUNDING_SHARE * scale if isinstance(problem.objective, Asymmetric) else HUBER_EFFICIENCY * scale


def _sampled(problem: Problem) -> Problem:
    """A stratified sample of a large table: every k-th row in the order of the target and the axes."""
    if problem.rows <= SAMPLE_ROWS:
        return problem
    order = np.lexsort([*problem.inputs[: len(problem.compiled.axes)], problem.target])
    keep = order[np.linspace(0, problem.rows - 1, SAMPLE_ROWS).astype(int)]
    return replace(problem, inputs=problem.inputs[:, keep], target=problem.target[keep], weights=problem.weights[keep])


def start_box(law: Law, problem: Problem) -> dict[str, tuple[float, float]]:
    """Natural ranges to start from: the declared ones, and for a place along an axis that axis's range."""
    compiled, box = problem.compiled, dict[str, tuple[float, float]]()
    for parameter in law.parameters:
        if parameter.along in compiled.axes:
            values = problem.inputs[list(compiled.axes).index(parameter.along)]
            ends = (float(values.min()), float(values.max()))
            box[parameter.name] = (np.exp(ends[0]), np.exp(ends[1])) if compiled.axes[parameter.along] else ends
        elif parameter.start is not None:
            box[parameter.name] = parameter.start
    return box


def exponent_names(law: Law) -> frozenset[str]:
    """Parameters that stand in an exponent of the formula."""
    return names_in_exponents(law.formula.root) & frozenset(law.parameter_names)


@dataclass(frozen=True)
class _Checked:
    values: Array
    residuals: Array
    objective: float
    mismatch: float


def _recheck(reduced: Reduced, problem: Problem, rows: Rows, q: Array) -> _Checked:
    """The winner by the plain formula in extended precision, apart from the path that found it."""
    free = reduced.compiled.natural(q[None], problem.pivots)
    named = dict(zip(reduced.free, free[0].tolist(), strict=True))
    with np.errstate(all="ignore"):
        metric = reduced.compiled.exact(named, rows.axes)
        predicted = np.asarray(target_transform(reduced.compiled.space, np.asarray(metric, dtype=float)), dtype=float)
    own = np.broadcast_to(predicted, problem.target.shape) - problem.target
    batch = problem.batch()
    plain = float(problem.cost(own[None], q[None], batch)[0])
    found = float(problem.evaluate(q[None], batch).cost[0])
    data = float(np.sum(problem.weights * problem.objective.loss(own)))
    return _Checked(reduced.expand(free)[0], own, data, abs(plain - found) / max(found, 1e-20 * problem.rows))


def _assemble(
    reduced: Reduced,
    rows: Rows,
    settings: Settings,
    space: str,
    problem: Problem,
    winner: Winner,
    notices: list[Notice],
    tick: Tick,
) -> Fit:
    draws, kind, more = draw(problem, winner.minima, rows, settings, tick)
    lower = _lower_from(problem, winner, draws.q)
    if lower is not None:
        return _assemble(reduced, rows, settings, space, problem, lower, notices, ignore)
    checked = _recheck(reduced, problem, rows, winner.q)
    together = moving_together(rows.axes, problem.weights > 0)
    reasons = exchangeable(reduced.compiled.formula.root, together, frozenset(settings.priors))
    exponents = exponent_names(reduced.law)
    reasons = {**confounded(problem, winner.q, exponents), **reasons}
    reasons = {name: why for name, why in reasons.items() if name in reduced.free}
    zero = at_zero(problem, winner.q, exponents) - set(reasons)
    notices = notices + confounded_notices(reasons) + at_bounds(problem, winner.q)
    values = dict(zip(reduced.law.parameter_names, checked.values.tolist(), strict=True))
    notices += negligible_notices(reduced, problem, rows, values, winner.cost)
    notices += outliers(checked.residuals, rows.numbers, problem.weights > 0) + _search_notices(winner, checked)
    natural = reduced.compiled.natural(draws.q, problem.pivots)
    more += zero_notices(zero, dict(zip(reduced.free, natural.T, strict=True)), values) + loose_notices(
        reduced.free, natural, zero
    )
    status = "converged to the lowest minimum found" if winner.converged else "stopped before it converged"
    return Fit(
        law=reduced.law, rows=rows, settings=settings, space=space, estimate=checked.values,
        draws=reduced.expand(natural), draw_numbers=draws.numbers,
        residuals=checked.residuals, objective=checked.objective, delta=problem.objective.delta,
        agree=winner.agree, finalists=winner.finalists, gap=winner.gap, converged=winner.converged, status=status,
        interval_kind=kind, notices=tuple(notices + more), confounded=reasons,
        prior_share=prior_shares(problem, winner.q, checked.residuals), versions=_versions(),
    )  # fmt: skip


def _lower_from(problem: Problem, winner: Winner, draws: Array) -> Winner | None:
    """A clearly lower minimum that some of the resamples' refits (B, p) lie near, where no start had found it."""
    if not len(draws):
        return None
    some = draws[np.linspace(0, len(draws) - 1, min(RETURNS, len(draws))).astype(int)]
    again = search(problem, np.concatenate([winner.minima, some]))
    found = again.cost < winner.cost * (1 - CLEARLY) - NOISE_FREE * problem.rows
    return again._replace(agree=0.0, finalists=winner.finalists) if found else None


def _search_notices(winner: Winner, checked: _Checked) -> list[Notice]:
    found = []
    if not winner.converged:
        found.append(Notice("not-converged", "the search stopped before it converged: treat the parameters as rough"))
    if checked.mismatch > EXACT_TOLERANCE:
        found.append(
            Notice(
                "inexact", f"the plain formula gives an objective that differs by {checked.mismatch:.1e} of its value"
            )
        )
    if winner.agree < 0.2 and winner.finalists > 4:
        found.append(Notice("starts-disagree", f"only {winner.agree:.0%} of the {winner.finalists} best starts reached the minimum: "
                            "try more with --starts"))  # fmt: skip
    return found


def prior_shares(problem: Problem, q: Array, own: Array) -> dict[str, float]:
    """Variance left of each prior after the data, as a share: 1 where the data say nothing, 0 where they decide."""
    if not problem.penalty.priors:
        return {}
    state = problem.evaluate(q[None], problem.batch())
    slopes = problem.weights * problem.objective.slope(own)
    strength = max(noise_strength(problem.objective, own, problem.weights), 1e-300)
    expected = float(np.sum(slopes**2)) / strength / float(np.sum(problem.weights))
    gradient = state.gradient[0]
    curvature = (expected * gradient * problem.weights) @ gradient.T
    slope = np.zeros((1, problem.size))
    both = curvature[None].copy()
    problem.penalty.add(q[None], problem.penalty.means[None], slope, both)
    covariance = np.linalg.pinv(both[0], hermitian=True) * problem.penalty.strength
    return {name: float(np.clip(u @ covariance @ u, 0.0, 1.0)) for name, u in problem.penalty.unit_gradients(q).items()}


def _versions() -> dict[str, str]:
    return {"allometry": version("allometry"), "numpy": np.__version__, "python": platform.python_version()}
