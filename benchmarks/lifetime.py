"""Plans over a model's life on a table of scenarios: what they save at equal quality, and how certain that is.

Quality is what a training budget buys at best; 1e9 to 1e14 tokens are then served. The plan is compared with the size of
least training and with 20 tokens per parameter: each size is trained until it has the loss, by the same law.

1. The law fitted to the 240 runs of Besiroglu et al. 2024, with intervals over 300 resamples of the runs.
2. Published constants, among them those of Sardana et al. 2024 with their figure of 13B and 2e12 tokens.
3. More than size and tokens: the fitted law with the published law of leverage, activation and granularity chosen too;
   and streams in money, by how many requests run at once.

    ALLOMETRY_DATA=DIR python benchmarks/lifetime.py [--write]
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import numpy as np

from _board import board_cases
from _report import Report
from allometry.costs import find_hardware
from allometry.fits import Fit, Huber, Settings, fit, published_fit, select
from allometry.laws import find_law
from allometry.plans import Deployment, Lifetime, Saving, joint, lifetime, percent, together

LAW = find_law("chinchilla")
BUDGETS = (1e21, 1e23, 5e24)
SERVED = tuple(10.0**power for power in range(9, 15))
SARDANA = np.array([1.69, 406.4, 0.336, 410.7, 0.283])
SARDANA_FLOPS = 4.4965874e22  # the budget whose optimum is 13B by those constants


def fitted() -> Fit:
    case = next(case for case in board_cases() if (case.group, case.name) == ("epoch", "240 rows"))
    settings = Settings(bootstrap=300, objective=Huber(1e-3), level=0.9)
    return fit(select(case.runs, LAW, settings), LAW, settings)


def shown(found: Saving) -> str:
    ends = "" if not found.drawn else f" [{percent(found.share.low)}, {percent(found.share.high)}]"
    ends += (
        ""
        if found.calibrated is None
        else f" calibrated [{percent(found.calibrated.low)}, {percent(found.calibrated.high)}]"
    )
    word = {True: "certain" if found.calibrated else "certain by fit noise alone", False: "NOT certain", None: ""}[
        found.certain
    ]
    return f"{percent(found.share.value)}{ends} {'same' if found.same else word}".rstrip()


def robust(found: Lifetime) -> str:
    """The size of least expected waste over the draws, where it is another."""
    if found.judged is None or not found.judged.differs:
        return ""
    size = found.judged.best.at["params"] / 1e9
    return f" || {size:.2f}B " + " | ".join(shown(saving) for saving in found.recommended_savings)


def scenarios(say: Report, name: str, source: Fit) -> None:
    say(name)
    say(
        "  budget   served     size   tokens   ratio | saved against least training | against 20 tokens per parameter || recommended size, and the same"
    )
    counts = {"least training": [0, 0, 0, 0], "20 tokens per parameter": [0, 0, 0, 0]}
    for budget in BUDGETS:
        for served in SERVED:
            found = lifetime(source, flops=budget, inference_tokens=served)
            size, tokens = (found.at[axis].value or np.nan for axis in ("params", "tokens"))
            cells = " | ".join(shown(saving) for saving in found.savings)
            say(
                f"  {budget:6.0e} {served:8.0e} {size / 1e9:7.2f}B {tokens / 1e9:7.0f}B {found.ratio:7.1f} | {cells}{robust(found)}"
            )
            for saving in found.savings:
                count = counts[saving.against]
                count[0] += 1
                count[1] += (saving.share.value or 0.0) >= -1e-12
                count[2] += saving.certain is True
            for saving in found.recommended_savings or found.savings:
                counts[saving.against][3] += saving.certain is True
    for against, (all_of, better, certain, robustly) in counts.items():
        sure = f", certain at 90% in {certain}, with the recommended size in {robustly}" if len(source.draws) else ""
        say(f"  against {against}: no dearer in {better} of {all_of} scenarios{sure}")


def sardana(say: Report) -> None:
    source = replace(published_fit("chinchilla@hoffmann"), estimate=SARDANA)
    found = lifetime(source, flops=SARDANA_FLOPS, inference_tokens=2e12)
    saving = found.savings[0]
    say(f"13B by the constants of Hoffmann et al. and 2e12 tokens served: {(found.at['params'].value or 0) / 1e9:.2f}B saves "
        f"{saving.amount.value:.3g} FLOPs, {percent(saving.share.value)}; published: 7B, 1.7e22, 17%")  # fmt: skip
    scenarios(say, "published constants of Hoffmann et al. 2022", source)


def experts(say: Report, dense: Fit) -> None:
    """A loss of 2.0 held, with 1e9 to 1e14 tokens served; memory and communication of the experts are in no law here."""
    source = together(dense, published_fit("moe_leverage@ling"))
    say(
        "the same law with moe_leverage@ling: activation among 1, 0.25, 0.1, granularity among 2, 8, 12; a loss of 2.0 held"
    )
    for served in SERVED:
        found = joint(
            source,
            quality=2.0,
            inference_tokens=served,
            among={"activation": [1, 0.25, 0.1], "granularity": [2, 8, 12]},
        )
        at = {name: found.at[name].value or np.nan for name in ("active_params", "tokens", "activation", "granularity")}
        cells = " | ".join(f"{saving.against}: {shown(saving)}" for saving in found.savings)
        say(f"  {served:8.0e} {at['active_params'] / 1e9:6.2f}B active, {at['tokens'] / 1e9:6.0f}B tokens, activation "
            f"{at['activation']:g}, granularity {at['granularity']:g} | {cells}")  # fmt: skip


def streams(say: Report) -> None:
    device = find_hardware("h100")
    if device.price is None:
        raise SystemExit("the h100 of the package has no price")
    say("parscale@pile at 42B tokens, a loss of 1.8 held, 2e12 tokens served on H100s: USD by streams")
    for batch in (1, 4, 16, 64):
        money = Deployment(training=device, serving=device, training_price=device.price, serving_price=device.price,
                           prompt=512, generated=256, batch=batch)  # fmt: skip
        found = joint(published_fit("parscale@pile"), quality=1.8, inference_tokens=2e12, among={"streams": [1, 2, 4, 8]},
                      fixed={"tokens": 42e9}, money=money)  # fmt: skip
        costs = ", ".join(
            f"{one.setting['streams']:g}: {one.total:.4g}"
            for one in sorted(found.choices, key=lambda c: c.setting["streams"])
        )
        ends = [f"{one['streams']:g}" for one in (found.spread.cheapest if found.spread else ())]
        say(
            f"  {batch:3d} at once: {found.at['streams'].value:g} streams ({costs}); with the efficiency factors at their best and worst {' and '.join(ends)}"
        )


def main() -> None:
    say, began = Report("lifetime"), time.process_time()
    epoch = fitted()
    scenarios(
        say,
        "chinchilla fitted to the 240 runs of Besiroglu et al. 2024; 90% intervals of fit noise, and calibrated, which decide",
        epoch,
    )
    experts(say, epoch)
    sardana(say)
    streams(say)
    say(f"{time.process_time() - began:.0f} s of one core")
    if "--write" in sys.argv:
        say.write()


if __name__ == "__main__":
    main()
