"""Two recipes on paired budgets: how far apart they are at a scale, what that is worth in compute, and how sure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from allometry.fits import Fit, Settings, fit, redraw, select
from allometry.fits.widening import widening
from allometry.laws import Law, find_law
from allometry.notices import Notice, Refused
from allometry.plans._arms_answer import assembled
from allometry.plans._arms_choice import Pair, choose_arms, one_yardstick
from allometry.plans._arms_curves import Twins
from allometry.plans._arms_result import Arms
from allometry.plans._arms_rungs import Rungs, common_rungs, paired_counts, rungs_of
from allometry.plans._arms_scale import scale_of
from allometry.plans._arms_tuning import keep_tried, tried_at, tuned_columns, tuning_notices
from allometry.plans.terms import RISING_METRICS
from allometry.runs import Rows, Runs

Array: TypeAlias = NDArray[np.float64]
T = TypeVar("T")

FEW_RUNGS = 10  # assumed, as for groups of one fit: with fewer to resample, intervals are too narrow to trust


def arms(
    runs: Runs,
    by: str,
    law: Law | str,
    at: Mapping[str, float],
    *,
    names: Sequence[str] | None = None,
    baseline: str | None = None,
    settings: Settings | None = None,
    target: str | None = None,
    tried: str = "best",
    tuned: Sequence[str] | None = None,
) -> Arms:
    """Compare two recipes at a scale, with what is common to both drawn alike in both.

    Use it for an architecture, optimiser or data set against another where both were run on a ladder. Rungs that both
    have are resampled together, so that what disturbs both alike cancels. Not as proof that the order holds far beyond
    the runs: intervals hold the noise of fitting this law only, and each arm's floor is its own.

    Arguments: `by` the column of recipes; `names` two of its values where it has more, the first is the baseline unless
    `baseline` says so; `at` the target: a point of the law's axes, or {"flops": C}, each arm then splitting C best for
    itself; `target` the metric's column; `settings` as for `fit` (a `cluster` column names rungs, common ones by
    equal names); `tried` "best" keeps the best hyper-parameters tried at each rung, "all" every row; `tuned` names the
    hyper-parameter columns, by default those of known names.
    Errors: `Refused` for columns, arms or targets that are not there, too few rungs, and losses that do not compare.

    >>> from allometry.runs import read_runs
    >>> c = np.geomspace(1e18, 1e21, 12)
    >>> noise = np.exp(np.random.default_rng(1).normal(0, 0.002, (2, 12)))
    >>> loss = 50 * np.stack([c, 2 * c])**-0.07 * noise  # the second learns as if it had twice the FLOPs
    >>> table = {"flops": np.tile(c, 2), "loss": loss.ravel(), "recipe": ["plain"] * 12 + ["filtered"] * 12}
    >>> found = arms(read_runs(table), "recipe", "A * flops**-a", {"flops": 1e22}, settings=Settings(bootstrap=100))
    >>> found.multiplier.low < 2 < found.multiplier.high, found.order.holds, found.common
    (True, 1.0, 12)
    """
    settings = settings or Settings()
    law = find_law(law, axes=runs.columns, metric=target or "loss") if isinstance(law, str) else law
    law = law if target is None or target == law.metric else replace(law, metric=target)
    best, scale = keep_tried(tried), scale_of(law, at)
    if settings.cluster == "none":
        raise Refused(
            "bad-option", "arms are resampled by rung", "--cluster", "name a column of rungs, or leave it out"
        )
    pair, notices = one_yardstick(runs, choose_arms(runs, by, names, baseline), law, at)
    rows, rungs, more = _rows(pair, law, settings, best, tuned_columns(runs, tuned, [by, *law.axes]))
    fits = _fits(pair.names, rows, rungs, law, settings)
    pairs = common_rungs(*rungs)
    drawn = _drawn(fits, rungs, pairs, settings)
    notices += [*more, *_pairing_notices(pairs, rungs), *_fit_notices(pair.names, drawn, settings.bootstrap)]
    twins = Twins(drawn[0], drawn[1], scale, pair.names, settings.level, _widening(rungs, law, settings))
    return assembled(by, twins, rungs, pairs, notices)


def _of_arm(name: str, step: Callable[[], T]) -> T:
    """A step for one arm, whose refusal names the arm."""
    try:
        return step()
    except Refused as refused:
        message = f"arm {name}: {refused.message}"
        raise Refused(refused.code, message, refused.where, refused.mend) from None


def _rows(
    pair: Pair, law: Law, settings: Settings, best: bool, columns: Sequence[str]
) -> tuple[tuple[Rows, Rows], tuple[Rungs, Rungs], list[Notice]]:
    """The rows of either arm with their rungs, only the best of several settings tried where that is asked."""
    rows = [_of_arm(pair.names[i], lambda i=i: select(pair.runs[i], law, settings)) for i in (0, 1)]  # type: ignore[misc]
    rungs = [rungs_of(own, runs, settings.cluster) for own, runs in zip(rows, pair.runs, strict=True)]
    lower = law.metric not in RISING_METRICS
    tried = [tried_at(r, g, runs, columns, lower) for r, g, runs in zip(rows, rungs, pair.runs, strict=True)]
    common = common_rungs(rungs[0], rungs[1])
    notices = tuning_notices(pair.names, (tried[0], tried[1]), (rungs[0], rungs[1]), common, columns, best)
    if best:
        rungs = [replace(g, of=g.of[t.best], top=g.top[t.best]) for g, t in zip(rungs, tried, strict=True)]
        rows = [r.subset(t.best, "not the best tried at its rung") for r, t in zip(rows, tried, strict=True)]
    return (rows[0], rows[1]), (rungs[0], rungs[1]), notices


def _fits(
    names: tuple[str, str], rows: tuple[Rows, Rows], rungs: tuple[Rungs, Rungs], law: Law, settings: Settings
) -> tuple[Fit, Fit]:
    plain = replace(settings, bootstrap=0)
    for name, own in zip(names, rungs, strict=True):
        unknown = _free(law, settings)
        if len(own) <= unknown and not settings.priors:
            raise Refused("few-runs", f"arm {name}: {len(own)} rungs for {unknown} parameters of {law.name} leave nothing to "
                          "tell the noise from", "the table", "choose a smaller law, fix parameters (--fix), or add runs")  # fmt: skip
    one, other = (_of_arm(names[i], lambda i=i: fit(rows[i], law, plain)) for i in (0, 1))  # type: ignore[misc]
    for name, found in zip(names, (one, other), strict=True):
        if found.confounded:
            why = "; ".join(dict.fromkeys(found.confounded.values()))
            raise Refused("not-determined", f"arm {name}: {', '.join(found.confounded)} not determined by its runs ({why})",
                          "the fit", "add runs that tell them, or fix them (--fix)")  # fmt: skip
    return one, other


def _free(law: Law, settings: Settings) -> int:
    return len(law.parameters) - len(settings.fixed) - len(settings.ties)


def _widening(rungs: tuple[Rungs, Rungs], law: Law, settings: Settings) -> float:
    """How much further from the estimate draws are put, for the arm of fewer rungs."""
    return widening(min(len(own) for own in rungs), _free(law, settings), settings.level)


def _drawn(
    fits: tuple[Fit, Fit], rungs: tuple[Rungs, Rungs], pairs: Sequence[tuple[int, int]], settings: Settings
) -> tuple[Fit, Fit]:
    """Both fits with draws in which common rungs are drawn alike."""
    if settings.bootstrap < 2:
        return fits
    counts = paired_counts((len(rungs[0]), len(rungs[1])), pairs, settings.bootstrap, settings.seed)
    kind = f"bootstrap over rungs, {len(pairs)} of them drawn alike in both arms"
    one, other = (redraw(fits[i], counts[i][:, rungs[i].of], kind) for i in (0, 1))
    return one, other


def _pairing_notices(pairs: Sequence[tuple[int, int]], rungs: tuple[Rungs, Rungs]) -> list[Notice]:
    fewest = min(len(rungs[0]), len(rungs[1]))
    notices = []
    if not pairs:
        notices.append(
            Notice("unpaired", "the arms have no rung in common, so their errors are taken as independent and nothing cancels")
        )  # fmt: skip
    if fewest < FEW_RUNGS:
        notices.append(
            Notice("few-groups", f"only {fewest} rungs in an arm to resample: intervals are too narrow to trust")
        )
    return notices


def _fit_notices(names: tuple[str, str], fits: tuple[Fit, Fit], draws: int) -> list[Notice]:
    """What each fit says, under the name of its arm; and how many resamples are lost."""
    notices = []
    for name, found in zip(names, fits, strict=True):
        # fits are made without resamples of their own: what they say of intervals is not true of the paired ones
        notices += [
            Notice(n.code, f"{name}: {n.message}") for n in found.notices if n.code not in ("no-intervals", "few-runs")
        ]
        if len(found.draws) < draws:
            message = f"{name}: {draws - len(found.draws)} of {draws} resamples did not converge or kept too few rungs, and are left out"
            notices.append(Notice("draws-dropped", message))
    if draws < 2:
        notices.append(Notice("no-intervals", "no resamples were asked for, so there are no intervals"))
    return notices
