"""`allometry decide policy`: the strategy and budget to answer with, from the records of sweeps, saved as a policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from allometry.cli.decide._showing import show
from allometry.cli.decide._sweeps import Lengths, Scores, known_of, named, read_sweeps
from allometry.cli.options import Json, Level, check_out, level_of
from allometry.cli.output import print_lines
from allometry.costs import find_price
from allometry.expressions import parse_number
from allometry.inference.policies import Goal, Life, TestTime, kinds_of, plan_test_time, policy_of, tell_plan
from allometry.inference.records import read_asked
from allometry.inference.sweeps import Outcome
from allometry.notices import Refused

NOT_MET = ("not-reached", "not-within")


def policy(
    sweeps: Annotated[list[str], typer.Argument(metavar="SWEEP...", help="Folders that `allometry sweep --records` wrote, of one or several engines on the same problems.")],
    target: Annotated[str | None, typer.Option(help="Accuracy to reach at the least cost, e.g. 0.6.")] = None,
    budget: Annotated[str | None, typer.Option(help="What a problem may cost on average, e.g. 2000 (generated tokens), money=0.01, critical_path_tokens=300.")] = None,
    unit: Annotated[str | None, typer.Option(help="What is to be least at a --target: generated_tokens, calls, flops, money, seconds, critical_path_tokens, life_flops.")] = None,
    scorer: Annotated[str | None, typer.Option(help="What scores, where the sweeps have several.")] = None,
    selects: Annotated[str | None, typer.Option(help="The kind of selector that there will be when you serve: rule, 'exact outcome', 'exact step' or learned; by default one plan for each.")] = None,
    price: Annotated[str | None, typer.Option(help="Price of tokens, a name or a file, for money.")] = None,
    trained: Annotated[list[str] | None, typer.Option(help="ENGINE=FLOPS that its model took to train; repeatable.")] = None,
    requests: Annotated[str | None, typer.Option(help="Requests over the life of a model, that its training is shared by, e.g. 1M.")] = None,
    lengths: Lengths = False, scores: Scores = None,
    read: Annotated[str | None, typer.Option(help="How the policy reads final answers, for votes; by default as the scorer does.")] = None,
    out: Annotated[Path | None, typer.Option(help="The policy to write, .json.")] = None,
    level: Level = None, json: Json = False,
) -> None:  # fmt: skip
    """The cheapest strategy and budget for a target accuracy, or the best for a budget, free of having been chosen.

    Cells are compared problem by problem, adjusted for their number; those that cannot be told from the best are named,
    and the cheapest of them is recommended. Selectors that see the answers are bounds and never recommended. With --out
    the plan is a policy, which `allometry serve` answers by and `allometry decide kept` holds against other problems.
    """
    goal = _goal(target, budget, unit, bool(trained))
    if out is not None:
        check_out(out, "--out")
    outcomes = read_sweeps(sweeps)
    kinds = (selects,) if selects else kinds_of(outcomes, scorer)
    if len(kinds) > 1 and (out is not None or json):
        raise Refused("several-kinds", f"selectors are of the kinds {', '.join(kinds)}, and one plan or policy is of one", "--selects",
                      f"name the one that you will have when you serve, such as --selects '{kinds[0]}'")  # fmt: skip
    life, names = _life(trained, requests, outcomes)
    for kind in kinds:
        try:
            plan = plan_test_time(
                outcomes, goal, scorer=scorer, kind=kind, price=None if price is None else find_price(price), life=life,
                known=known_of(sweeps, lengths, scores), level=level_of(level, 0.9),
            )  # fmt: skip
        except Refused as refused:
            if kind == kinds[-1] or refused.code not in NOT_MET:
                raise
            print_lines(f"selectors of kind {kind}: {refused.message}")
            continue
        made = None if out is None else policy_of(plan, sample_tokens=_longest(sweeps, plan), reader=read)
        told = tell_plan(plan, names)
        show(replace(told, question=f"{told.question}, selectors of kind {kind}"), json)
        if made is not None and out is not None:
            made.save(out)


def _goal(target: str | None, budget: str | None, unit: str | None, life: bool) -> Goal:
    usual = unit or ("life_flops" if life else "generated_tokens")
    if target is not None:
        return Goal(target=parse_number(target, "--target"), budget=None if budget is None else 1.0, unit=usual)
    if budget is None:
        return Goal()
    name, sign, amount = budget.rpartition("=")
    if sign and unit is not None and unit != name:
        raise Refused("bad-option", f"the budget is in {name}, and --unit says {unit}", "--unit", "leave it out")
    return Goal(budget=parse_number(amount, "--budget"), unit=name if sign else usual)


def _life(trained: Sequence[str] | None, requests: str | None, outcomes: Sequence[Outcome]) -> tuple[Life | None, dict[str, str]]:  # fmt: skip
    """Training compute by engine, and what the user called the engines."""
    if not trained:
        if requests is not None:
            raise Refused("no-training", "--requests share the compute of training", "--requests", "give --trained ENGINE=FLOPS")  # fmt: skip
        return None, {}
    if requests is None:
        raise Refused("no-requests", "training is shared by the requests of a life", "--trained", "give --requests 1M")
    engines = list(dict.fromkeys(outcome.engine for outcome in outcomes))
    flops: dict[str, float] = {}
    names: dict[str, str] = {}
    for text in trained:
        name, sign, amount = text.rpartition("=")
        if not sign:
            raise Refused("bad-option", f"{text!r} is no engine with its FLOPs", "--trained", "write ENGINE=FLOPS")
        engine = named(name, engines)
        flops[engine], names[engine] = parse_number(amount, "--trained"), name
    return Life(flops, parse_number(requests, "--requests")), names


def _longest(sweeps: Sequence[str], plan: TestTime) -> int:
    """The longest answer that was asked for, of the problems of the plan."""
    asked = [read_asked(folder).tokens for folder in sweeps]
    return max(tokens.get(problem, 1) for tokens in asked for problem in plan.table.problems)
