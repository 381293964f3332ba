"""`plan --inference-tokens`: the plan over a model's whole life."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from allometry.cli.cost.options import price_of
from allometry.cli.options import notices_json
from allometry.cli.output import number, print_json, print_lines, print_notices, print_table, working
from allometry.cli.recording import Recorded, record, show_recorded
from allometry.costs import Hardware, Price, find_hardware
from allometry.fits import Fit
from allometry.history import say_life
from allometry.notices import Interval, Notice, Refused
from allometry.plans import Deployment, Joint, Lifetime, Saving, Step, lifetime, percent

TrainHardware: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--hardware",
        help="Of costs over the model's life: count money, at the price of this device (h100, a .toml file).",
    ),
]
ServeHardware: TypeAlias = Annotated[
    str | None, typer.Option("--serve-hardware", help="The device that serves, where it is another.")
]
Prompt: TypeAlias = Annotated[int, typer.Option(help="With --hardware: prompt tokens of a request.", min=0)]
Generated: TypeAlias = Annotated[int, typer.Option(help="With --hardware: generated tokens of a request.", min=1)]
ServeBatch: TypeAlias = Annotated[
    int, typer.Option("--serve-batch", help="With --hardware: requests that run together.", min=1)
]


def deployment(
    hardware: str | None, serving: str | None, prices: Path | None, prompt: int, generated: int, batch: int
) -> Deployment | None:
    """What money is counted for; None where no device is given."""
    if hardware is None:
        for option, given in (("--serve-hardware", serving), ("--prices", prices)):
            if given is not None:
                raise Refused(
                    "bad-option",
                    "the device that trains is missing, so no money is counted",
                    option,
                    "give --hardware too",
                )
        return None
    train = find_hardware(hardware)
    serve = train if serving is None else find_hardware(serving)
    return Deployment(training=train, serving=serve, training_price=_price(train, prices), serving_price=_price(serve, prices),
                      prompt=prompt, generated=generated, batch=batch)  # fmt: skip


def _price(hardware: Hardware, prices: Path | None) -> Price:
    found = price_of(hardware, prices)
    if found is None or found.device_hour is None:
        raise Refused("no-price", f"no price of an hour of {hardware.name} is known, so there is no money to count", "--prices",
                      "give a TOML file with a table for it, or leave --hardware out for a plan in FLOPs")  # fmt: skip
    return found


def kept_life(fit: str, wanted: bool, source: Fit, found: Lifetime | Joint) -> Recorded:
    """What the ledger beside a saved fit keeps of a plan over a life."""
    if wanted and found.fit.law is not source.law:
        return Recorded(None, 0, "a plan of two fits has no ledger of its own", told=False)
    return record(fit, wanted, 1, lambda now: say_life(source, found, now))


def show_lifetime_plan(fit: Fit, terms: dict[str, Any], json: bool, name: str, keep: bool, **asked: Any) -> None:
    """Make the plan under the terms of a plan of training, and print it."""
    with working("planning over the model's life"):
        found = lifetime(fit, **{name: term for name, term in terms.items() if name != "among"}, **asked)
    kept, old = kept_life(name, keep, fit, found), old_prices(asked["money"])
    if json:
        print_json(with_ledger(found, old, kept))
    else:
        _show(found)
        print_notices(old)
        show_recorded(kept)


def with_ledger(found: Lifetime | Joint, old: tuple[Notice, ...], kept: Recorded) -> dict[str, object]:
    """A plan's JSON with the warnings of old prices, and what was kept of it."""
    return {**found.as_json(), "warnings": [*notices_json(found.notices), *notices_json(old)], "ledger": kept.as_json()}


def old_prices(money: Deployment | None) -> tuple[Notice, ...]:
    """What is to be said of the prices today."""
    return () if money is None else money.old_prices(datetime.date.today())


def _show(found: Lifetime) -> None:
    unit = found.rates.unit
    print_table(
        f"least total cost of {found.metric} {found.loss:.5g} and {number(found.inference_tokens)} tokens served, by "
        f"{found.law}, {found.provenance}; {found.level:.0%} intervals",
        ("", "value", interval_title(found), ""), cost_cells(found.at, found),
    )  # fmt: skip
    show_savings(found.savings)
    print_table(
        f"over-training for the same {found.metric}; the penalty is what those training FLOPs could lower it by",
        ("tokens per parameter", "parameters", "tokens", "extra training", "interval", "penalty", f"total, {unit}"),
        [(number(rung.ratio), number(rung.size), number(rung.tokens), percent(rung.overhead.value), shares(rung.overhead),
          f"{rung.penalty:.3g}", number(rung.total)) for rung in found.ladder],
    )  # fmt: skip
    show_steps(found.steps, found.notices)


def interval_title(found: Lifetime | Joint) -> str:
    """What the intervals of a table hold, as its head."""
    return found.interval if len(found.fit.draws) else "interval"


def cost_cells(at: Mapping[str, Interval], found: Lifetime | Joint) -> list[tuple[str, ...]]:
    """Rows of the plan's axes, its costs, and its tokens per parameter."""
    unit = found.rates.unit
    costs = {f"training, {unit}": found.training, f"serving, {unit}": found.serving, f"total, {unit}": found.total}
    cells = [(name, number(one.value), _span(one), one.why) for name, one in {**at, **costs}.items()]
    return [*cells, ("tokens per parameter", number(found.ratio), "", "")]


def show_savings(savings: Iterable[Saving]) -> None:
    """What the plan saves beside other rules, and how certain that is."""
    print_table("saved, as a share of the other's total; each size is trained until it has the loss",
                ("against", "parameters", "tokens", "its total", "saved", "fit noise only", "calibrated", ""),
                [(one.against, number(one.size), number(one.tokens), number(one.total), percent(one.share.value),
                  shares(one.share), "-" if one.calibrated is None else shares(one.calibrated), one.says) for one in savings])  # fmt: skip


def show_steps(steps: Iterable[Step], notices: Iterable[Notice]) -> None:
    """The chain, each step with its mark, then the warnings."""
    for step in steps:
        print_lines(f"[{step.mark}] {step.name}: {step.says}")
    print_notices(notices)


def _span(found: Interval) -> str:
    return "-" if found.low is None and found.high is None else f"{number(found.low)} to {number(found.high)}"


def shares(found: Interval) -> str:
    """The ends of a share in percent."""
    return "-" if found.low is None and found.high is None else f"{percent(found.low)} to {percent(found.high)}"
