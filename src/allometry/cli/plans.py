"""`forecast`, `plan` and `isoflop`: what a fit says about runs not yet made."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import typer

from allometry.cli import lifetimes
from allometry.cli.cost.options import Prices
from allometry.cli.joint_plans import is_joint, show_joint_plan
from allometry.cli.options import (
    Among,
    AtLeast,
    AtMost,
    Convention,
    FitName,
    Fix,
    Json,
    Level,
    Map,
    MapFile,
    PlanFlops,
    PlanLoss,
    RowsRule,
    Seed,
    Table,
    Where,
    level_of,
    lists,
    open_fit,
    point,
    quantities,
    read_table,
)  # fmt: skip
from allometry.cli.output import interval_cells, number, print_json, print_lines, print_notices, print_table, working
from allometry.cli.prices import show_limits, show_prices
from allometry.cli.recording import Record, record, show_recorded
from allometry.costs import size_axis
from allometry.expressions import parse_number
from allometry.forecasts import Forecast, Of, Through, forecast_through
from allometry.forecasts import forecast as forecast_at
from allometry.history import say_forecasts, say_plan
from allometry.notices import Interval, Refused
from allometry.plans import IsoFlop, Plan, together
from allometry.plans import isoflop as isoflop_of
from allometry.plans import plan as plan_of
from allometry.runs import STEP, is_schedule_axis, is_schedule_piece, read_runs
from allometry.runs import read_table as read_points


def forecast(
    fit: FitName,
    at: Annotated[list[str] | None, typer.Option(help="Point, e.g. 'params=7e9 tokens=2e12'; repeatable.")] = None,
    points: Annotated[str | None, typer.Option(help="Table with a column for each axis.")] = None,
    what: Annotated[str, typer.Option("--for", help="mean or new-run.")] = "mean",
    then: Annotated[str | None, typer.Option(metavar="FIT", help="A second fit, or LAW@KEY, whose one axis is this one's metric.")] = None,
    level: Level = None, seed: Seed = 0, keep: Record = True, json: Json = False,
) -> None:  # fmt: skip
    """Forecast the metric at points, with intervals and how far outside the runs they are.

    What is said of a saved fit is kept in the ledger beside it, FIT.ledger.jsonl, so that allometry check can score it.
    """
    wanted: Of | None = "mean" if what == "mean" else "new-run" if what == "new-run" else None
    if wanted is None:
        raise Refused("bad-option", f"{what!r} is neither mean nor new-run", "--for", "choose one of the two")
    found = open_fit(fit)
    asked = [point(text) for text in at or ()] + (_rows(points, found.law.axes) if points else [])
    if not asked:
        raise Refused(
            "no-points", "no point was given", "forecast", "add --at 'params=7e9 tokens=2e12' or --points TABLE"
        )
    wide = level_of(level, found.settings.level)
    last = None if then is None else open_fit(then)
    results: tuple[Forecast, ...] = (
        forecast_at(found, asked, of=wanted, level=wide, seed=seed) if last is None
        else forecast_through(found, last, asked, of=wanted, level=wide, seed=seed)
    )  # fmt: skip
    kept = record(
        fit, keep, len(asked), lambda now: say_forecasts(found, results, now, then=last, level=wide, seed=seed)
    )
    if json:
        print_json(
            {
                "law": found.law.name,
                "forecasts": [f.as_json() for f in results],
                "interval": results[0].interval,
                "ledger": kept.as_json(),
                "complete": True,
            }
        )
    else:
        show_forecasts(results)
        show_recorded(kept)


def _rows(path: str, axes: tuple[str, ...]) -> list[dict[str, float]]:
    table = read_points(path)
    if any(is_schedule_axis(name) and name not in table.columns for name in axes):
        return _rows_of_schedule(path, axes)
    missing = [name for name in axes if name not in table.columns]
    if missing:
        raise Refused("missing-axis", f"the points have no column {missing[0]!r}", path, f"give {', '.join(axes)}")
    try:
        columns = [np.asarray(table.columns[name], dtype=float) for name in axes]
    except ValueError:
        raise Refused("not-numbers", "a column of the points holds text", path, "give plain numbers") from None
    return [dict(zip(axes, map(float, row), strict=True)) for row in zip(*columns, strict=True)]


def _rows_of_schedule(path: str, axes: tuple[str, ...]) -> list[dict[str, float]]:
    """Points of a table that holds whole schedules: step and rate of every row, and the run of each.

    A row at step 0 is no point: nothing is trained there.
    """
    columns = read_runs(path, rows="all", where=f"{STEP} > 0").with_schedules(axes).columns
    return [dict(zip(axes, map(float, row), strict=True)) for row in zip(*(columns[a] for a in axes), strict=True)]


def show_forecasts(results: tuple[Forecast, ...]) -> None:
    """Forecasts as a table and a sentence each on how far outside the runs they are."""
    first = results[0]
    shown = [name for name in first.at if not is_schedule_piece(name)]
    cells = [
        (*(number(f.at[name]) for name in shown), number(f.result.value), _span(f.fit_noise), _span(f.calibrated),
         f.result.why or f.calibrated.why)
        for f in results
    ]  # fmt: skip
    print_table(f"{first.metric} ({first.of}), {first.provenance}; interval used: {first.interval}",
                (*shown, first.metric, "fit noise only", "calibrated", ""), cells)  # fmt: skip
    for found in results:
        if isinstance(found, Through):
            low, high = number(found.through.result.low), number(found.through.result.high)
            print_lines(
                f"through {found.through.metric} {number(found.through.result.value)} ({low} to {high}), {found.through.extrapolation.sentence}"
            )
        print_lines(found.extrapolation.sentence)


def _span(found: Interval) -> str:
    return "-" if found.low is None and found.high is None else f"{number(found.low)} to {number(found.high)}"


def plan(
    fit: FitName,
    flops: PlanFlops = None, loss: PlanLoss = None, fix: Fix = None, at_most: AtMost = None, at_least: AtLeast = None, among: Among = None,
    vocab: Annotated[int | None, typer.Option(help="Vocabulary of the decoder to build.", min=1)] = None,
    inference_tokens: Annotated[str | None, typer.Option("--inference-tokens", help="Tokens read and written over the model's life, e.g. 2T: least cost of training and serving together.")] = None,
    hardware: lifetimes.TrainHardware = None, serve_hardware: lifetimes.ServeHardware = None, prices: Prices = None,
    prompt: lifetimes.Prompt = 512, generated: lifetimes.Generated = 256, serve_batch: lifetimes.ServeBatch = 32,
    then: Annotated[str | None, typer.Option(metavar="FIT", help="With --inference-tokens: a second fit, or LAW@KEY, with this one's metric among its axes (coverage over loss and samples), or of leverage (moe_leverage@ling).")] = None,
    accuracy: Annotated[float | None, typer.Option(help="With --inference-tokens: the accuracy or coverage to reach, where the law is of one.")] = None,
    level: Level = None, keep: Record = True, json: Json = False,
) -> None:  # fmt: skip
    """Plan the compute-optimal model for a budget, or the least budget for a loss.

    Each limit given (--fix, --at-most, --at-least, --among) is priced: the loss and the share of the compute
    that it costs. The price of being wrong is the loss above the best where a draw of the fit is the truth;
    the point of least expected price is recommended beside the plain optimum. What is said of a saved fit is kept in
    the ledger beside it, FIT.ledger.jsonl, so that allometry check can score it.

    With --inference-tokens: the size and tokens that reach --loss, or the loss that --flops of training buy at best, at
    the least cost of training and serving together, and what that saves against the size of least training and against
    20 tokens per parameter. With --hardware it is the least money, by rooflines of built models and the price of an hour.
    Where the law has further axes with a known cost (streams, loops, vocabulary, experts, samples, generated tokens),
    --among lists their values, and the cheapest is chosen together with size and tokens.
    """
    found, asked = open_fit(fit), asked_plan(flops, loss, fix, at_most, at_least, among)
    wide = None if level is None else level_of(level, found.settings.level)
    if inference_tokens is not None:
        money = lifetimes.deployment(hardware, serve_hardware, prices, prompt, generated, serve_batch)
        served = parse_number(inference_tokens, "--inference-tokens")
        source, found = found, found if then is None else together(found, open_fit(then))
        if then is not None or accuracy is not None or is_joint(found, asked):
            show_joint_plan(found, source, asked, json, accuracy, fit, keep, inference_tokens=served, prompt=prompt,
                            generated=generated, level=wide, money=money)  # fmt: skip
        else:
            lifetimes.show_lifetime_plan(
                found, asked, json, fit, keep, inference_tokens=served, vocab=vocab, level=wide, money=money
            )
        return
    if then is not None or accuracy is not None:
        raise Refused("bad-option", "a second fit and an accuracy belong to plans over a model's life", "--then, --accuracy",
                      "give --inference-tokens too (0 for a model that is never served)")  # fmt: skip
    if hardware is not None or serve_hardware is not None or prices is not None:
        raise Refused("bad-option", "money is counted over a model's life alone", "--hardware, --prices",
                      "give --inference-tokens too, or ask allometry cost train")  # fmt: skip
    with working("planning, and planning again from shorter tables"):
        result = plan_of(found, vocab=vocab, level=wide, **asked)
    kept = record(fit, keep, 1, lambda now: say_plan(found, result, now))
    if json:
        print_json({**result.as_json(), "ledger": kept.as_json()})
    else:
        show_plan(result)
        show_recorded(kept)


def asked_plan(
    flops: str | None, loss: str | None, fix: list[str] | None, at_most: list[str] | None, at_least: list[str] | None,
    among: list[str] | None,
) -> dict[str, Any]:  # fmt: skip
    """What `plans.plan` takes of these options."""
    return {
        "flops": None if flops is None else parse_number(flops, "--flops"),
        "loss": None if loss is None else parse_number(loss, "--loss"),
        "fixed": quantities(fix, "--fix"), "at_most": quantities(at_most, "--at-most"),
        "at_least": quantities(at_least, "--at-least"), "among": lists(among, "--among"),
    }  # fmt: skip


def show_plan(result: Plan) -> None:
    """The plan, its near-optimal regions, its steps and what to doubt."""
    wide = {} if result.calibration is None else result.calibration.at
    cells = [(name, number(found.value), _span(found), _span(wide.get(name, Interval(None))), found.why)
             for name, found in result.at.items()]  # fmt: skip
    cells.append(
        (result.metric, number(result.loss.value), _span(result.loss), _span(result.loss_calibrated), result.loss.why)
    )
    print_table(
        f"plan by {result.law}, {result.provenance}; {result.level:.0%} intervals"
        + ("; decide by the calibrated" if wide else ""),
        ("", "value", result.interval, "calibrated", ""),
        cells,
    )
    for region in result.near_optimal:
        spans = ", ".join(f"{name} {number(span.low)} to {number(span.high)}" for name, span in region.axes.items())
        print_lines(f"within {region.within:.1%} of the best {result.metric}: {spans}")
    show_prices(result)
    show_limits(result)
    for step in result.steps:
        print_lines(f"[{step.mark}] {step.name}: {step.says}")
    print_notices(result.notices)


def isoflop(
    table: Table,
    flops: Annotated[str | None, typer.Option(help="Budget to extrapolate to.")] = None,
    map: Map = None, map_file: MapFile = None, where: Where = None, rows: RowsRule = None, convention: Convention = None,
    target: Annotated[str, typer.Option(help="Loss column.")] = "loss",
    bootstrap: Annotated[int, typer.Option(help="Resamples; 0 for none.", min=0)] = 1000,
    level: Level = None, seed: Seed = 0, json: Json = False,
) -> None:  # fmt: skip
    """Read the optimum of each budget off parabolas, and extrapolate the frontier."""
    runs = read_table(table, map, map_file, where, rows, convention)
    size = size_axis(runs.columns) or "params"
    names = [size, "tokens", *(["flops"] if "flops" in runs.columns else [])]
    selected = runs.rows_for(names, target, cluster="none")
    budget = None if flops is None else parse_number(flops, "--flops")
    result = isoflop_of(selected, budget, level=level_of(level, 0.9), bootstrap=bootstrap, seed=seed)
    if json:
        print_json(result.as_json())
    else:
        _show_isoflop(result)


def _show_isoflop(result: IsoFlop) -> None:
    cells = [
        (number(b.flops), str(b.runs), "yes" if b.convex else "no", *interval_cells(b.tokens)) for b in result.budgets
    ]
    print_table(
        f"optimum of each budget; intervals: {result.interval}",
        ("FLOPs", "runs", "convex", "tokens", "low", "high", ""),
        cells,
    )
    found = [("exponent of tokens", result.exponent_tokens), *result.plan.items()]
    print_table("frontier" if result.flops is None else f"frontier at {number(result.flops)} FLOPs", ("", "value", "low", "high", ""),
                [(name, *interval_cells(interval)) for name, interval in found])  # fmt: skip
    print_notices(result.notices)
