"""What the page's panel of costs starts from: costs by size, prices, and what each of them stands on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import numpy as np

from allometry.costs import (
    FLOPS_PER_PARAMETER_AND_TOKEN,
    SERVING_FLOPS_PER_PARAMETER_AND_TOKEN,
    compute_of,
    read_hardware,
    rule_flops,
    size_axis,
)
from allometry.fits import Fit
from allometry.forecasts import MOST_LOST
from allometry.notices import Refused
from allometry.plans import Deployment, Lifetime, Rates, Step, lifetime
from allometry.plans.lifetime import ABOVE, GRID, LEAST_TOKENS, MOST_TOKENS, REACH, PerSize
from allometry.reports.numbers import shown
from allometry.reports.sliders import design_axes
from allometry.reports.style import embedded_json

SERVED = (1e9, 1e12, 1e14)  # least, first and most tokens of the slider
_AHEAD = 10.0  # where no plan was asked, the budget starts at so many times the largest run's
_BEYOND = 100.0  # the factor by which sliders of budget and prices reach beyond the runs or their start
_DEVICE = "h100.toml"  # whose hour prices a FLOP where no device is given
_EXA, _MILLION = 1e18, 1e6
_LASTING = ("runs", "law", "further axes")  # steps of a plan that hold wherever the sliders stand


@dataclass(frozen=True)
class LifeCosts:
    """The panel's data as JSON safe inside a script element, and the steps that say where its numbers come from."""

    data: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class _Priced:
    """Costs of a training token and of a served token by size at the first prices, in `unit`.

    `price` is the first price of training, `per` what it is for.
    """

    unit: str
    training: PerSize
    serving: PerSize
    price: float
    per: str
    steps: tuple[Step, ...]


def life_costs(fit: Fit, planned: Mapping[str, float], money: Deployment | None = None) -> LifeCosts | None:
    """The panel's start: the plan's budget and settings, or ten times the largest run's; prices of `money`, or of a FLOP.

    None for laws that cannot plan, and for published constants of which no one says where their axes lie.
    """
    axes, size = design_axes(fit), size_axis(fit.law.axes)
    if axes is None or size is None or "tokens" not in fit.law.axes:
        return None
    setting = {
        name: float(planned.get(name, np.median(axes[name]))) for name in fit.law.axes if name not in (size, "tokens")
    }
    runs = compute_of(axes) if len(fit.rows) else rule_flops(axes[size], axes["tokens"])
    assert runs is not None  # size and tokens are among the axes
    budget = float(planned.get("flops", _AHEAD * runs.max()))
    try:
        first = lifetime(_estimate_only(fit), flops=budget, inference_tokens=SERVED[1], fixed=setting)
    except Refused:
        return None
    priced = _of_flops() if money is None else _of_devices(money)
    reference = float(f"{first.at[size].value:.0e}")
    served_price = float(priced.serving.at(reference)) * _MILLION
    data = {
        "size": size,
        "unit": priced.unit,
        "setting": setting,
        "budget": {"start": budget},
        "served": {"start": SERVED[1]},
        "training": _json(priced.training),
        "serving": _json(priced.serving),
        "costed": None if money is None else [priced.serving.sizes[0], priced.serving.sizes[-1]],
        "sliders": [
            _slider("served", "tokens served over its life", SERVED, 1.0),
            _slider("budget", "quality: training FLOPs at best split", (float(runs.min()), budget, max(budget, float(runs.max())) * _BEYOND), 1.0),
            _slider("training", f"training, {priced.unit} per {priced.per}", _around(priced.price), priced.price),
            _slider("serving", f"serving, {priced.unit} per million tokens at {shown(reference)} parameters", _around(served_price), served_price),
        ],
        "leastTokens": LEAST_TOKENS, "mostTokens": MOST_TOKENS, "reach": float(REACH), "above": float(ABOVE), "grid": GRID, "mostLost": MOST_LOST,
    }  # fmt: skip
    return LifeCosts(embedded_json(data), (*_grounds(first, setting), *priced.steps))


def _estimate_only(fit: Fit) -> Fit:
    return replace(fit, draws=fit.draws[:0])


def _grounds(first: Lifetime, setting: Mapping[str, float]) -> Iterable[Step]:
    lasting = {step.name: step for step in first.steps if step.name in _LASTING}
    yield from lasting.values()
    if setting:
        held = ", ".join(f"{name} {shown(value)}" for name, value in setting.items())
        yield Step("setting", f"{held}: held while size and tokens are chosen", "assumed")
    yield Step("quality", "the loss that the training FLOPs buy at best, by each draw its own", lasting["law"].mark)
    yield Step("served", "prompts and answers of the whole life together; every size serves the same", "assumed")


def _of_flops() -> _Priced:
    """FLOPs by the rule, those of serving priced as those of training (Sardana et al. 2024)."""
    device = read_hardware(
        Path(str(files("allometry.costs") / "devices" / _DEVICE))
    )  # as shipped, whatever a user's is
    price, share = device.price, device.factor("compute")
    assert price is not None
    a_flop = price.of_devices(seconds=1 / (share.value * device.peak_flops("bf16"))) or 0.0
    by_rule = Rates.flops(1.0)
    assert by_rule.serving is not None
    exa = shown(_EXA)
    return _Priced(
        price.currency, _scaled(by_rule.training, a_flop), _scaled(by_rule.serving, a_flop), a_flop * _EXA, f"{exa} FLOPs",
        (
            Step("training price", f"no device was given: {shown(a_flop * _EXA, 3)} {price.currency} for {exa} FLOPs, as on {device.name} at "
                 f"{share.value:.0%} of its peak for {price.device_hour:g} {price.currency} an hour ({price.date}, {price.source})", "assumed"),
            Step("serving price", "a FLOP of serving costs as much as one of training; decoding on a device seldom comes near it", "assumed"),
            Step("cost by size", f"{FLOPS_PER_PARAMETER_AND_TOKEN} FLOPs for each parameter and token of training, "
                 f"{SERVING_FLOPS_PER_PARAMETER_AND_TOKEN} of serving, attention over the context left out (Sardana et al. 2024, arXiv 2401.00448)", "assumed"),
        ),
    )  # fmt: skip


def _of_devices(money: Deployment) -> _Priced:
    """Built models on the devices of both phases, at the values of the efficiency factors."""
    rates, price = money.rates(1.0), money.training_price
    assert rates.serving is not None
    per = f"hour of one {money.training.name}"
    return _Priced(rates.unit, rates.training, rates.serving, price.device_hour or 0.0, per, money.steps)


def _scaled(known: PerSize, factor: float) -> PerSize:
    return PerSize(known.sizes, tuple(cost * factor for cost in known.costs))


def _json(known: PerSize) -> dict[str, object]:
    return {"sizes": known.sizes, "costs": known.costs}


def _around(start: float) -> tuple[float, float, float]:
    return start / _BEYOND, start, start * _BEYOND


def _slider(of: str, title: str, ends: tuple[float, float, float], scale: float) -> dict[str, object]:
    """A slider of what is chosen; prices are chosen as factors, and `scale` is what a factor of one shows."""
    return {
        "of": of,
        "title": title,
        "low": ends[0],
        "start": ends[1],
        "high": ends[2],
        "scale": scale,
        "step": _STEPS[of],
    }


_STEPS = {"served": "served", "budget": "quality", "training": "training price", "serving": "serving price"}
