"""Stack-grow or from scratch: when to stack, what that budget trains, and what it saves by two fitted curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allometry.costs import rule_flops
from allometry.fits import Fit
from allometry.forecasts import metric_at
from allometry.laws import published
from allometry.notices import Interval, Notice, Refused, Step
from allometry.plans.chain import fitted_mark
from allometry.plans.crossover import paired_draws
from allometry.plans.ends import open_percentiles, percent
from allometry.plans.questions.answer import Answer, Value

Array = NDArray[np.float64]

TIMING = "growth_timing@du2024"
FACTOR = 4  # of depth, which the source recommends at every size
SOURCE = "Du et al. 2024, arXiv 2405.15319"
# The authors' runs; 7B is an extrapolation of theirs.
STUDIED_PARAMS, STUDIED_FLOPS = (4.1e8, 7e9), (1e19, 1e22)


def speedup(scratch: float, grown: float) -> float:
    """FLOPs from scratch over those of growing, for one loss, less 1 (tokens likewise, at one size).

    >>> round(speedup(300e9, 194e9), 3)
    0.546
    """
    return scratch / grown - 1


def grow(
    params: float, flops: float, *, factor: int = FACTOR, scratch: Fit | None = None, grown: Fit | None = None,
    level: float | None = None,
) -> Answer:  # fmt: skip
    """Whether to train a model of that size from scratch or to stack it from a smaller one, at one budget in all.

    Use it for decoders that grow in depth by copying all layers two to four times. The plan counts the small model's
    training; the verdict needs two fits of loss over flops, of runs from scratch and of runs that grew (their FLOPs with
    the small model's): without them the answer is how to grow, and what was measured elsewhere.
    Arguments: `params` of the grown model without embeddings, `flops` of both phases together.
    Errors: `Refused` for numbers that cannot be, a budget that the small model's tokens use up, one fit without the other.
    Source: Du et al. 2024, arXiv 2405.15319, eq. 2.

    >>> grow(1.1e9, 8e20).figures["tokens before stacking"].__round__(-8)
    10600000000.0
    """
    for name, value in (("params", params), ("flops", flops)):
        if not (np.isfinite(value) and value > 0):
            raise Refused("bad-value", f"{value:g} is no number of {name}", f"--{name}", "give a positive number")
    if factor not in range(2, 9):
        raise Refused(
            "bad-value", f"a factor of {factor} was not studied", "--factor", "give 2, 3 or 4; 4 is recommended"
        )
    law, constants = published(TIMING)
    tokens = float(law.evaluate(constants.values, {"params": [params], "flops": [flops]})[0])
    small = params / factor
    first = float(rule_flops(small, tokens))
    if first >= flops:
        raise Refused("budget-too-small", f"{tokens:.3g} tokens on {small:.3g} parameters take {first:.3g} FLOPs, the budget is "
                      f"{flops:.3g}", "--flops", "train from scratch, or give more")  # fmt: skip
    after, alone = (float(c / rule_flops(params, 1.0)) for c in (flops - first, flops))
    verdict, figures, steps, notices = _compared(scratch, grown, flops, level)
    return Answer(
        question="stack-grow or from scratch",
        sentence=f"{verdict}: train {small:.3g} parameters on {tokens:.3g} tokens, stack them {factor} times, train on "
                 f"{after:.3g} more" if verdict != "from scratch" else f"from scratch: {params:.3g} parameters on {alone:.3g} tokens",
        rows=(
            {"way": "stack", "phase": "small model", "params": small, "tokens": tokens, "flops": first},
            {"way": "stack", "phase": "grown model", "params": params, "tokens": after, "flops": flops - first},
            {"way": "scratch", "phase": "whole", "params": params, "tokens": alone, "flops": flops},
        ),
        figures={"tokens before stacking": tokens, "tokens after": after, "tokens from scratch": alone, **figures},
        steps=(
            Step("timing", f"log10 tokens = {constants.values['a']:g} log10 params + {constants.values['b']:g} / log10 flops "
                 f"{constants.values['c']:+g} ({SOURCE}, eq. 2)", "published"),
            Step("budget", "6 FLOPs for each parameter and token in both phases, small model included", "assumed"),
            *steps,
        ),
        notices=(*_outside(params, flops), *notices),
    )  # fmt: skip


def _compared(
    scratch: Fit | None, grown: Fit | None, flops: float, level: float | None
) -> tuple[str, dict[str, Value], tuple[Step, ...], tuple[Notice, ...]]:  # fmt: skip
    """The verdict by two fits of loss over flops."""
    if scratch is None and grown is None:
        elsewhere = f"speed-ups of 31% to 55% for 410M to 7B parameters ({SOURCE}); not of your runs"
        notice = Notice("no-verdict", "whether it pays for your recipe needs two fits, --scratch and --grown")
        return "if you grow", {}, (Step("elsewhere", elsewhere, "published"),), (notice,)
    if scratch is None or grown is None:
        raise Refused("missing-fit", "one of the two fits is missing", "--scratch, --grown", "give both or none")
    for fit in (scratch, grown):
        if fit.law.axes != ("flops",) or fit.law.metric != scratch.law.metric:
            raise Refused("laws-differ", f"{fit.law.name} is no law of {scratch.law.metric} over flops alone", "--scratch, --grown",
                          "fit power to both, with flops of both phases")  # fmt: skip
    first, draws = (
        _speedups(scratch, grown, flops, scratch.estimate[None], grown.estimate[None])[0],
        paired_draws(scratch, grown),
    )
    drawn = _speedups(scratch, grown, flops, *draws)
    found = Interval(float(first), why=scratch.interval_kind)
    if len(drawn):
        ends = open_percentiles(drawn, scratch.settings.level if level is None else level)
        found = Interval(float(first), ends.low, ends.high, ends.why)
    word = "stack" if first > 0 else "from scratch"
    sure = found.low is not None and (found.low > 0 or (found.high is not None and found.high < 0))
    notices = () if sure or not len(drawn) else (Notice("saving-uncertain", f"the speed-up is {percent(found.value)} "
              f"[{percent(found.low)}, {percent(found.high)}]: which way is cheaper is not certain"),)  # fmt: skip
    step = Step("speed-up", f"FLOPs from scratch for the loss that growing reaches at {flops:.3g}, over those, less 1: "
                f"{percent(found.value)}", fitted_mark(grown))  # fmt: skip
    return word if sure or not len(drawn) else f"{word}, NOT certain", {"speed-up": found}, (step,), notices


def _speedups(scratch: Fit, grown: Fit, flops: float, one: Array, other: Array) -> Array:
    """Speed-up (B,) at the loss that growing has at a budget: infinite where scratch never has it."""
    wanted = metric_at(grown.law, other, {"flops": np.array([flops])})[:, 0]
    low, high = np.full(len(wanted), np.log(flops) - 14), np.full(len(wanted), np.log(flops) + 14)
    for _ in range(60):
        middle = (low + high) / 2
        reached = metric_at(scratch.law, one, {"flops": np.exp(middle)[:, None]})[:, 0]
        below = reached <= wanted
        low, high = np.where(below, low, middle), np.where(below, middle, high)
    found = np.exp(high) / flops - 1
    return np.where(high >= np.log(flops) + 13.999, np.inf, found)


def _outside(params: float, flops: float) -> tuple[Notice, ...]:
    inside = STUDIED_PARAMS[0] <= params <= STUDIED_PARAMS[1] and STUDIED_FLOPS[0] <= flops <= STUDIED_FLOPS[1]
    if inside:
        return ()
    return (Notice("beyond-studied", f"{SOURCE} grew models of {STUDIED_PARAMS[0]:g} to {STUDIED_PARAMS[1]:g} parameters at "
                   f"{STUDIED_FLOPS[0]:g} to {STUDIED_FLOPS[1]:g} FLOPs; this is an extrapolation"),)  # fmt: skip
