"""A joint plan as a chain of steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from allometry.costs import FLOPS_PER_PARAMETER_AND_TOKEN, SERVING_FLOPS_PER_PARAMETER_AND_TOKEN, SPARSE_AXES
from allometry.costs.choices import PASSAGE_TOKENS, PASSAGES, RETRIEVER_PARAMS
from allometry.notices import Interval, Notice, Step
from allometry.plans.chain import fitted_mark, one_line, shown
from allometry.plans.ends import percent
from allometry.plans.joint.ask import Ask
from allometry.plans.joint.options import Option
from allometry.plans.joint.result import Choice, Spread

SAMPLES = ("samples", "generated_tokens")


def law_steps(ask: Ask) -> Iterable[Step]:
    """The law, the quality, what is chosen and what is given."""
    fit = ask.fit
    values = ", ".join(f"{name} = {value:.4g}" for name, value in fit.values.items())
    yield Step("law", f"{fit.law.name}: {one_line(fit.law.formula.text)}; {values} ({fit.status})", fitted_mark(fit))
    yield Step("quality", f"a {fit.law.metric} of {ask.quality:.5g}, held by all that are compared", "assumed")
    ranges = [
        f"{name} among {', '.join(f'{v:g}' for v in sorted({one[name] for one in ask.settings}))}"
        for name in ask.listed
    ]
    given = [f"{name} = {value:g}" for name, value in ask.settings[0].items() if name not in ask.listed]
    given += [] if ask.tokens is None else [f"tokens = {ask.tokens:.4g}"]
    if ranges or given:
        yield Step("choices", "; ".join([*ranges, *given]), "assumed")


def cost_steps(ask: Ask) -> Iterable[Step]:
    """What a choice is taken to cost."""
    axes = tuple(ask.settings[0])
    if ask.money is not None:
        yield from ask.money.steps
    else:
        yield Step("cost", f"{FLOPS_PER_PARAMETER_AND_TOKEN} FLOPs in training and {SERVING_FLOPS_PER_PARAMETER_AND_TOKEN} in "
                   "serving for each parameter that a token meets; attention over the context is left out, and a FLOP of "
                   "serving counts as much as one of training", "assumed")  # fmt: skip
        yield Step("serving", f"{ask.inference_tokens:.4g} tokens over the life at one plain answer a request, requests of "
                   f"{ask.prompt} prompt and {ask.generated} generated tokens", "assumed")  # fmt: skip
    meets = {
        "streams": "every stream meets all parameters, in training too",
        "loops": "every loop meets the looped ones",
    }
    for name in axes:
        if name in meets:
            yield Step(name, meets[name], "published")
    if any(name in axes for name in SAMPLES):
        yield Step("answers", "samples share one pass over their prompt; choosing among them costs nothing", "assumed")
    if "datastore_tokens" in axes:
        yield Step("datastore", f"embedded once by a retriever of {RETRIEVER_PARAMS:.3g} parameters; {PASSAGES} passages of "
                   f"{PASSAGE_TOKENS} tokens in front of each prompt (Shao et al. 2024, arXiv 2407.12854); the search itself is "
                   "left out", "published")  # fmt: skip
    if any(name in axes for name in SPARSE_AXES):
        yield Step("experts", "FLOPs follow active parameters; memory and communication of the others are left out; leverage "
                   "multiplies the size at equal tokens", "assumed")  # fmt: skip


def found_steps(
    ask: Ask, at: Mapping[str, Interval], total: Interval, unit: str, choices: tuple[Choice, ...]
) -> Iterable[Step]:
    """The plan, and the next best settings."""
    mark = fitted_mark(ask.fit)
    text = ", ".join(f"{name} {shown(found)}" for name, found in at.items())
    yield Step("least total", f"{text}; total {shown(total)} {unit}", mark)
    if len(choices) > 1:
        next_best = choices[1]
        text = f"{named(next_best.setting, ask.listed)} costs {percent(next_best.more.value)} more"
        if next_best.more.low is not None and next_best.more.low <= 0:
            text += f" [{percent(next_best.more.low)}, {percent(next_best.more.high)}]: which of the two is cheaper is NOT certain"
        yield Step("next best", text, mark)


def spread_steps(ask: Ask, spread: Spread | None) -> Iterable[Step]:
    """What the efficiency factors leave open of the total, and of the choice."""
    if spread is None:
        return
    names = [named(one, ask.listed) for one in spread.cheapest]
    text = f"total {shown(spread.total)} {spread.currency} by the ends of the efficiency factors"
    if ask.listed:
        text += f"; cheapest with all at their best {names[0]}, at their worst {names[1]}"
    yield Step("spread of the factors", text, "assumed")


def named(setting: Mapping[str, float], listed: tuple[str, ...]) -> str:
    """The listed axes of a setting in words."""
    return ", ".join(f"{name}={setting[name]:g}" for name in listed) or "the plan's setting"


def choice_notices(ask: Ask, best: Option, choices: tuple[Choice, ...], unreached: int) -> Iterable[Notice]:
    """Choices at an end of what was listed, settings not certain to be the cheapest, and those that never do."""
    for name in ask.listed:
        values = [one[name] for one in ask.settings]
        plain = ask.plain[name]
        if best.setting[name] in (min(values), max(values)) and best.setting[name] != plain:
            yield Notice(
                "choice-at-end", f"{name}={best.setting[name]:g} is the last value listed: values beyond may cost less"
            )
    share = choices[0].share
    if share is not None and share < ask.fit.settings.level:
        yield Notice(
            "choice-uncertain", f"{named(best.setting, ask.listed)} is the cheapest in {share:.0%} of the draws only"
        )
    if len(ask.fit.draws) and not len(ask.fit.residuals):
        yield Notice(
            "fit-noise-only",
            "intervals hold fit noise alone: how far joined laws miss beyond their runs is not measured, and published constants count as exact",
        )
    if unreached:
        yield Notice(
            "unreached", f"{unreached} of {len(ask.settings)} settings never have the quality, at any size or text"
        )
