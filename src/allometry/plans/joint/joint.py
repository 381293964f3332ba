"""Least total cost over a life where more than size and tokens is chosen: streams, loops, experts, samples, thinking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from allometry.fits import Fit
from allometry.forecasts import Surroundings, interval_label, metric_at
from allometry.notices import Interval, Refused
from allometry.plans.joint.ask import Ask, asked
from allometry.plans.joint.chain import choice_notices, cost_steps, found_steps, law_steps, named, spread_steps
from allometry.plans.joint.options import MOST_SIZE, Option, at_size, courses, option
from allometry.plans.joint.result import Choice, Joint, Spread
from allometry.plans.lifetime.chain import (
    distance_steps,
    judged_steps,
    region_steps,
    saving_notices,
    saving_step,
)
from allometry.plans.lifetime.drawn import over_draws
from allometry.plans.lifetime.money import Deployment
from allometry.plans.lifetime.rates import Rates
from allometry.plans.lifetime.region import COST_WITHIN, nearly_least
from allometry.plans.lifetime.savings import RULE_RATIO, Saving, Totals, compared, ruled_size, totals_of
from allometry.plans.lifetime.search import Course
from allometry.plans.lifetime.stakes import judge
from allometry.plans.lifetime.tokens import MOST_TOKENS
from allometry.plans.region import Region
from allometry.plans.terms import TOKENS

Array = NDArray[np.float64]


def joint(
    fit: Fit,
    *,
    quality: float,
    inference_tokens: float,
    among: Mapping[str, Sequence[float]] | None = None,
    fixed: Mapping[str, float] | None = None,
    at_most: Mapping[str, float] | None = None,
    at_least: Mapping[str, float] | None = None,
    prompt: int = 512,
    generated: int = 256,
    within: tuple[float, ...] = COST_WITHIN,
    level: float | None = None,
    money: Deployment | None = None,
) -> Joint:
    """The size, tokens and values of further axes that reach a quality at the least cost of training and serving.

    Use it with a law of size, tokens and more: parallel streams, loops, vocabulary, the activation and granularity of a
    mixture of experts, samples or generated tokens of an answer. `together` makes one of two fits. Costs of each axis are
    in `costs.COSTS_OF_AXES`. Not for axes whose cost nobody knows, such as more unique text: give those one value.
    As in `lifetime`, sizes are chosen once, by the estimate, and each draw says what tokens they then need.

    Arguments: `quality` is the loss, accuracy or coverage to reach; `inference_tokens` the prompts and answers of the whole
    life if each request had one plain answer, of `generated` tokens behind `prompt` (those of `money`, where it is given);
    `among` lists the values that an axis may take, `fixed` gives it one; tokens may be fixed, and must be where the law
    has none, which then says what size they need; `at_most` and `at_least` bound size and tokens; `money` counts the
    price of devices in place of FLOPs.
    Errors: `Refused` where no setting has the quality, for axes without a value or without a known cost.
    Source: the search is ours; for one setting it is Sardana et al. 2024, arXiv 2401.00448, eq. 3.

    >>> from allometry.fits import published_fit
    >>> from allometry.plans.joint.together import together
    >>> fit = together(published_fit("chinchilla@epoch"), published_fit("moe_leverage@ling"))
    >>> found = joint(fit, quality=2.0, inference_tokens=2e12, among={"activation": [1, 0.1, 0.03], "granularity": [4, 12]})
    >>> found.at["activation"].value, found.at["granularity"].value, f"{found.total.value:.3g}"
    (0.03, 12.0, '4.7e+22')
    """
    if money is not None:
        prompt, generated = money.prompt, money.generated
    ask = asked(fit, quality=quality, inference_tokens=inference_tokens, among=among or {}, fixed=fixed or {}, at_most=at_most or {},
                at_least=at_least or {}, prompt=prompt, generated=generated, money=money)  # fmt: skip
    level = fit.settings.level if level is None else level
    options = _options(ask)
    best, course = options[0], courses(ask, options[0])
    at, total = _axes(ask, best, course, level), over_draws(fit, course.total, level)
    choices = _choices(fit, options, level)
    savings = _savings(ask, best, level)
    regions: tuple[Region, ...] = ()
    judged = None
    if ask.tokens is None:
        regions = nearly_least(best.curve.of(slice(0, 1)), best.rates, course, tuple(sorted(within)))
        judged = judge(best.curve, best.rates, course, at[ask.size])
    spread = None if money is None else _spread(ask, options)
    away = Surroundings(fit.rows).of(
        {name: i.value for name, i in at.items() if name in fit.law.axes and i.value is not None}
    )
    unit, unreached = best.rates.unit, len(ask.settings) - len(options)
    return Joint(
        law=fit.law.name, metric=fit.law.metric, quality=quality, inference_tokens=inference_tokens, rates=best.rates,
        at=at, total=total, training=over_draws(fit, best.rates.trained(course.size, course.tokens), level),
        serving=over_draws(fit, best.rates.served(course.size), level), choices=choices, unreached=unreached, savings=savings,
        near_optimal=regions, spread=spread, judged=judged, interval=interval_label(fit), level=level,
        steps=(
            *law_steps(ask), *cost_steps(ask), *found_steps(ask, at, total, unit, choices),
            *(saving_step(fit, one, unit) for one in savings), *region_steps(fit, regions, ask.size),
            *judged_steps(fit, judged, ()), *spread_steps(ask, spread), *distance_steps(away),
        ),
        extrapolation=away,
        notices=(
            *choice_notices(ask, best, choices, unreached), *saving_notices(savings),
            *(() if money is None else money.notices(best.size)),
        ),
        provenance=fit.provenance, fit=fit,
    )  # fmt: skip


def _options(ask: Ask) -> list[Option]:
    """All settings that have the quality, cheapest first."""
    found = [made for made in (option(ask, setting) for setting in ask.settings) if made is not None]
    if not found:
        metric, best = ask.fit.law.metric, _reach(ask)
        raise Refused("loss-out-of-reach", f"no setting ever has a {metric} of {ask.quality:g} within the limits; endless size "
                      f"and text have {best:.4g}", "--loss, --accuracy", "ask for less, or list further values")  # fmt: skip
    return sorted(found, key=lambda one: one.total)


def _reach(ask: Ask) -> float:
    """The best metric of any setting at the largest size and text of the search."""
    ends = {
        ask.size: min(ask.limits[ask.size][1], MOST_SIZE),
        TOKENS: ask.tokens or min(ask.limits[TOKENS][1], MOST_TOKENS),
    }
    points = [{name: {**setting, **ends}[name] for name in ask.fit.law.axes} for setting in ask.settings]
    found = [
        float(metric_at(ask.fit.law, ask.fit.estimate[None], {n: np.array([v]) for n, v in at.items()})[0, 0])
        for at in points
    ]
    return (max if ask.rising else min)(found)


def _axes(ask: Ask, best: Option, course: Course, level: float) -> dict[str, Interval]:
    fit, flops = ask.fit, replace(Rates.flops(0.0, ask.choices(best.setting)), once=0.0)
    chosen = {name: Interval(value, None, None, "chosen by the estimate" if name in ask.listed else "as asked")
              for name, value in best.setting.items()}  # fmt: skip
    tokens = (
        over_draws(fit, course.tokens, level) if ask.tokens is None else Interval(ask.tokens, None, None, "as asked")
    )
    return {
        ask.size: over_draws(fit, course.size, level),
        TOKENS: tokens,
        **chosen,
        "flops": over_draws(fit, flops.trained(course.size, course.tokens), level),
    }


def _choices(fit: Fit, options: list[Option], level: float) -> tuple[Choice, ...]:
    totals = np.stack([one.totals for one in options])
    drawn = totals[:, 1:]
    share = None
    if drawn.shape[1]:
        usable = np.isfinite(drawn).any(axis=0)
        share = np.bincount(np.argmin(drawn[:, usable], axis=0), minlength=len(options)) / max(int(usable.sum()), 1)
    with np.errstate(invalid="ignore"):
        more = totals / totals[0] - 1
    return tuple(
        Choice(one.setting, one.size, one.tokens, one.total, over_draws(fit, more[i], level), None if share is None else float(share[i]))
        for i, one in enumerate(options)
    )  # fmt: skip


def _savings(ask: Ask, best: Option, level: float) -> tuple[Saving, ...]:
    """Against the plain setting at its own best size, against least training cost, and against the rule of thumb."""
    others: list[tuple[str, Option | None]] = []
    if ask.listed and best.setting != ask.plain:
        others.append((f"plain ({named(ask.plain, ask.listed)})", option(ask, ask.plain)))
    trained = [
        made for made in (option(ask, setting, training_only=True) for setting in ask.settings) if made is not None
    ]
    others.append(("least training", min(trained, key=lambda one: one.trained)))
    others.append((f"{RULE_RATIO:g} tokens per parameter", _ruled(ask)))
    return tuple(
        compared(ask.fit, name, (one.size, one.tokens), _missed(ask, best), _missed(ask, one), level)
        for name, one in others if one is not None
    )  # fmt: skip


def _spread(ask: Ask, options: list[Option]) -> Spread:
    """The total and the cheapest setting, at the sizes planned, at both ends of the factors' spread."""
    ends = [
        [float(ask.rates(one.setting, end).total(one.size, one.tokens)) for one in options] for end in ("low", "high")
    ]
    cheapest = [options[int(np.argmin(totals))].setting for totals in ends]
    return Spread(Interval(options[0].total, ends[0][0], ends[1][0]), (cheapest[0], cheapest[1]), options[0].rates.unit)


def _missed(ask: Ask, one: Option) -> Totals:
    """Its totals, with the law's own error where that is known."""
    if ask.tokens is None:
        return totals_of(ask.fit, one.curve, one.rates, one.size, None)
    return Totals(one.totals, None)


def _ruled(ask: Ask) -> Option | None:
    """The plain setting at 20 tokens per parameter; None where tokens are given."""
    if ask.tokens is not None:
        return None
    curve = ask.curve(ask.plain).unlimited()
    size = ruled_size(curve.of(slice(0, 1)))
    return None if size is None else at_size(ask, ask.plain, ask.rates(ask.plain), curve, size)
