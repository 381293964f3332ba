"""`allometry cost serve --trace records:DIR`: the strategies of a sweep under load, side by side on one deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from allometry.cli.options import notices_json
from allometry.cli.output import number, print_json, print_lines, print_notices, print_table, progress, working
from allometry.costs import Price
from allometry.costs.serving import Deployment, MeasuredSteps, StepTimes
from allometry.costs.serving.grounds import grounds
from allometry.expressions import parse_number
from allometry.inference.serving import (
    PERCENTILES,
    Answered,
    Load,
    Played,
    answer,
    check_rates,
    load_of,
    overload,
    read_recorded,
    rebuilt,
)
from allometry.notices import Interval, Notice, Refused, Step


@dataclass(frozen=True)
class Asked:
    """What is asked of the records in a folder: which strategies on which engine, at which rates."""

    folder: str
    strategies: Sequence[str]
    engine: str | None
    rates: Sequence[float]
    seed: int


@dataclass(frozen=True)
class Report:
    """Rows under load on a deployment, and what is to be said with them."""

    deployment: Deployment
    measured: MeasuredSteps | None
    answered: Sequence[Answered]
    notices: Sequence[Notice]


def serve_questions(
    asked: Asked, deployment_for: Callable[[int], Deployment], measured: MeasuredSteps | None, price: Price | None,
    notices: Sequence[Notice], *, json: bool,
) -> None:  # fmt: skip
    """Every row of the records at every rate on one deployment, which `deployment_for` a longest request finds."""
    with working("reading records"):
        recorded = read_recorded(asked.folder)
        chosen = recorded.chosen(asked.strategies, asked.engine)
    with progress("rebuilding episodes", len(chosen)) as tick:
        loads: list[tuple[Played, Load]] = []
        for played in chosen:
            loads.append((played, load_of(recorded, played)))
            tick(1)
    deployment = deployment_for(max(int((load.trace.prompt + load.trace.generated).max()) for _, load in loads))
    times: StepTimes | None = measured
    with progress("serving the questions", len(loads) * len(asked.rates)) as tick:
        found = []
        for played, load in loads:
            for rate in asked.rates:
                found.append(answer(played.row, load, rate, deployment, times=times, price=price, seed=asked.seed))
                tick(1)
    said = (*(notice for played, load in loads for notice in rebuilt(played.row, load)), *overload(found), *notices)
    report = Report(deployment, measured, found, said)
    if json:
        print_json(questions_json(report))
    else:
        show_questions(report)


def read_rates(rate: str | None) -> list[float]:
    """Rates such as 0.5,1,2.

    Errors: `Refused` where there are none, and for what is no positive number.
    """
    if rate is None:
        raise Refused("no-load", "records hold no times of arrival: each episode has a clock of its own", "--rate",
                      "give questions a second, one or several: --rate 0.5,1,2")  # fmt: skip
    found = [parse_number(text, "--rate") for text in rate.split(",")]
    check_rates(found, "--rate")
    return found


def questions_json(report: Report) -> dict[str, Any]:
    """Seconds, device-hours, and money in the price's currency."""
    return {
        "shape": report.deployment.shape.as_json(),
        "deployment": report.deployment.as_json(),
        "questions": [_row_json(one) for one in report.answered],
        "grounds": [ground.as_json() for ground in _grounds(report)],
        "warnings": notices_json(report.notices),
        "complete": True,
    }


def _row_json(one: Answered) -> dict[str, Any]:
    row, served = one.row, one.served
    latency = {f"p{percent}": one.percentile(percent) for percent in PERCENTILES}
    return {
        "strategy": row.strategy, "engine": row.engine, "budget": row.budget, "unit": row.unit, "scorer": row.scorer,
        "selector": row.selector, "selector_kind": row.selector_kind, "oracle": row.oracle, "rate": one.rate,
        "questions": one.load.questions, "answered": int(one.load.answered.sum()), "left_out": one.load.lost,
        "requests": len(served.trace), "accuracy": _interval(row.accuracy),
        "prompt_tokens": row.meter["prompt_tokens"], "generated_tokens": row.meter["generated_tokens"],
        "latency": {"mean": float(one.latency.mean()) if one.latency.size else None, **latency},
        "throughput": one.throughput, "keeps_up": one.keeps_up, "capacity": one.capacity,
        "load": one.screened.load, "busy": served.busy, "batch": served.batch, "mfu": served.mfu,
        "reused_tokens": served.reused, "preemptions": served.preemptions,
        "spread": {name: _interval(around) for name, around in one.spread.items()},
        "device_hours": one.device_hours, "device_hours_per_correct": _interval(one.per_correct(one.device_hours)),
        "money": one.money, "money_per_correct": _interval(one.per_correct(one.money)),
        "currency": None if one.price is None else one.price.currency,
    }  # fmt: skip


def _interval(found: Interval) -> dict[str, Any]:
    told = {"value": found.value, "low": found.low, "high": found.high}
    return {**told, "why": found.why} if found.why else told


def show_questions(report: Report) -> None:
    """A line for each strategy and rate, and what all of it stands on."""
    d = report.deployment
    first = report.answered[0]
    priced = first.money is not None and first.price is not None
    cost = first.price.currency if priced and first.price is not None else "device-s"
    print_lines(
        f"{d.devices} x {d.hardware.name}: {d.replicas} x (tensor {d.tensor}, pipeline {d.pipeline}), up to "
        f"{d.max_batch} sequences, {d.batch_tokens} tokens, {'chunked' if d.chunked else 'whole'} prompts"
    )
    print_table(
        "strategies under load; below the accuracy its interval over problems, below times and load the spread of the factors",
        ("strategy", "per s", "right", "tokens", "p50 s", "p95 s", "load", f"{cost} each", f"{cost} a right"),
        [_row(one, report, priced) for one in report.answered],
    )  # fmt: skip
    print_lines(
        "per s: questions a second; tokens: generated for a question; load: share of what the deployment can serve; what "
        "a question costs holds the time in which it stands idle",
        *(("oracle: what chose among the samples had seen the answer",) if any(a.row.oracle for a in report.answered) else ()),
    )  # fmt: skip
    for ground in _grounds(report):
        print_lines(f"[{ground.mark}] {ground.name}: {ground.says}")
    print_notices(report.notices)


def _row(one: Answered, report: Report, priced: bool) -> tuple[str, ...]:
    unit = 1.0 if priced else 3600.0
    cost = one.money if priced else one.device_hours
    assert cost is not None
    right = one.per_correct(cost * unit)
    p95 = one.spread.get("latency.p95", Interval(one.percentile(95)))
    return (
        _name(one, report), f"{one.rate:g}", _short(one.row.accuracy), number(one.row.meter["generated_tokens"]),
        f"{one.percentile(50) or 0:.3g}", _short(p95), _short(one.spread.get("load", Interval(one.screened.load))),
        f"{cost * unit:.3g}", _short(right),
    )  # fmt: skip


def _short(found: Interval) -> str:
    """To three digits, the interval below: a row holds four."""
    if found.value is None:
        return "-"
    ends = ["-" if end is None else f"{end:.3g}" for end in (found.low, found.high)]
    return f"{found.value:.3g}" if ends == ["-", "-"] else f"{found.value:.3g}\n{ends[0]} to {ends[1]}"


def _name(one: Answered, report: Report) -> str:
    """The strategy, with what tells its row from others: the budget, the scorer; and whether it saw the answer."""
    rows = [other.row for other in report.answered]
    parts = [one.row.strategy]
    if len({(row.budget, row.unit) for row in rows}) > 1:
        parts.append(f"{one.row.unit}={one.row.budget:g}" if one.row.unit else "no budget")
    if len({row.scorer for row in rows}) > 1:
        parts.append(f"by {one.row.scorer}")
    return ", ".join([*parts, *(["oracle"] if one.row.oracle else [])])


def _grounds(report: Report) -> Iterable[Step]:
    yield from grounds(report.deployment, report.measured)
    yield Step("tokens and accuracy", "those of the sweep's records: the same samples, whatever the load", "measured")
    yield Step("waits", "what of an episode waited for what is rebuilt from its call tree and the order of its times; "
                 "questions come by chance (Poisson), each once", "assumed")  # fmt: skip
    yield Step("prefixes", "samples of a prompt share it, and the first that goes on from an answer reuses it while it is "
                 "in the cache; other branches compute it anew", "assumed")  # fmt: skip
    if any(np.any(one.load.tail + one.load.lead > 0) or np.any(one.load.trace.think > 0) for one in report.answered):
        yield Step(
            "others", "other engines and tools take as long as they took when the sweep was recorded", "measured"
        )
