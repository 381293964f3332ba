"""`allometry data sample`: right answers for training, as many a query as its difficulty asks for."""

from __future__ import annotations

import json as texts
from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer

from allometry.axes import nearest_names
from allometry.cli.data._targets import Asked, Planned, by_table, plan_targets
from allometry.cli.options import Json, Level, Seed, check_out, level_of
from allometry.cli.output import number, print_json, print_lines, print_table, progress
from allometry.cli.sweeping.options import (
    AllowCode,
    Difficulty,
    GraderText,
    KeepText,
    Problems,
    Read,
    RecordsFolder,
    RedactHook,
    limit_of,
    open_records,
)
from allometry.cli.sweeping.posing import Posed, pose
from allometry.data.sampling.rejection import (
    RULES,
    Query,
    Sampled,
    Sampling,
    draw_to_targets,
)
from allometry.data.sampling.rejection.drawing import TEMPERATURE
from allometry.inference.calls import Ledger
from allometry.inference.engines import find_engine
from allometry.notices import Interval, Refused

PILOT = 8
_EXAMPLE = "allometry data sample countdown --engine embedded:strong"


def sample(
    task: Annotated[str | None, typer.Argument(metavar="[TASK]", help="countdown, chain, lookup or horizon; simulated, for a simulator; or a file of JSON lines with prompt or messages, and answer. Left out: a forecast by --rates alone.")] = None,
    engine: Annotated[str | None, typer.Option(help="The model that is sampled: embedded, embedded:weak, openai:URL#MODEL, records:DIR, simulator:FILE.")] = None,
    rule: Annotated[str, typer.Option(help="uniform: alike for all queries; prop2diff: in proportion to the fail rate.")] = "prop2diff",
    correct: Annotated[int, typer.Option(help="Right answers of a query (uniform), or of the hardest one (prop2diff).", min=1)] = 4,
    cap: Annotated[int, typer.Option(help="The most trials of a query.", min=1)] = 64,
    first: Annotated[int, typer.Option("--pilot", help="Trials of each query that its pass rate is measured by; they count.", min=1)] = PILOT,
    rates: Annotated[str | None, typer.Option(help="Table of graded samples, in place of a pilot: columns problem and correct, one row a sample, or with --trials one row a query.")] = None,
    trials: Annotated[str | None, typer.Option(help="Column of --rates: how many samples a row counts.")] = None,
    problems: Problems = None, difficulty: Difficulty = None, grader: GraderText = None, read: Read = None,
    tokens: Annotated[int | None, typer.Option(help="The most tokens of an answer.", min=1)] = None,
    temperature: Annotated[float, typer.Option(min=0.0)] = TEMPERATURE,
    limit: Annotated[str | None, typer.Option(help="For everything, such as money=200: no call is made that may exceed it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask nothing: the forecast by --rates.")] = False,
    records: RecordsFolder = None, keep: KeepText = "text", redact: RedactHook = None, allow_code: AllowCode = False,
    out: Annotated[Path | None, typer.Option(help="File of the right answers to write, JSON lines.")] = None,
    level: Level = None, seed: Seed = 0, json: Json = False,
) -> None:  # fmt: skip
    """Draw right answers of a model to train on, more of what is hard, and say beforehand what that will take.

    Rejection sampling with the same trials for every query gives mostly easy ones. Here each query has a target of
    right answers and is sampled until it has them, or its cap is met. Stopped and started again with the same
    --records it goes on, and asks for no answer twice.
    """
    asked = Asked(_rule(rule), correct, cap, level_of(level, 0.9), seed)
    if out is not None:
        check_out(out)
    if task is None or engine is None or dry_run:
        if rates is None:
            raise Refused("no-rates", "without --rates nothing is known of how hard the queries are", "data sample",
                          f"give a table by --rates, or sample: {_EXAMPLE}")  # fmt: skip
        _say(asked, by_table(rates, trials, asked), None, None, json=json)
        return
    posed = pose(task, problems, difficulty, grader, read, allow_code=allow_code)
    if posed.scorer is None:
        raise Refused("no-scorer", "nothing says which answers are right", "--grader", "give one, such as exact")
    ledger = Ledger(limit_of(limit))
    with open_records(records, keep, redact) as kept:
        how = Sampling(find_engine(engine), posed.scorer, kept, seed, temperature, tokens, ledger)
        planned, short = plan_targets(posed, how, rates, trials, min(first, cap), asked)
        found = short or _draw(posed, planned, how, asked)
    written = None if out is None else _write(found, out)
    _say(asked, planned, replace(found, paid=ledger.spent), written, json=json)


def _rule(rule: str) -> str:
    if rule not in RULES:
        near = ", ".join(nearest_names(rule, RULES))
        raise Refused("unknown-rule", f"no rule is called {rule!r}", "--rule", f"the nearest are {near}")
    return rule


def _draw(posed: Posed, planned: Planned, how: Sampling, asked: Asked) -> Sampled:
    with progress("queries", len(posed.problems)) as tick:
        return draw_to_targets(posed.problems, planned.targets.tolist(), asked.cap, how, tick)


def _write(found: Sampled, out: Path) -> str:
    """The right answers as JSON lines, all or none."""
    from allometry.reports.writing import write_whole

    lines = [texts.dumps(line, ensure_ascii=False) for query in found.queries for line in _lines(query)]
    return str(write_whole(out, "".join(f"{line}\n" for line in lines).encode(), "the right answers"))


def _lines(query: Query) -> list[Mapping[str, Any]]:
    prompt = query.problem.prompt
    asked = {"prompt": prompt} if isinstance(prompt, str) else {"messages": [dict(message) for message in prompt]}
    return [
        {"id": query.problem.id, **asked, "response": one.content, **({"reasoning": one.reasoning} if one.reasoning else {}),
         "trial": trial, "tokens": one.usage.generated}
        for trial, one in list(zip(query.numbers, query.right, strict=True))[: query.target]
    ]  # fmt: skip


def _say(asked: Asked, planned: Planned, found: Sampled | None, out: str | None, *, json: bool) -> None:
    told = planned.forecast
    each = (told.trials.value or 0) / len(planned.names)
    plain = planned.spread_evenly(each, asked)
    beside = {
        "trials_each": each, "right": float(plain.right.sum()), "covered": float(plain.covered.mean()),
        "difficulty": plain.difficulty,
    }  # fmt: skip
    if json:
        print_json({
            "rule": asked.rule, "correct": asked.correct, "cap": asked.cap, "level": asked.level, "queries": len(planned.names),
            "wanted": int(planned.targets.sum()), "difficulty": told.difficulty, "rates": told.mark,
            "forecast": {name: _ends(getattr(told, name)) for name in ("trials", "right", "short")},
            "vanilla": beside, "drawn": None if found is None else _drawn_json(found, planned, asked), "out": out,
            "complete": found is not None and found.complete,
        })  # fmt: skip
        return
    _show_forecast(asked, planned, beside)
    if found is not None:
        _show_drawn(found, planned, asked)
    if out is not None:
        print_lines(f"written to {out}")


def _ends(told: Interval) -> dict[str, Any]:
    return {"value": told.value, "low": told.low, "high": told.high, "why": told.why}


def _drawn_json(found: Sampled, planned: Planned, asked: Asked) -> dict[str, Any]:
    return {
        "trials": sum(planned.made(query) for query in found.queries),
        "right": sum(min(len(query.right), query.target) for query in found.queries),
        "short": sum(not query.met for query in found.queries),
        "difficulty": planned.difficulty_of(found.queries, asked),
        "calls_paid": found.paid.calls, "tokens_paid": found.paid.generated_tokens, "money_paid": found.paid.money,
        "why": found.why,
        "queries": [
            {"id": query.problem.id, "rate": float(rate), "target": int(target), "trials": planned.made(query),
             "right": min(len(query.right), query.target)}
            for query, rate, target in zip(found.queries, planned.rates, planned.targets, strict=True)
        ],
    }  # fmt: skip


def _show_forecast(asked: Asked, planned: Planned, beside: Mapping[str, float]) -> None:
    told = planned.forecast
    rows = [
        (what, number(one.value), f"{number(one.low)} to {number(one.high)}")
        for what, one in (
            ("trials", told.trials),
            ("right answers", told.right),
            ("queries short of target", told.short),
        )
    ]
    title = f"{asked.rule}, {asked.correct} right answers, at most {asked.cap} trials: {len(planned.names)} queries"
    print_table(title, ("forecast", "expected", f"{asked.level:.0%} interval"), rows)
    print_lines(
        f"mean fail rate of what is kept: {_share(told.difficulty)}; of the same trials spread evenly "
        f"{_share(beside['difficulty'])}, which leave {_share(1 - beside['covered'])} of the queries without any"
    )


def _show_drawn(found: Sampled, planned: Planned, asked: Asked) -> None:
    told, expected = _drawn_json(found, planned, asked), planned.forecast.trials
    print_lines(
        f"drawn: {told['trials']} trials, {told['right']} right answers, {told['short']} queries short of target; "
        f"{told['calls_paid']} calls of {number(told['tokens_paid'])} tokens paid"
    )
    if not found.complete:
        print_lines(f"not complete: {found.why}; go on with the same --records")
    elif expected.low is not None and expected.high is not None and not expected.low <= told["trials"] <= expected.high:
        print_lines(
            f"the trials lie outside the forecast's interval, as {1 - asked.level:.0%} of all do where it is right"
        )


def _share(part: float) -> str:
    return f"{part:.1%}" if isfinite(part) else "-"
