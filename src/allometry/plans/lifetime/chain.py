"""A plan over a model's life as a chain of steps."""

from __future__ import annotations

from collections.abc import Iterable

from allometry.costs import SERVING_FLOPS_PER_PARAMETER_AND_TOKEN
from allometry.fits import Fit
from allometry.forecasts import FIT_NOISE, Extrapolation
from allometry.notices import Interval, Notice, Step
from allometry.plans.chain import fitted_mark, shown
from allometry.plans.ends import percent
from allometry.plans.lifetime.savings import Saving
from allometry.plans.lifetime.stakes import Judged
from allometry.plans.region import Region
from allometry.plans.terms import TOKENS


def serving_step(inference_tokens: float) -> Step:
    """What serving is taken to cost."""
    text = (
        f"{inference_tokens:.4g} tokens read or written over the model's life, at "
        f"{SERVING_FLOPS_PER_PARAMETER_AND_TOKEN} FLOPs for each parameter; attention over the context is left out, and "
        "a FLOP of serving counts as much as one of training (Sardana et al. 2024, arXiv 2401.00448)"
    )
    return Step("serving", text, "assumed")


def quality_step(fit: Fit, flops: float, loss: float) -> Step:
    """The loss that a training budget buys, which the plan then holds."""
    return Step("quality", f"{flops:.4g} training FLOPs buy a {fit.law.metric} of {loss:.5g} at best; what they buy is held, by each "
                "draw its own", fitted_mark(fit))  # fmt: skip


def split_steps(fit: Fit, at: dict[str, Interval], total: Interval, overhead: Interval, unit: str) -> Iterable[Step]:
    """The course of least total cost, and how far it is over-trained."""
    mark, size = fitted_mark(fit), next(iter(at))
    text = ", ".join(f"{name} {shown(found)}" for name, found in at.items())
    held = f"; intervals hold {FIT_NOISE}" if len(fit.draws) else f"; no intervals ({fit.interval_kind})"
    yield Step("least total", f"{text}; total {shown(total)} {unit}{held}", mark)
    ratio = (at[TOKENS].value or 0.0) / (at[size].value or 1.0)
    yield Step("over-training", f"{ratio:.4g} tokens per parameter; training takes {_share(overhead)} more FLOPs than at "
               "the size of least training", mark)  # fmt: skip


def saving_step(fit: Fit, saving: Saving, unit: str) -> Step:
    text = (
        f"{_share(saving.share)} of the total against {saving.against} ({saving.size:.4g} parameters on "
        f"{saving.tokens:.4g} tokens, {saving.total:.4g} {unit}){_calibrated(saving)}; {saving.says}"
    )
    return Step("saving", text, fitted_mark(fit))


def _calibrated(saving: Saving) -> str:
    wide = saving.calibrated
    return (
        ""
        if wide is None
        else f"; with the law's own error beyond the runs [{percent(wide.low)}, {percent(wide.high)}]"
    )


def region_steps(fit: Fit, regions: tuple[Region, ...], size: str) -> Iterable[Step]:
    for region in regions:
        found = region.axes[size]
        text = f"{size} from {found.low:.4g} to {found.high:.4g} costs at most {region.within:.0%} more in total"
        yield Step("near-optimal", text + (f"; {found.why}" if found.why else ""), fitted_mark(fit))


def judged_steps(fit: Fit, judged: Judged | None, robust: tuple[Saving, ...]) -> Iterable[Step]:
    """The price of being wrong, at the plan and at both ends of its interval, and the size of least expected price."""
    if judged is None:
        return
    ends = [judged.across[0], judged.across[-1]] if len(judged.across) > 1 else []
    said = [f"at {one.at[judged.size]:.4g} {percent(one.wasted.expected)}" for one in (judged.plain, *ends)]
    tail = percent(judged.plain.wasted.p95)
    yield Step("being wrong", f"share of the total wasted where a draw is the truth, on average: {', '.join(said)}; at the "
               f"plan {tail} at the 95th percentile", fitted_mark(fit))  # fmt: skip
    if judged.differs:
        best = judged.best
        text = f"{judged.size} {best.at[judged.size]:.4g}, {TOKENS} {best.at[TOKENS]:.4g} waste least on average"
        saved = "; ".join(f"saves {_share(one.share)} against {one.against}, {one.says}" for one in robust)
        yield Step("recommended", f"{text}, {percent(best.wasted.expected)}; {saved}", fitted_mark(fit))
    else:
        yield Step("recommended", "the plan: it wastes least on average, to within 1% in size", fitted_mark(fit))


def distance_steps(away: Extrapolation) -> Iterable[Step]:
    if away.word not in ("inside", "unknown"):
        yield Step("distance", f"{away.sentence}; that the law holds there is not measured", "assumed")


def ratio_notices(fit: Fit, size: str, ratio: float) -> Iterable[Notice]:
    """Where the plan trains longer for its size than any run did."""
    if not len(fit.rows):
        return
    most = float((fit.rows.axes[TOKENS] / fit.rows.axes[size]).max())
    if ratio > most:
        yield Notice("ratio-beyond-runs", f"the plan has {ratio:.4g} tokens per parameter, the runs {most:.4g} at most: laws "
                     "fitted to usual ratios overstate what further tokens give (Sardana et al. 2024)")  # fmt: skip


def saving_notices(savings: tuple[Saving, ...]) -> Iterable[Notice]:
    """Every saving that its interval does not make sure."""
    for saving in savings:
        if saving.certain is False and not saving.same:
            yield Notice(
                "saving-uncertain", f"the saving against {saving.against} is {_share(saving.decided)}: not certain"
            )


def _share(found: Interval) -> str:
    """A share in percent with its ends."""
    ends = "" if found.low is None and found.high is None else f" [{percent(found.low)}, {percent(found.high)}]"
    return percent(found.value) + ends
