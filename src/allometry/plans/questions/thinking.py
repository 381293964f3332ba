"""Train bigger or think longer: over inference volumes, with what it stands on."""

from __future__ import annotations

import numpy as np

from allometry.costs import FLOPS_PER_PARAMETER_AND_TOKEN, SERVING_FLOPS_PER_PARAMETER_AND_TOKEN
from allometry.fits import Fit
from allometry.notices import Notice, Step
from allometry.plans.chain import fitted_mark, one_line, shown
from allometry.plans.exchange import Exchange, exchange
from allometry.plans.questions.answer import Answer

VOLUMES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # of the volume asked


def bigger_or_longer(
    small: Fit, large: Fit, *, larger: float, tokens: float, inference_tokens: float, at: float = 1.0, level: float | None = None
) -> Answer:  # fmt: skip
    """Whether a larger model or more samples of a smaller one cost less for one quality, at this volume and around it.

    Use it as `exchange`, whose arguments and errors it has; it adds the exchange rate at other volumes and the chain.

    >>> from dataclasses import replace
    >>> from allometry.fits import published_fit
    >>> from allometry.laws import find_law
    >>> base = replace(published_fit("chinchilla@epoch"), law=find_law("coverage"))
    >>> small, large = (replace(base, estimate=np.array([a, 0.5]), draws=np.empty((0, 2))) for a in (3.0, 1.0))
    >>> found = bigger_or_longer(small, large, larger=8, tokens=1e12, inference_tokens=1e12)
    >>> [row["cheaper"] for row in found.rows][:1], [row["cheaper"] for row in found.rows][-1:]
    (['think longer'], ['train bigger'])
    """
    found = exchange(small, large, larger=larger, tokens=tokens, inference_tokens=inference_tokens, at=at, level=level)
    volumes = [(share, exchange(small, large, larger=larger, tokens=tokens, inference_tokens=share * inference_tokens, at=at, level=level))
               for share in VOLUMES]  # fmt: skip
    return Answer(
        question="train bigger or think longer",
        sentence=found.sentence if certain(found) is not False else f"{found.sentence}; which is cheaper is NOT certain",
        rows=tuple(
            {"inference tokens": share * inference_tokens, "may spend, times": one.affordable, "needs, times": one.times.value,
             "cheaper": "think longer" if one.longer else "train bigger", "share of draws": _agreeing(one)}
            for share, one in volumes
        ),
        figures={"quality": found.quality, "needs, times": found.times, "may spend, times": found.affordable,
                 "break-even, inference tokens": found.break_even},
        steps=(*_laws(small, large), *_costs(larger, tokens, inference_tokens, found, at)),
        notices=_notices(found),
    )  # fmt: skip


def certain(found: Exchange) -> bool | None:
    """Whether the whole interval of the times needed lies on one side of what may be spent; None without draws."""
    if found.share is None:
        return None
    high = np.inf if found.times.high is None else found.times.high
    low = np.inf if found.times.low is None else found.times.low
    return bool(high <= found.affordable or low > found.affordable)


def _agreeing(found: Exchange) -> float | None:
    """Share of the draws that say what the estimate says."""
    return None if found.share is None else found.share if found.longer else 1 - found.share


def _laws(small: Fit, large: Fit) -> tuple[Step, ...]:
    return tuple(
        Step(f"{name} model", f"{fit.law.name}: {one_line(fit.law.formula.text)}; "
             + ", ".join(f"{key} = {value:.4g}" for key, value in fit.values.items()) + f" ({fit.status})", fitted_mark(fit))
        for name, fit in (("smaller", small), ("larger", large))
    )  # fmt: skip


def _costs(larger: float, tokens: float, inference_tokens: float, found: Exchange, at: float) -> tuple[Step, ...]:
    passes = f"{FLOPS_PER_PARAMETER_AND_TOKEN} FLOPs in training and {SERVING_FLOPS_PER_PARAMETER_AND_TOKEN} in serving"
    return (
        Step("sizes", f"the larger has {larger:g} times the parameters; both are trained on {tokens:.4g} tokens", "assumed"),
        Step("volume", f"{inference_tokens:.4g} tokens served by the larger at {at:g} {found.axis}; each of the smaller's is as "
             "long, and reads the prompt anew", "assumed"),
        Step("exchange rate", f"{passes} for each parameter and token: {found.affordable:.4g} times the {found.axis} for equal "
             "total cost (Snell et al. 2024, arXiv 2408.03314, section 7)", "published"),
        Step("needed", f"{shown(found.times)} times the {found.axis} for a {found.metric} of {found.quality:.4g}", "fitted"),
        Step("break-even", f"thinking longer is the cheaper up to {shown(found.break_even)} inference tokens", "fitted"),
    )  # fmt: skip


def _notices(found: Exchange) -> tuple[Notice, ...]:
    if certain(found) is not False:
        return ()
    return (Notice("saving-uncertain", f"{_agreeing(found):.0%} of the draws agree; the interval of the times needed holds "
                   f"{found.affordable:.4g}, where both cost the same"),)  # fmt: skip
