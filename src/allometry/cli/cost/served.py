"""What `allometry cost serve` says: as JSON, as tables, and the requests as a CSV."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from allometry.cli.cost.options import span
from allometry.cli.options import notices_json
from allometry.cli.output import number, print_lines, print_notices, print_table
from allometry.costs.serving import Goals, MeasuredSteps, Plan, Ranking, Served, Space, Spread, Trace
from allometry.costs.serving.grounds import grounds
from allometry.notices import Interval, Notice

NO_GOAL = "no goal is given: give --ttft, --tpot or both"


@dataclass(frozen=True)
class Report:
    """A ranking and what is to be said with it."""

    load: Trace
    goals: Goals
    ranking: Ranking
    space: Space
    spread: Mapping[str, Interval]
    cautious: tuple[Plan, Interval] | None
    measured: MeasuredSteps | None
    notices: tuple[Notice, ...]
    show: int


def serve_json(report: Report) -> dict[str, Any]:
    """What `cost serve --json` says: seconds, tokens, and money in the price's currency."""
    best = report.ranking.best
    plan = plan_json(best)
    return {
        "shape": best.deployment.shape.as_json(),
        "load": _load(report.load),
        "goals": {"ttft": report.goals.ttft, "tpot": report.goals.tpot, "attain": report.goals.attain, "rank": report.goals.rank},
        **{name: plan[name] for name in ("throughput", "requests_per_second", "ttft", "tpot", "latency", "attainment")},
        **({"why": NO_GOAL} if best.attainment is None else {}),
        "jobs": None if best.served is None or not _has_jobs(report.load) else _spread(best.served.job_latency),
        "spread": {name: {"value": i.value, "low": i.low, "high": i.high, **({"why": i.why} if i.why else {})} for name, i in report.spread.items()},
        "plan": plan,
        "cautious": None if report.cautious is None else plan_json(report.cautious[0]),
        "plans": [plan_json(each) for each in report.ranking.plans[: report.show]],
        "screened": len(report.space.deployments),
        "simulated": report.ranking.simulated,
        "unfit": report.space.unfit,
        "grounds": [ground.as_json() for ground in grounds(best.deployment, report.measured)],
        "warnings": notices_json(report.notices),
        "complete": True,
    }  # fmt: skip


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan; what only a simulation tells is null where there was none, and latencies are then means alone."""
    served, screened = plan.served, plan.screened
    found: dict[str, Any] = {
        **plan.deployment.as_json(), "simulated": served is not None, "meets": plan.meets,
        "load": screened.load, "device_seconds_per_token": plan.device_seconds_per_token,
        "joules_per_token": plan.joules_per_token, "money_per_hour": plan.money_per_hour,
        "money_per_million_generated": plan.money_per_million, "attainment": plan.attainment,
    }  # fmt: skip
    if served is None:
        means = {name: {"mean": getattr(screened, name), "p50": None, "p90": None, "p95": None, "p99": None}
                 for name in ("ttft", "tpot", "latency")}  # fmt: skip
        return {
            **found,
            "throughput": screened.throughput,
            "requests_per_second": None,
            **means,
            "batch": screened.batch,
        }
    return {
        **found, "throughput": served.throughput, "requests_per_second": served.request_rate,
        **{name: _spread(getattr(served, name)) for name in ("ttft", "tpot", "latency")},
        "batch": served.batch, "busy": served.busy, "peak_cache": served.peak_cache, "mfu": served.mfu,
        "preemptions": served.preemptions, "reused_tokens": served.reused, "seconds": served.seconds,
    }  # fmt: skip


def _spread(values: np.ndarray) -> dict[str, float | None]:
    found = Spread.of(values)
    return dict.fromkeys(("mean", "p50", "p90", "p95", "p99")) if found is None else asdict(found)


def _load(trace: Trace) -> dict[str, Any]:
    return {
        "requests": len(trace), "seconds": trace.span, "rate": trace.rate,
        "prompt": float(trace.prompt.mean()), "generated": float(trace.generated.mean()),
        "jobs": len(np.unique(trace.job)),
    }  # fmt: skip


def _has_jobs(trace: Trace) -> bool:
    return len(np.unique(trace.job)) < len(trace)


def show_serve(report: Report) -> None:
    """The best plan, its figures with their spread, the plans beside it, and what all of it stands on."""
    best, load = report.ranking.best, report.load
    arriving = "all at once" if np.isinf(load.rate) else f"{load.rate:.3g} a second"
    print_lines(
        f"{len(load)} requests, {arriving}: {load.prompt.mean():.0f} prompt and {load.generated.mean():.0f} generated "
        "tokens on average",
        f"deployments screened in closed form: {len(report.space.deployments)} (splits that do not fit: {report.space.unfit}), "
        f"front-runners simulated: {report.ranking.simulated}",
    )
    print_table(
        f"best by {report.goals.rank}: {plan_text(best)}",
        ("", "value [spread of the factors]"),
        _figures(report),
        prose=True,
    )
    print_table("plans, best first; p50 / p95 in milliseconds, or (mean of the steady state) where not simulated",
                ("devices", "split", "limits", "load", "TTFT", "TPOT", "in goal", _cost_head(report)),
                [_row(plan, report) for plan in report.ranking.plans[: report.show]])  # fmt: skip
    print_lines(
        "split: replicas x tensor x pipeline; limits: sequences / tokens of an iteration, w with whole prompts",
        *_caution(report),
    )
    for ground in grounds(best.deployment, report.measured):
        print_lines(f"[{ground.mark}] {ground.name}: {ground.says}")
    print_notices(report.notices)


def plan_text(plan: Plan) -> str:
    d = plan.deployment
    prompts = "chunked prompts" if d.chunked else "whole prompts"
    return (f"{d.devices} x {d.hardware.name}: {d.replicas} x (tensor {d.tensor}, pipeline {d.pipeline}), up to "
            f"{d.max_batch} sequences, {d.batch_tokens} tokens, {prompts}")  # fmt: skip


def _figures(report: Report) -> list[tuple[str, str]]:
    best = report.ranking.best
    served, spread = best.served, report.spread
    assert served is not None

    def cell(name: str, value: float | None) -> str:
        # the spread is of the first requests of a long trace: its ends are carried over as shares of its middle
        found = spread.get(name)
        if value is None or found is None or not found.value or found.low is None or found.high is None:
            return number(value)
        share = 1.0 if name == "attainment" else value / found.value
        return span(Interval(value, found.low * share, found.high * share))

    rows = [("generated tokens a second", cell("throughput", served.throughput))]
    for name, title in (
        ("ttft", "to the first token"),
        ("tpot", "per token after it"),
        ("latency", "to the last token"),
    ):
        found = Spread.of(getattr(served, name))
        for percent in (50, 95):
            value = None if found is None else getattr(found, f"p{percent}")
            rows.append((f"seconds {title}, p{percent}", cell(f"{name}.p{percent}", value)))
    if best.attainment is not None:
        rows.append((f"share of requests within {_goal(report.goals)}", cell("attainment", best.attainment)))
    if _has_jobs(report.load):
        jobs = Spread.of(served.job_latency)
        rows.append(("seconds of a job, p95", number(jobs.p95 if jobs else None)))
    rows.append(
        ("load, share of what it can serve", span(spread["load"]) if "load" in spread else number(best.screened.load))
    )
    rows.append(("mean batch, most of the cache", f"{served.batch:.1f}, {served.peak_cache:.0%}"))
    rows.append(("preemptions", str(served.preemptions)))
    rows.append(("share of peak FLOP/s (MFU)", f"{served.mfu:.1%}"))
    if best.joules_per_token is not None:
        rows.append(("joules per generated token, at full power", _per_token(report, best.joules_per_token)))
    currency = f", {best.price.currency}" if best.price else ""
    price = "- (no price of an hour is known: give one in a file)"
    money = price if best.money_per_million is None else _per_token(report, best.money_per_million)
    rows.append((f"money{currency} a million generated tokens", money))
    return rows


def _per_token(report: Report, value: float) -> str:
    """What a token takes, with the spread of the tokens that come of the same devices' time."""
    rate = report.spread.get("throughput")
    if rate is None or not rate.value or not rate.low or not rate.high:
        return number(value)
    return span(Interval(value, value * rate.value / rate.high, value * rate.value / rate.low))


def _goal(goals: Goals) -> str:
    texts = [f"{name.upper()} {value:g} s" for name, value in (("ttft", goals.ttft), ("tpot", goals.tpot)) if value]
    return " and ".join(texts)


def _cost_head(report: Report) -> str:
    return "money/M" if _priced(report) else "dev-s/tok"


def _priced(report: Report) -> bool:
    return all(plan.money_per_million is not None for plan in report.ranking.plans[: report.show])


def _row(plan: Plan, report: Report) -> tuple[str, ...]:
    d = plan.deployment
    load = "-" if np.isinf(plan.screened.load) else f"{plan.screened.load:.0%}"
    attained = "-" if plan.attainment is None else f"{plan.attainment:.1%}"
    cost = plan.money_per_million if _priced(report) else plan.device_seconds_per_token
    return (
        f"{d.devices} {d.hardware.name}", f"{d.replicas}x{d.tensor}x{d.pipeline}",
        f"{d.max_batch}/{d.batch_tokens}{'' if d.chunked else 'w'}", load,
        _milliseconds(plan, "ttft"), _milliseconds(plan, "tpot"), attained, f"{cost:.3g}",
    )  # fmt: skip


def _milliseconds(plan: Plan, name: str) -> str:
    if plan.served is None:
        return f"({1e3 * getattr(plan.screened, name):.3g})"
    found = Spread.of(getattr(plan.served, name))
    return "-" if found is None else f"{1e3 * found.p50:.3g} / {1e3 * found.p95:.3g}"


def _caution(report: Report) -> tuple[str, ...]:
    """What the spread of the factors makes of the best plan, and the plan that keeps up even so."""
    load = report.spread.get("load")
    if load is None or load.high is None or load.high < 1:
        return ()
    said = f"by the spread of the factors the best plan may be asked for {load.high:.2g} times what it can serve"
    if report.cautious is None:
        return (f"{said}; no plan on these devices keeps up for certain: calibrate (allometry cost calibrate)",)
    plan, upper = report.cautious
    return (
        f"{said}; the first plan that keeps up even so ({upper.high:.0%}): {plan_text(plan)}; calibrating tells which is needed",
    )


def write_requests(served: Served, path: Path) -> None:
    """When each request was ready, got its first token and its last; whole or not at all."""
    columns = {"arrival": served.trace.arrival, "prompt": served.trace.prompt, "generated": served.trace.generated,
               "ready": served.ready, "first": served.first, "finish": served.finish}  # fmt: skip
    part = path.with_name(f".{path.name}.part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
    os.replace(part, path)
