"""`plan --inference-tokens`: the plan over a model's whole life."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from allometry.cli.cost.options import price_of
from allometry.cli.options import notices_json
from allometry.cli.output import number, print_json, print_lines, print_notices, print_table, working
from allometry.costs import Hardware, Price, find_hardware
from allometry.notices import Interval, Refused
from allometry.plans import Deployment, Lifetime, lifetime, percent

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

NOT_KEPT = {"path": None, "new": 0, "why": "plans over a life are not kept in the ledger: no single run scores them"}


def deployment(
    hardware: str | None, serving: str | None, prices: Path | None, prompt: int, generated: int, batch: int
) -> Deployment | None:
    """What money is counted for; None where no device is given."""
    if hardware is None:
        if serving is not None:
            raise Refused("bad-option", "the device that trains is missing", "--serve-hardware", "give --hardware too")
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


def show_lifetime_plan(fit: Any, terms: dict[str, Any], json: bool, **asked: Any) -> None:
    """Make the plan under the terms of a plan of training, and print it."""
    if terms["among"]:
        raise Refused("bad-option", "a plan over a life chooses among all sizes", "--among",
                      "bound the size by --at-most and --at-least, and give further axes by --fix")  # fmt: skip
    with working("planning over the model's life"):
        found = lifetime(fit, **{name: term for name, term in terms.items() if name != "among"}, **asked)
    old = () if asked["money"] is None else asked["money"].old_prices(datetime.date.today())
    if json:
        contents = found.as_json()
        print_json({**contents, "warnings": [*notices_json(found.notices), *notices_json(old)], "ledger": NOT_KEPT})
    else:
        _show(found)
        print_notices(old)


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
    print_table(
        f"over-training for the same {found.metric}; the penalty is what those training FLOPs could lower it by",
        ("tokens per parameter", "parameters", "tokens", "extra training", "interval", "penalty", f"total, {unit}"),
        [(number(rung.ratio), number(rung.size), number(rung.tokens), percent(rung.overhead.value), _shares(rung.overhead),
          f"{rung.penalty:.3g}", number(rung.total)) for rung in found.ladder],
    )  # fmt: skip
    for step in found.steps:
        print_lines(f"[{step.mark}] {step.name}: {step.says}")
    print_notices(found.notices)


def _span(found: Interval) -> str:
    return "-" if found.low is None and found.high is None else f"{number(found.low)} to {number(found.high)}"


def _shares(found: Interval) -> str:
    return "-" if found.low is None and found.high is None else f"{percent(found.low)} to {percent(found.high)}"
