"""`plan --inference-tokens`: the plan over a model's whole life."""

from __future__ import annotations

from typing import Any

from allometry.cli.output import number, print_json, print_lines, print_notices, print_table
from allometry.notices import Interval, Refused
from allometry.plans import Lifetime, lifetime, percent

NOT_KEPT = {"path": None, "new": 0, "why": "plans over a life are not kept in the ledger: no single run scores them"}


def show_lifetime_plan(fit: Any, among: list[str] | None, json: bool, **asked: Any) -> None:
    """Make the plan and print it."""
    if among:
        raise Refused("bad-option", "a plan over a life chooses among all sizes", "--among",
                      "bound the size by --at-most and --at-least, and give further axes by --fix")  # fmt: skip
    found = lifetime(fit, **asked)
    if json:
        print_json({**found.as_json(), "ledger": NOT_KEPT})
    else:
        _show(found)


def _show(found: Lifetime) -> None:
    unit = found.rates.unit
    cells = [(name, number(one.value), _span(one), one.why) for name, one in found.at.items()]
    cells += [
        (f"{name}, {unit}", number(one.value), _span(one), one.why)
        for name, one in (("training", found.training), ("serving", found.serving), ("total", found.total))
    ]
    cells += [("tokens per parameter", number(found.ratio), "", "")]
    print_table(
        f"least total cost of {found.metric} {found.loss:.5g} and {number(found.inference_tokens)} tokens served, by "
        f"{found.law}, {found.provenance}; {found.level:.0%} intervals",
        ("", "value", found.interval, ""), cells,
    )  # fmt: skip
    print_table("saved, as a share of the other's total; each size is trained until it has the loss",
                ("against", "parameters", "tokens", "its total", "saved", "interval", ""),
                [(one.against, number(one.size), number(one.tokens), number(one.total), percent(one.share.value),
                  _shares(one.share), one.says) for one in found.savings])  # fmt: skip
    for step in found.steps:
        print_lines(f"[{step.mark}] {step.name}: {step.says}")
    print_notices(found.notices)


def _span(found: Interval) -> str:
    return "-" if found.low is None and found.high is None else f"{number(found.low)} to {number(found.high)}"


def _shares(found: Interval) -> str:
    return "-" if found.low is None and found.high is None else f"{percent(found.low)} to {percent(found.high)}"
