"""`share` and `diff`: a fit handed on, and what changed between two."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from allometry.cli.options import FitName, Json, check_out, open_fit, point, quantities
from allometry.cli.output import number, print_json, print_lines, print_notices, print_table, working
from allometry.expressions import parse_number
from allometry.fits import load_fit, save_fit
from allometry.history import Cause, Diff, Effect, Ledger, Moved, Shared, ledger_path, read_ledger, write_ledger
from allometry.history import diff as diff_of
from allometry.history import share as share_fit
from allometry.notices import Interval, Refused

SHOWN = 12  # causes that a terminal shows; --json has all
COLUMNS = 3  # numbers whose moves stand beside each cause


def share(
    fit: Annotated[Path, typer.Argument(metavar="FIT", help="A saved fit.")],
    out: Annotated[Path, typer.Option(help="The copy to hand on.")],
    with_rows: Annotated[bool, typer.Option("--with-rows/--fingerprint-only", help="The rows, or their number and SHA-256 only.")] = True,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Replace run names, paths and addresses.")] = False,
    ledger: Annotated[bool, typer.Option("--ledger/--no-ledger", help="Copy its ledger as well.")] = True,
    json: Json = False,
) -> None:  # fmt: skip
    """Copy a saved fit to hand it on: with its rows or without, under the runs' own names or none.

    Without rows it still forecasts the curve and plans; it cannot say how far outside the runs that is, nor be tested on
    shorter tables. Numbers and names of columns stay: what is left of your own texts is listed for a look.
    """
    check_out(out)
    if out.exists() and fit.exists() and out.samefile(fit):
        raise Refused("same-file", "the copy would replace the fit itself", "--out", "give the copy another name")
    if ledger_path(out).exists():
        raise Refused("ledger-there", f"{ledger_path(out)} is there already, and the copy would take it for its own",
                      "--out", "give the copy another name, or move that file away")  # fmt: skip
    kept = read_ledger(ledger_path(fit)) if ledger else Ledger()
    found = share_fit(load_fit(fit), kept, with_rows=with_rows, anonymous=anonymous)
    save_fit(found.fit, out)
    written = write_ledger(ledger_path(out), found.ledger) if found.ledger.entries else None
    if json:
        print_json(_share_json(found, out, written))
    else:
        _show_share(found, out, written)


def _share_json(found: Shared, out: Path, ledger: Path | None) -> dict[str, Any]:
    return {
        "out": str(out), "ledger": None if ledger is None else str(ledger), "rows": len(found.fit.rows),
        "rows_used": found.fit.rows.count, "fingerprint": found.fit.rows.fingerprint, "replaced": found.replaced,
        "left": found.left, "complete": True,
    }  # fmt: skip


def _show_share(found: Shared, out: Path, ledger: Path | None) -> None:
    rows = found.fit.rows
    held = f"with its {len(rows)} rows" if len(rows) else f"without its {rows.count} rows: SHA-256 {rows.fingerprint}"
    print_lines(f"written to {out}, {held}" + (f"; its ledger to {ledger}" if ledger else ""))
    if found.replaced:
        counts = [f"{count} {_ONE[kind] if count == 1 else kind}" for kind, count in found.replaced.items() if count]
        print_lines("replaced: " + (", ".join(counts) or "nothing, there was nothing to replace"))
    print_lines(*(f"still in it, {what}: {text}" for what, text in found.left.items()))


_ONE = {"runs": "run name", "texts": "text", "paths": "path", "urls": "address"}


def diff(
    before: FitName, after: FitName,
    at: Annotated[list[str] | None, typer.Option(help="Point of a forecast to compare; repeatable. By default the plan's.")] = None,
    flops: Annotated[str | None, typer.Option(help="Budget of the plan to compare; by default ten times the largest run's.")] = None,
    fix: Annotated[list[str] | None, typer.Option(help="axis=value of the plan; repeatable.")] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Say which rows came or went between two fits of one law, and how far each moved parameters, forecast and plan.

    Rows are told apart by their values. A row's effect is the mean of two refits: it alone added to the first table, and
    it alone left out of the second.
    """
    with working("fitting again with each row in and out"):
        found = diff_of(
            open_fit(before), open_fit(after), at=[point(text) for text in at or ()],
            flops=None if flops is None else parse_number(flops, "--flops"), fixed=quantities(fix, "--fix"),
        )  # fmt: skip
    if json:
        print_json({"fits": [before, after], **found.as_json()})
    else:
        _show_diff(found)


def _show_diff(found: Diff) -> None:
    rows = f"{found.counts[0]} rows before, {found.counts[1]} after"
    if found.rows is not None:
        rows += f": {len(found.rows.common)} in both, {len(found.came)} came, {len(found.went)} went, {len(found.changed)} changed"
    print_lines(rows, *(f"setting: {text}" for text in found.settings))
    short = _short(found)
    moved = {**{f"plan.{name}": item for name, item in found.plan.items()}, **found.forecasts, **found.parameters}
    cells = [(short[name], *_moved(item)) for name, item in moved.items()]
    budget = f"; plan for {number(found.flops)} FLOPs" if found.plan else ""
    print_table(f"what moved; intervals: fit noise only{budget}", ("", "before", "after", "moved", ""), cells)
    print_lines(*(f"{short[name]}: {name}" for name in found.forecasts))
    if all(item.inside for item in moved.values()):
        print_lines("every value lies in its interval before: no move is more than noise")
    if found.causes:
        _show_causes(found, short)
    if found.plan_why:
        print_lines(f"no plan to compare: {found.plan_why}")
    print_lines(*(text for text in dict.fromkeys((found.rows_why, found.causes_why)) if text))
    print_notices(found.notices)


def _short(found: Diff) -> dict[str, str]:
    """Names that fit at the head of a column."""
    planned = {f"plan.{name}": f"plan: {name}" for name in found.plan}
    told = {
        name: "forecast" if len(found.forecasts) == 1 else f"forecast {i}" for i, name in enumerate(found.forecasts, 1)
    }
    return {**planned, **told, **{name: name for name in found.parameters}}


def _moved(moved: Moved) -> tuple[str, ...]:
    change = f"x{moved.factor:.4g}" if moved.factor is not None else number(moved.difference)
    word = "OUTSIDE its interval before" if moved.inside is False else ""
    return _ends(moved.before), _ends(moved.after), change, word or moved.before.why or moved.after.why


def _ends(found: Interval) -> str:
    ends = "" if found.low is None and found.high is None else f" [{number(found.low)}, {number(found.high)}]"
    return number(found.value) + ends


def _show_causes(found: Diff, short: dict[str, str]) -> None:
    names = [name for name in found.causes[0].effects if name != "plan.tokens"][:COLUMNS]
    rows = [cause for cause in found.causes if cause.rows]
    cells = [_cause(cause, names) for cause in rows[:SHOWN]] + [
        _cause(cause, names) for cause in found.causes if not cause.rows
    ]
    print_table(
        "what moved it: each alone added first or left out last, the mean of both",
        ("", "", *(short[n] for n in names)),
        cells,
    )
    if len(rows) > SHOWN:
        print_lines(f"and {len(rows) - SHOWN} more, each with less effect on {short[names[0]]}; --json has all")


def _cause(cause: Cause, names: list[str]) -> tuple[str, ...]:
    what, says = {"settings": ("settings", ""), "together": ("only together", "")}.get(
        cause.what, (cause.what, cause.says)
    )
    if len(cause.rows) == 1 and not cause.rows[0].run:
        says += "".join(f", {name} {number(value)}" for name, value in cause.rows[0].at.items())
    return (what, says, *(_effect(cause.effects[name]) for name in names))


def _effect(effect: Effect) -> str:
    told = effect.told(effect.mean)
    if told is None:
        return "-"
    return f"{told - 1:+.2%}" if effect.logarithmic else f"{told:+.3g}"
