"""`plan --inference-tokens` where more than size and tokens is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allometry.cli.lifetimes import (
    cost_cells,
    interval_title,
    kept_life,
    old_prices,
    shares,
    show_savings,
    show_steps,
    with_ledger,
)
from allometry.cli.output import number, print_json, print_notices, print_table, working
from allometry.cli.recording import show_recorded
from allometry.costs import COSTS_OF_AXES
from allometry.fits import Fit
from allometry.notices import Refused
from allometry.plans import RISING_METRICS, Joint, joint, percent

TOKENS = "tokens"
MOST_SHOWN = 12


def is_joint(fit: Fit, terms: dict[str, Any]) -> bool:
    """Whether such a plan chooses, or is to hold, more than size and tokens."""
    return bool(terms["among"]) or TOKENS not in fit.law.axes or any(name in COSTS_OF_AXES for name in fit.law.axes)


def show_joint_plan(
    fit: Fit, source: Fit, terms: dict[str, Any], json: bool, accuracy: float | None, name: str, keep: bool, **asked: Any
) -> None:  # fmt: skip
    """Make the joint plan under the terms of a plan of training, and print it."""
    given = [terms["loss"], accuracy]
    if terms["flops"] is not None or sum(one is not None for one in given) != 1:
        raise Refused("plan-ask", "a plan that chooses more than size and tokens holds a quality", "--loss, --accuracy",
                      "give one of the two, and no --flops: allometry plan --flops says what loss a budget buys")  # fmt: skip
    rising = fit.law.metric in RISING_METRICS
    if rising != (accuracy is not None):
        right, wrong = ("--accuracy", "--loss") if rising else ("--loss", "--accuracy")
        raise Refused("plan-ask", f"{fit.law.name} predicts {fit.law.metric}", wrong, f"give {right}")
    quality = next(one for one in given if one is not None)
    with working("planning over the model's life"):
        found = joint(
            fit, quality=quality, **{name: terms[name] for name in ("among", "fixed", "at_most", "at_least")}, **asked
        )
    kept, old = kept_life(name, keep, source, found), old_prices(asked["money"])
    if json:
        print_json(with_ledger(found, old, kept))
    else:
        _show(found)
        print_notices(old)
        show_recorded(kept)


def _show(found: Joint) -> None:
    print_table(
        f"least total cost of {found.metric} {found.quality:.5g} and {number(found.inference_tokens)} tokens served, by "
        f"{found.law}, {found.provenance}; {found.level:.0%} intervals",
        ("", "value", interval_title(found), ""),
        cost_cells(found.at, found),
    )
    shown = found.choices[:MOST_SHOWN]
    left = f"; {len(found.choices) - len(shown)} more in --json" if len(found.choices) > len(shown) else ""
    print_table(
        f"each choice at its own best size, cheapest first{left}",
        ("choice", found.size, TOKENS, f"total, {found.rates.unit}", "more", interval_title(found), "of the draws"),
        [(_named(one.setting), number(one.size), number(one.tokens), number(one.total),
          percent(one.more.value), shares(one.more), percent(one.share)) for one in shown],
    )  # fmt: skip
    show_savings(found.savings)
    show_steps(found.steps, found.notices)


def _named(setting: Mapping[str, float]) -> str:
    return " ".join(f"{name}={value:g}" for name, value in setting.items()) or "-"
