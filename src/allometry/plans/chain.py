"""A plan as a chain of steps, each marked measured, fitted, published or assumed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from allometry.costs import FLOPS_PER_PARAMETER_AND_TOKEN, Buildable
from allometry.fits import Fit
from allometry.forecasts import FIT_NOISE, Extrapolation
from allometry.notices import Interval, Mark, Step
from allometry.plans.bounds import LEAST_RATIO, MOST_RATIO
from allometry.plans.calibration import Calibration
from allometry.plans.decision import Decision
from allometry.plans.drift import Cut
from allometry.plans.ends import percent
from allometry.plans.isoflop import IsoFlop
from allometry.plans.recommended import SAME_SIZE
from allometry.plans.region import Region
from allometry.plans.stakes import Priced
from allometry.plans.terms import TOKENS, Terms
from allometry.plans.wrong import SETTLED, Judged


def fitted_mark(fit: Fit) -> Mark:
    return "published" if fit.provenance == "published" else "fitted"


def grounds(fit: Fit, terms: Terms, decision: Decision) -> Iterable[Step]:
    """What the plan stands on: runs, law, FLOPs rule, what was given, and where the search ended."""
    if fit.rows.count:
        yield Step("runs", _runs(fit), "measured")
    yield Step("law", f"{fit.law.name}: {one_line(fit.law.formula.text)}; {_constants(fit)}", fitted_mark(fit))
    yield Step("compute", _rule(fit, decision.space.size), "assumed")
    given = [*_given(terms)]
    if given:
        yield Step("given", "; ".join(given), "assumed")
    further = [name for name in fit.law.axes if name not in (decision.space.size, TOKENS)]
    if further:
        text = f"the FLOPs rule counts nothing for {', '.join(further)}: what they cost besides is left out"
        yield Step("further axes", text, "assumed")
    if decision.bounds is not None:
        yield Step("search", f"{LEAST_RATIO:g} to {MOST_RATIO:g} tokens per parameter, a decade or more outside any "
                   "model known to have been trained, unless limits were given", "assumed")  # fmt: skip


def _runs(fit: Fit) -> str:
    if fit.rows.withheld is not None:
        return fit.rows_missing
    ranges = [f"{name} {values.min():.3g} to {values.max():.3g}" for name, values in fit.rows.axes.items()]
    return f"{len(fit.rows)} runs: {', '.join(ranges)}"


def one_line(text: str) -> str:
    """A formula's lines as one."""
    return "; ".join(line.strip() for line in text.strip().splitlines() if line.strip())


def _constants(fit: Fit) -> str:
    values = ", ".join(f"{name} = {value:.4g}" for name, value in fit.values.items())
    return f"{values} ({fit.status})" if fit.provenance == "published" else f"{values}, fitted to these runs"


def _rule(fit: Fit, size: str) -> str:
    counted = fit.conventions.get("params", "not stated")
    return (
        f"FLOPs = {FLOPS_PER_PARAMETER_AND_TOKEN} x {size} x tokens, parameters counted as the runs count them "
        f"({counted}); attention over the context is left out (Kaplan et al. 2020)"
    )


def _given(terms: Terms) -> Iterable[str]:
    if terms.flops is not None:
        yield f"{terms.flops:.4g} FLOPs"
    if terms.loss is not None:
        yield f"a loss of {terms.loss:.5g} at the least FLOPs"
    yield from (f"{name} = {value:.4g}" for name, value in terms.fixed.items())
    yield from (f"{name} at most {value:.4g}" for name, value in terms.at_most.items())
    yield from (f"{name} at least {value:.4g}" for name, value in terms.at_least.items())
    yield from (f"{name} among {', '.join(f'{v:.4g}' for v in values)}" for name, values in terms.among.items())


def answer_steps(
    fit: Fit, decision: Decision, at: Mapping[str, Interval], loss: Interval, regions: tuple[Region, ...]
) -> Iterable[Step]:
    """What the plan says: the split, the loss it gives, and what is nearly as good."""
    mark = fitted_mark(fit)
    if not decision.interior:
        yield Step("split", f"no interior optimum: loss still falls at {decision.limited}", mark)
        return
    split = ", ".join(f"{name} {shown(found)}" for name, found in at.items())
    yield Step("split", split + (f"; at the limit of {decision.limited}" if decision.limited else ""), mark)
    held = f"; intervals hold {FIT_NOISE}" if len(fit.draws) else f"; no intervals ({fit.interval_kind})"
    yield Step("loss", f"{fit.law.metric} {shown(loss)}{held}", mark)
    for region in regions:
        size = region.axes[decision.space.size]
        span = f"{decision.space.size} from {_end(size.low)} to {_end(size.high)}"
        yield Step("near-optimal", f"{span} is within {region.within:.2%} of the best loss", mark)


def shown(found: Interval, digits: int = 4) -> str:
    """An interval as text."""
    value = "none" if found.value is None else f"{found.value:.{digits}g}"
    if found.low is None and found.high is None:
        return value
    return f"{value} [{_end(found.low, digits)}, {_end(found.high, digits)}]"


def _end(value: float | None, digits: int = 4) -> str:
    return "?" if value is None else f"{value:.{digits}g}"


def advice_step(fit: Fit, judged: Judged | None) -> Iterable[Step]:
    """The allocation of least expected excess beside the plain optimum."""
    if judged is None:
        return
    plain, best = judged.wrong.plain, judged.recommended
    if judged.wrong.settled:
        text = SETTLED
    elif best.differs:
        at = ", ".join(f"{name} {value:.4g}" for name, value in best.priced.at.items())
        text = f"{at} has the least expected excess over the draws, {_price(best.priced)}; the plain optimum has {_price(plain)}"
    else:
        near = "" if best.priced.at == plain.at else f", to within {SAME_SIZE:.0%} in size"
        text = f"the plain optimum: it has the least expected excess over the draws{near}, {_price(plain)}"
    yield Step("recommended", text, fitted_mark(fit))


def _price(priced: Priced) -> str:
    return f"{percent(priced.loss.expected)} of the best loss ({percent(priced.loss.p95)} at the 95th percentile)"


def doubts(
    size: str, extrapolation: Extrapolation | None, cuts: tuple[Cut, ...], second: IsoFlop | None
) -> Iterable[Step]:
    """What speaks against it: distance from the runs, the plans of the table cut short, the isoFLOP method."""
    if extrapolation is not None and extrapolation.word != "inside":
        yield Step("distance", f"{extrapolation.sentence}; that the law holds there is not measured", "assumed")
    for cut in cuts:
        text = cut.why or ", ".join(f"{name} {shown(found, 3)}" for name, found in cut.plan.items())
        rows = f"the {cut.runs} runs to {cut.flops:.3g} FLOPs, {_decades(cut.decades)} below the largest"
        yield Step("cut back", f"from {rows}: {text}", "fitted")
    if second is not None:
        yield Step("second opinion", _second(second, size), "fitted")


def calibration_step(found: Calibration, level: float) -> Iterable[Step]:
    """What earlier plans missed, and the intervals that hold it."""
    if found.ahead == 0:
        return
    if not found.useful:
        why = next(one.why for one in found.at.values() if one.value is None)
        yield Step("calibrated", why, "fitted")
        return
    axes = ", ".join(f"{name} {shown(one, 3)}" for name, one in found.at.items())
    tested = f"{len(found.looks)} plans from shorter tables of the optimum at {found.flops:.3g} FLOPs"
    drift = found.says if any(found.per_decade.values()) else "they missed by no more than their noise"
    text = f"{level:.0%} intervals with what {tested} missed, {found.ahead:.1f} decades on: {axes}"
    yield Step("calibrated", text + (f"; {drift}" if drift else ""), "fitted")


def _decades(count: float) -> str:
    return "half a decade" if count == 0.5 else f"{count:g} decade" + ("" if count == 1 else "s")


def _second(second: IsoFlop, size: str) -> str:
    used = sum(budget.convex for budget in second.budgets)
    found = second.plan[size]
    answer = f"{size} {shown(found, 3)}" if found.value is not None else f"no plan: {found.why}"
    return f"the isoFLOP method: {used} of {len(second.budgets)} budgets have a convex, bracketed minimum; {answer}"


def shape_step(shape: Buildable) -> Step:
    built, counts = shape.shape, shape.counts
    off = shape.counted / shape.wanted - 1
    return Step(
        "shape",
        f"{built.layers} layers, width {built.width}, {built.heads} heads of {built.head_size}, "
        f"feed-forward {built.ffn}, vocabulary {built.vocab}: {counts.total:,} parameters in total, "
        f"{counts.non_embedding:,} without embedding and head "
        f"({off:+.1%} of the plan, counted {shape.convention}); {'; '.join(shape.assumed)}",
        "assumed",
    )
