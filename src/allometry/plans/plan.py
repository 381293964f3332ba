"""The plan: what to build for a budget or a loss, from the joint draws of one fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from allometry.costs import Buildable, nearest_shape
from allometry.fits import Fit
from allometry.fits import refit as refit_rows
from allometry.forecasts import (
    MOST_LOST,
    Surroundings,
    interval_label,
)
from allometry.notices import Interval, Notice, Refused
from allometry.plans._answers import at_budget, axes_of, judged_answers, loss_of
from allometry.plans._second_looks import remembered, second_opinion, shorter_plans
from allometry.plans.calibration import calibrate
from allometry.plans.chain import advice_step, answer_steps, calibration_step, doubts, grounds, shape_step, shown
from allometry.plans.decision import Decision, decide
from allometry.plans.drift import Refit, drift_notices
from allometry.plans.isoflop import IsoFlop
from allometry.plans.limits_cost import limit_costs
from allometry.plans.region import WITHIN, Region, near_optimal
from allometry.plans.result import Plan
from allometry.plans.terms import Terms
from allometry.plans.wrong import judge


def plan(
    fit: Fit,
    *,
    flops: float | None = None,
    loss: float | None = None,
    fixed: Mapping[str, float] | None = None,
    at_most: Mapping[str, float] | None = None,
    at_least: Mapping[str, float] | None = None,
    among: Mapping[str, Sequence[float]] | None = None,
    within: tuple[float, ...] = WITHIN,
    level: float | None = None,
    vocab: int | None = None,
    refit: Refit | None = refit_rows,
) -> Plan:
    """The least loss for given FLOPs, or the least FLOPs for a given loss, with everything that says how sure it is.

    Use it with any law that has params (or another count of them) and tokens. Not for choosing between laws. Its
    intervals hold fit noise only; `calibration` has those that also hold how plans from shorter tables missed the optimum
    of all runs. Beyond the runs decide by the latter, and where it says there is no plan, there is none.
    Every limit on size or tokens is priced against the plan without it (`limits`); `wrong` and
    `recommended` take each draw of the fit in turn as the truth.

    Arguments: `flops` or `loss`, one of the two; `fixed` one value for an axis (the law's further
    axes need one), `at_most` and `at_least` limits on size or tokens, `among` the values an axis may
    take; `within` the shares of the best loss that near-optimal regions allow; `level` of intervals
    (by default the fit's); `vocab` of the decoder to build; `refit` for the plan of shorter tables,
    None to leave those out.
    Errors: `Refused` where the law cannot plan, an axis has no value, limits leave nothing, or the
    loss is out of reach.

    >>> from allometry.fits import published_fit
    >>> found = plan(published_fit("chinchilla@hoffmann"), flops=5.76e23)
    >>> round(found.at["params"].value / 1e9, 1), found.at["params"].low, found.interval
    (32.2, None, 'none')
    """
    terms = Terms(flops, loss, fixed or {}, at_most or {}, at_least or {}, among or {})
    level = fit.settings.level if level is None else level
    decision = decide(fit, terms)
    at = axes_of(fit, terms, decision, level)
    reached = loss_of(fit, terms, decision, level)
    regions = _regions(fit, decision, within)
    judged = judge(fit, decision, at_budget(terms, at[decision.space.size]), regions)
    away = Surroundings(fit.rows).of(decision.point) if decision.interior else None
    again = None if refit is None else remembered(refit)
    cuts = shorter_plans(fit, terms, decision, away, level, again)
    calibration = None if again is None else calibrate(fit, terms, decision, at, level, again)
    second = second_opinion(fit, terms, decision, level)
    shape, shape_why = _shape(fit, decision, vocab)
    steps = [
        *grounds(fit, terms, decision),
        *answer_steps(fit, decision, at, reached, regions),
        *advice_step(fit, judged),
        *doubts(decision.space.size, away, cuts, second),
        *([] if calibration is None else calibration_step(calibration, level)),
        *([shape_step(shape)] if shape is not None else []),
    ]
    return Plan(
        terms=terms,
        law=fit.law.name,
        metric=fit.law.metric,
        at=at,
        loss=reached,
        interval=interval_label(fit),
        level=level,
        near_optimal=regions,
        wrong=None if judged is None else judged.wrong,
        recommended=None if judged is None else judged.recommended,
        limits=limit_costs(fit, terms, decision, level),
        at_bound=(decision.share_at(high=False), decision.share_at(high=True)),
        steps=tuple(steps),
        shape=shape,
        shape_why=shape_why,
        extrapolation=away,
        cuts=cuts,
        calibration=calibration,
        loss_calibrated=loss_of(fit, terms, decision, level, away),
        second_opinion=second,
        notices=(
            *_notices(decision, at, second),
            *_untested(fit),
            *drift_notices(judged_answers(terms, decision, at, reached), cuts),
            *(() if calibration is None else calibration.notices),
        ),
        provenance=fit.provenance,
        complete=decision.interior,
        fit=fit,
    )


def _regions(fit: Fit, decision: Decision, within: tuple[float, ...]) -> tuple[Region, ...]:
    if not decision.interior:
        return ()
    best, budget = float(decision.chosen.loss[0]), float(decision.flops[0])
    return near_optimal(fit.law, fit.estimate, decision.setting, budget, best, decision.space, tuple(sorted(within)))


def _shape(fit: Fit, decision: Decision, vocab: int | None) -> tuple[Buildable | None, str]:
    """The nearest buildable decoder in the fit's own convention, or why there is none."""
    if not decision.interior:
        return None, "no point plan"
    if vocab is None:
        return None, "no vocabulary was given"
    if decision.space.size == "active_params":
        return None, "the law counts active parameters, which do not say what a dense decoder has"
    counted = fit.conventions.get("params", "")
    without = decision.space.size == "non_embedding_params" or "non" in counted.lower()
    try:
        return nearest_shape(float(decision.chosen.size[0]), vocab, "non-embedding" if without else "total"), ""
    except Refused as refused:
        return None, str(refused)


def _untested(fit: Fit) -> Iterable[Notice]:
    """What cannot be known of a plan from a fit that was handed on without its rows."""
    if fit.rows.withheld is not None:
        yield Notice("plan-untested", f"{fit.rows_missing}, so neither shorter tables nor the isoFLOP method test this "
                     "plan: its intervals hold fit noise only")  # fmt: skip


def _notices(decision: Decision, at: Mapping[str, Interval], second: IsoFlop | None) -> Iterable[Notice]:
    size = decision.space.size
    if not decision.interior:
        yield Notice(
            "no-interior-optimum",
            f"the law has no interior optimum at this budget: its loss still falls at {decision.limited}",
        )
    elif decision.limited:
        yield Notice("at-limit", f"the plan lies at the limit of {decision.limited}")
    for high in (False, True):
        share = decision.share_at(high)
        if (
            share > MOST_LOST
            and decision.bounds is not None
            and not (decision.bounds.high_asked if high else decision.bounds.low_asked)
        ):
            end = decision.bounds.high_name if high else decision.bounds.low_name
            yield Notice("draws-at-bound", f"{share:.0%} of the draws have no interior optimum: theirs lies at {end}")
    found = None if second is None else second.plan.get(size)
    if found is not None and _apart(found, at[size]):
        yield Notice(
            "second-opinion-differs",
            f"the isoFLOP method gives {size} {shown(found, 3)}, apart from {shown(at[size], 3)}",
        )


def _apart(one: Interval, other: Interval) -> bool:
    """Whether two intervals with both ends have nothing in common."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.low > other.high or other.low > one.high
