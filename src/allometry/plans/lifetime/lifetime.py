"""Least total cost over a model's life: what to train so that training and serving together cost least at a loss."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from allometry.costs import rule_flops
from allometry.fits import Fit
from allometry.forecasts import Surroundings, interval_label
from allometry.notices import Interval, Refused, Step
from allometry.plans.building import buildable
from allometry.plans.chain import grounds, shape_step
from allometry.plans.decision import Decision, decide
from allometry.plans.lifetime.chain import (
    distance_steps,
    judged_steps,
    quality_step,
    ratio_notices,
    region_steps,
    saving_notices,
    saving_step,
    serving_step,
    split_steps,
)
from allometry.plans.lifetime.drawn import over_draws
from allometry.plans.lifetime.ladder import ladder
from allometry.plans.lifetime.money import Deployment
from allometry.plans.lifetime.rates import Rates
from allometry.plans.lifetime.recipe import recipe_steps
from allometry.plans.lifetime.region import COST_WITHIN, nearly_least
from allometry.plans.lifetime.result import Lifetime
from allometry.plans.lifetime.savings import RULE_RATIO, Saving, compared, ruled_size, totals_of
from allometry.plans.lifetime.search import Course, least_total
from allometry.plans.lifetime.spread import spread_of
from allometry.plans.lifetime.stakes import judge
from allometry.plans.lifetime.tokens import Isoloss
from allometry.plans.terms import TOKENS, Terms

Array = NDArray[np.float64]


def lifetime(
    fit: Fit,
    *,
    inference_tokens: float,
    loss: float | None = None,
    flops: float | None = None,
    fixed: Mapping[str, float] | None = None,
    at_most: Mapping[str, float] | None = None,
    at_least: Mapping[str, float] | None = None,
    within: tuple[float, ...] = COST_WITHIN,
    level: float | None = None,
    vocab: int | None = None,
    money: Deployment | None = None,
) -> Lifetime:
    """The size and tokens that reach a loss at the least cost of training and serving together.

    Use it when the tokens that a model will read and write over its life are known to within some factors. Serving
    favours a smaller model trained for longer. Not for a model whose answers get longer or more numerous where it is
    smaller: here every size serves the same tokens.
    Savings and the price of being wrong take each draw of the fit in turn as the truth: a size is chosen once, by the
    estimate, and trained until it has the loss.

    Arguments: `inference_tokens`, prompts and answers together; `loss` to reach, or `flops` of training, whose least loss
    is then held; `fixed` gives each of the law's further axes a value, `at_most` and `at_least` limit size or tokens;
    `within` the shares of the total that near-optimal regions allow; `level` of intervals (by default the fit's);
    `vocab` of the decoder to build; `money` counts the price of devices in place of FLOPs.
    Errors: `Refused` for negative tokens, a loss out of reach, laws that cannot plan, size or tokens given.
    Source: Sardana et al. 2024, arXiv 2401.00448, eq. 3.

    >>> from allometry.fits import published_fit
    >>> found = lifetime(published_fit("chinchilla@hoffmann"), flops=1e23, inference_tokens=2e12)
    >>> round(found.at["params"].value / 1e9, 1), round(found.savings[0].share.value, 3)
    (9.3, 0.086)
    """
    served = _checked(inference_tokens)
    rates = Rates.flops(served) if money is None else money.rates(served)
    level = fit.settings.level if level is None else level
    terms = Terms(flops, loss, fixed or {}, at_most or {}, at_least or {})
    trained = _interior(decide(fit, terms))
    curve = _held(fit, terms, trained)
    course = least_total(curve, rates, trained.chosen.size)
    at = _axes(fit, trained, course, level)
    total = over_draws(fit, course.total, level)
    overhead = over_draws(fit, _overhead(course, trained), level)
    savings = _savings(fit, curve, rates, float(course.size[0]), trained, loss is None, level)
    regions = nearly_least(curve.of(slice(0, 1)), rates, course, tuple(sorted(within)))
    judged = judge(curve, rates, course, at[curve.space.size])
    best = None if judged is None or not judged.differs else judged.best.at[curve.space.size]
    robust = () if best is None else _savings(fit, curve, rates, best, trained, loss is None, level)
    first, least = curve.of(slice(0, 1)), float(trained.chosen.size[0])
    spread = None if money is None else spread_of(first, money, served, least, float(course.size[0]))
    point = {name: found.value for name, found in at.items() if name in fit.law.axes and found.value is not None}
    away = Surroundings(fit.rows).of(point)
    shape, shape_why = buildable(fit, curve.space.size, float(course.size[0]), vocab)
    size = curve.space.size
    steps: list[Step] = [
        *grounds(fit, terms, trained),
        *([serving_step(served)] if money is None else money.steps),
        *([] if flops is None else [quality_step(fit, flops, float(curve.loss[0]))]),
        *split_steps(fit, at, total, overhead, rates.unit),
        *(saving_step(fit, one, rates.unit) for one in savings),
        *region_steps(fit, regions, size),
        *judged_steps(fit, judged, robust),
        *([] if spread is None else [spread.step]),
        *distance_steps(away),
        *recipe_steps(size, at),
        *([] if shape is None else [shape_step(shape)]),
    ]
    ratio = float(course.tokens[0] / course.size[0])
    return Lifetime(
        law=fit.law.name,
        metric=fit.law.metric,
        loss=float(curve.loss[0]),
        inference_tokens=inference_tokens,
        rates=rates,
        at=at,
        total=total,
        training=over_draws(fit, rates.trained(course.size, course.tokens), level),
        serving=over_draws(fit, rates.served(course.size), level),
        overhead=overhead,
        savings=savings,
        recommended_savings=robust,
        spread=spread,
        ladder=ladder(fit, curve, rates, trained, level),
        near_optimal=regions,
        judged=judged,
        interval=interval_label(fit),
        level=level,
        steps=tuple(steps),
        shape=shape,
        shape_why=shape_why,
        extrapolation=away,
        notices=(
            *ratio_notices(fit, size, ratio),
            *saving_notices(savings),
            *(() if money is None else money.notices(float(course.size[0]))),
        ),
        provenance=fit.provenance,
        fit=fit,
    )


def _checked(inference_tokens: float) -> float:
    if not (math.isfinite(inference_tokens) and inference_tokens >= 0):
        raise Refused("bad-value", f"{inference_tokens:g} is no number of tokens to be served", "--inference-tokens",
                      "give prompts and answers of the whole life together, such as 2T")  # fmt: skip
    return inference_tokens


def _held(fit: Fit, terms: Terms, trained: Decision) -> Isoloss:
    """The loss to hold: as asked, or what each draw says that the training budget buys at best."""
    theta = np.concatenate([fit.estimate[None], fit.draws])
    loss = trained.chosen.loss if terms.loss is None else np.full(len(theta), terms.loss)
    return Isoloss(fit.law, trained.space, theta, loss)


def _interior(trained: Decision) -> Decision:
    if trained.space.options is not None:
        name = trained.space.options[0]
        raise Refused("nothing-open", f"{name} is given, so nothing is left to choose: the other follows from the loss",
                      "--fix", "bound it by --at-most and --at-least instead")  # fmt: skip
    if not trained.interior:
        raise Refused("no-interior-optimum", f"the law has no interior optimum: its loss still falls at {trained.limited}",
                      "the law", "plan with a law that has one, or give limits")  # fmt: skip
    return trained


def _overhead(course: Course, trained: Decision) -> Array:
    """What training costs more than at the size of least training (1 + B,), as a share of that."""
    found = rule_flops(course.size, course.tokens) / trained.flops - 1
    return np.where(np.abs(found) > 1e-8, found, 0.0)


def _axes(fit: Fit, trained: Decision, course: Course, level: float) -> dict[str, Interval]:
    given = {name: Interval(value, None, None, "as asked") for name, value in trained.setting.items()}
    return {
        trained.space.size: over_draws(fit, course.size, level),
        TOKENS: over_draws(fit, course.tokens, level),
        **given,
        "flops": over_draws(fit, rule_flops(course.size, course.tokens), level),
    }


def _savings(
    fit: Fit, curve: Isoloss, rates: Rates, size: float, trained: Decision, held: bool, level: float
) -> tuple[Saving, ...]:
    """Those of a size against the size of least training, and against the rule of 20 tokens per parameter."""
    ruled = ruled_size(curve.of(slice(0, 1)))
    others = [("least training", float(trained.chosen.size[0]))]
    others += [] if ruled is None else [(f"{RULE_RATIO:g} tokens per parameter", ruled)]
    free, point = curve.unlimited(), trained.point if held else None
    planned = totals_of(fit, curve, rates, size, point)
    found = []
    for name, other in others:
        tokens = float(free.of(slice(0, 1)).tokens([other])[0, 0])
        found.append(compared(fit, name, (other, tokens), planned, totals_of(fit, free, rates, other, point), level))
    return tuple(found)
