"""`allometry data mix`: the shares of training domains with the least validation loss."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from allometry.cli.options import Json, Level, Seed, Starts, Where, check_page, level_of, quantities
from allometry.cli.output import number, print_json, print_lines, print_notices, print_table, progress
from allometry.data.mixtures import Mixture, best_mixture, read_mixtures
from allometry.data.mixtures.best import WITHIN
from allometry.data.mixtures.pairs import read_transfer
from allometry.fits import Settings
from allometry.notices import Interval


def mix(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Trained mixtures: a column of shares for each training domain, and validation losses.")],
    shares: Annotated[str | None, typer.Option(help="Columns of shares, a,b,...; by default all that begin with share_.")] = None,
    losses: Annotated[str | None, typer.Option(help="Columns of losses, one a validation domain; by default all that begin with loss_, else loss.")] = None,
    by: Annotated[str | None, typer.Option(help="Column that names the validation domain, where each has rows of its own.")] = None,
    weigh: Annotated[list[str] | None, typer.Option(help="domain=weight of a validation loss, 0 to leave it out; repeatable; 1 for those not named.")] = None,
    law: Annotated[str | None, typer.Option(help="Law over the shares, by default data_mixing.")] = None,
    at: Annotated[list[str] | None, typer.Option(help="axis=value of a further axis of the law, such as params=1e9; repeatable.")] = None,
    transfer: Annotated[str | None, typer.Option(help="Table of pairs (columns target, helper, transfer), for a law with synergy.")] = None,
    now: Annotated[list[str] | None, typer.Option(help="domain=share of the mixture to compare with; repeatable; by default the best one tried.")] = None,
    within: Annotated[list[float] | None, typer.Option(help="Excess loss that near-optimal mixtures may have, e.g. 0.001; repeatable.")] = None,
    take_edge: Annotated[bool, typer.Option("--take-edge", help="Give the best of what was tried also where it lies at the edge.")] = False,
    figure: Annotated[Path | None, typer.Option(help="Page to draw what each share costs: .html.")] = None,
    bootstrap: Annotated[int, typer.Option(help="Resamples of the mixtures; 0 for none.", min=0)] = 1000,
    where: Where = None, level: Level = None, starts: Starts = None, seed: Seed = 0, json: Json = False,
) -> None:  # fmt: skip
    """Which mixture to train on: least weighted validation loss, its interval, and every share that is nearly as good.

    Train small runs that differ in their mixture alone, all of one size and length.
    """
    settings = Settings(bootstrap=bootstrap, starts=starts, seed=seed, level=level_of(level, 0.9))
    check_page(figure)
    held = quantities(at, "--at")
    mixed = read_mixtures(table, shares=_names(shares), losses=_names(losses), by=by, axes=tuple(held), where=where)
    with progress("validation domains", len(mixed.measured)) as tick:
        found = best_mixture(
            mixed, law=law, weights=quantities(weigh, "--weigh") or None, at=held, now=quantities(now, "--now") or None,
            transfer=None if transfer is None else read_transfer(transfer, mixed.domains),
            within=within or WITHIN, take_edge=take_edge, settings=settings, tick=tick,
        )  # fmt: skip
    if figure is not None:
        from allometry.reports.mixtures import write_mixture_page

        write_mixture_page(found, figure)
    if json:
        print_json({**found.as_json(), "figure": None if figure is None else str(figure)})
    else:
        _show(found, figure)


def _names(text: str | None) -> tuple[str, ...]:
    return () if text is None else tuple(name.strip() for name in text.split(","))


def _show(found: Mixture, figure: Path | None) -> None:
    regions = [f"within {one.within:.2%}" for one in found.near]
    columns = ("domain", found.base_is, "best", f"{found.level:.0%} interval", *regions, "tried")
    print_table(f"mixture of least loss, by {found.law} on {found.mixture_count} mixtures", columns, [
        (name, _share(found.base[name]), _share(told.value), _span(told), *(_span(one.shares[name]) for one in found.near),
         f"{_share(found.tried[name][0])} to {_share(found.tried[name][1])}")
        for name, told in found.shares.items()
    ])  # fmt: skip
    rows = [
        ("weighted", "1", *_cells(found.loss)),
        *((n, f"{found.weights[n]:.3g}", *_cells(told)) for n, told in found.losses.items()),
    ]
    print_table("loss at the best mixture", ("validation", "weight", "loss", "low", "high"), rows)
    print_lines(f"below {found.base_is} by {number(found.gain.value)} {_ends(found.gain)}".rstrip())
    print_lines(*(f"[{step.mark}] {step.name}: {step.says}" for step in found.steps))
    print_lines(*dict.fromkeys(told.why for told in found.shares.values() if told.why))
    print_notices(found.notices)
    if figure is not None:
        print_lines(f"drawn in {figure}")


def _share(value: float | None) -> str:
    return "-" if value is None or not np.isfinite(value) else f"{value:.1%}"


def _span(found: Interval) -> str:
    if found.low is None and found.high is None:
        return "-"
    return f"{'edge' if found.low is None else _share(found.low)} to {'edge' if found.high is None else _share(found.high)}"


def _cells(found: Interval) -> tuple[str, str, str]:
    return number(found.value), number(found.low), number(found.high)


def _ends(found: Interval) -> str:
    return "" if found.low is None and found.high is None else f"[{number(found.low)}, {number(found.high)}]"
