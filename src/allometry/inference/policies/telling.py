"""A plan of test time, and a promise held, in the form that every question of planning is answered in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from allometry.inference.policies.best import FOLDS
from allometry.inference.policies.goal import SAME_COST
from allometry.inference.policies.life import break_even, ways
from allometry.inference.policies.making import Held
from allometry.inference.policies.plan import TestTime
from allometry.inference.policies.policy import Policy
from allometry.inference.sweeps import accuracy_interval
from allometry.notices import Interval, Notice, Step
from allometry.plans.questions import Answer, Value

MANY_CUT_OFF = 0.02
"""The share of answers that are cut off from which on the plan says so."""


def tell_plan(plan: TestTime, names: Mapping[str, str] | None = None) -> Answer:
    """A plan as a table of cells, a sentence, figures and steps; `names` are what people call engines."""
    called = {cell.engine: (names or {}).get(cell.engine, cell.engine) for cell in plan.table.cells}
    unit = plan.goal.unit.replace("_", " ")
    cost = plan.promise.costs[plan.goal.unit]
    figures: dict[str, Value] = {
        "accuracy": plan.promise.accuracy, f"{unit} a problem": cost,
        **({"accuracy on the problems it was chosen on": plan.naive} if plan.rule is None else {}),
        **{f"{name.replace('_', ' ')} a problem": value for name, value in plan.promise.costs.items() if name in ("calls", "critical_path_tokens", "money") and name != plan.goal.unit},
        "folds that choose the same": plan.promise.agreeing,
    }  # fmt: skip
    if plan.rule_gain is not None:
        figures["what a rule adds" if plan.goal.target is None else f"what a rule saves, {unit}"] = plan.rule_gain
    return Answer(
        f"a policy for {plan.goal.words}", _sentence(plan, called), tuple(_rows(plan, called)), _steps(plan),
        {**figures, **_exchange(plan, called)}, _notices(plan),
    )  # fmt: skip


def _sentence(plan: TestTime, called: Mapping[str, str]) -> str:
    table, choice, promise = plan.table, plan.choice, plan.promise
    on = f" on {called[plan.cell.engine]}" if len(called) > 1 else ""
    told = f"accuracy {_share(promise.accuracy)} at {_amount(promise.costs[plan.goal.unit])} {plan.goal.unit.replace('_', ' ')} a problem"
    if plan.rule is not None:
        one, other = table.cells[plan.rule.then].name, table.cells[plan.rule.otherwise].name
        return f"{one} where {plan.rule.on.replace('_', ' ')} is {plan.rule.at_least:.4g} or more, else {other}{on}: {told}"
    alike = [table.cells[i].name for i in choice.alike if i != choice.cell]
    if plan.goal.target is None:
        many = f"; not told from the best: {_list(alike)}" if alike else "; told from all others"
        return f"{plan.cell.name}{on}: {told}{many}"
    many = f"; cheaper ones that may reach it too: {_list(alike)}" if alike else ""
    sure = "none reaches it for certain" if plan.sure is None else f"sure to reach it: {table.cells[plan.sure].name}"
    return f"{plan.cell.name}{on}: {told}{many}; {sure}"


def _rows(plan: TestTime, called: Mapping[str, str]) -> list[dict[str, Value]]:
    table = plan.table
    grades, spent = (np.nanmean(values, axis=2) for values in (table.grades, table.meters[plan.goal.unit]))
    honest, alone = dict(plan.frontier), _budget_unit(plan)
    found: list[dict[str, Value]] = []
    for i in np.argsort(spent.mean(axis=1), kind="stable"):
        cell = table.cells[i]
        found.append({
            "strategy": cell.strategy, "budget": float(cell.budget.partition("=")[2]) if alone else cell.budget, **({"engine": called[cell.engine]} if len(called) > 1 else {}),
            plan.goal.unit: float(spent[i].mean()), "accuracy": accuracy_interval(list(grades[i]), table.groups, plan.level),
            "best at this cost": honest.get(int(i)), "is": _verdict(plan, int(i)),
        })  # fmt: skip
    return found


def _budget_unit(plan: TestTime) -> str:
    """The unit of all budgets; "" where there are several, or none."""
    units = {cell.budget.partition("=")[0] for cell in plan.table.cells}
    several = len(units) > 1 or any("," in cell.budget for cell in plan.table.cells)
    return "" if several else units.pop()


def _verdict(plan: TestTime, cell: int) -> str:
    words = []
    if cell == plan.choice.cell:
        words.append("recommended" if plan.rule is None else "best for all")
    if plan.rule is not None and cell in (plan.rule.then, plan.rule.otherwise):
        words.append("in the rule")
    if plan.goal.target is None and cell == plan.choice.first:
        words.append("most accurate")
    if cell in plan.choice.alike and not words:
        words.append("not told from the best" if plan.goal.target is None else "may reach it")
    if cell == plan.sure:
        words.append("sure to reach it")
    return ", ".join(words)


def _exchange(plan: TestTime, called: Mapping[str, str]) -> dict[str, Value]:
    """For each engine, its way to the goal over a life; and from how many requests on another is cheaper."""
    if plan.life is None:
        return {}
    found = ways(plan.table, plan.life, plan.goal)
    told: dict[str, Value] = {}
    for way in found:
        cell = plan.table.cells[way.cell]
        told[f"{called[cell.engine]}, {cell.name}: FLOPs a request, training included"] = way.together
    for other in found[1:]:
        names = [called[plan.table.cells[way.cell].engine] for way in (found[0], other)]
        told[f"requests at which {names[0]} and {names[1]} cost the same"] = break_even(found[0], other)
    return told


def _steps(plan: TestTime) -> tuple[Step, ...]:
    table = plan.table
    unit = _budget_unit(plan).replace("_", " ")
    of = "more than one sample of a problem, over seeds" if table.seeds > 1 else "one run of each"
    return (
        Step("cells", f"{len(table.cells)} strategies at budgets{f' in {unit}' if unit else ''} on the same {len(table.problems)} problems, {of}, scored by "
             f"{table.scorer} ({table.scorer_kind}); selectors of kind {table.kind}", "measured"),
        Step("accuracy and cost", f"chosen on {FOLDS - 1} of {FOLDS} parts of the problems, judged on the other, in turn: free of "
             f"having been chosen; {plan.level:.0%} intervals over problems", "measured"),
        Step("correction", "what having been chosen flatters is taken off, and is taken to be uncertain by as much", "assumed"),
        Step("best at this cost", "the accuracy of what is best at the cost of the row, chosen and judged in the same way", "measured"),
        Step("not told apart", f"paired by problem, adjusted for all {len(table.cells)} cells (Hsu 1981; largest of all "
             "studentised differences)", "measured"),
        *((Step("recommended", f"the cheapest of those; where costs are within {SAME_COST:.0%} of it, the most accurate", "assumed"),) if plan.goal.target is None else ()),
        Step("rule", plan.why_no_rule or "judged on other problems than it was chosen on, and better beyond its interval", "measured"),
        *(Step("left out", said, "measured") for said in table.left_out),
        *((Step("training", f"shared by {plan.life.requests:.4g} requests", "assumed"),) if plan.life else ()),
    )  # fmt: skip


def _notices(plan: TestTime) -> tuple[Notice, ...]:
    table, found = plan.table, list[Notice]()
    used = [plan.choice.cell] if plan.rule is None else [plan.rule.then, plan.rule.otherwise]
    for i in used:
        ended, cell = table.ended[i], table.cells[i]
        if ended.truncated > MANY_CUT_OFF * ended.answers:
            found.append(Notice("cut-off", f"{ended.truncated} of {ended.answers} answers of {cell.name} were cut off, and count as not "
                                "right: a larger budget may change that"))  # fmt: skip
        for count, what in ((ended.failed, "failed"), (ended.unaffordable, "could not afford a call")):
            if count:
                found.append(Notice("not-answered", f"{count} of {ended.answers} of {cell.name} {what}, and count as not right: at "
                                    f"most the accuracy is {count / ended.answers:.1%} higher"))  # fmt: skip
    target, high = plan.goal.target, plan.promise.accuracy
    if target is not None and high.value is not None and high.value < target:
        found.append(
            Notice(
                "target-uncertain",
                f"judged on other problems it comes to {high.value:.1%}, below the target of {target:.1%}",
            )
        )
    if plan.constant.agreeing <= 0.5:
        found.append(
            Notice(
                "choice-unstable",
                f"only {plan.constant.agreeing:.0%} of the parts choose this cell: others do nearly as well",
            )
        )
    return tuple(found)


def tell_held(policy: Policy, found: Sequence[Held]) -> Answer:
    """What a policy promised beside what was observed."""
    broken = [one.name.replace("_", " ") for one in found if not one.kept]
    said = "kept: all within what both intervals leave to chance" if not broken else f"not kept: {', '.join(broken)}"
    rows: tuple[dict[str, Value], ...] = tuple(
        {"promise": one.name.replace("_", " "), "promised": one.promised, "observed": one.observed,
         "difference": one.difference, "kept": one.kept} for one in found
    )  # fmt: skip
    leaves = " else ".join(f"{leaf.label} at {leaf.budget}" for leaf in policy.leaves)
    return Answer(
        "what a policy promised and kept", said, rows,
        (
            Step("policy", f"{leaves}, for {policy.goal}, from {policy.problems} problems", "measured"),
            Step("difference", f"{policy.level:.0%} interval, with the errors of the promise and of what was observed", "measured"),
        ),
        {"kept": not broken},
    )  # fmt: skip


def _share(found: Interval) -> str:
    if found.value is None:
        return "not known"
    return f"{found.value:.1%}" + (
        "" if found.low is None or found.high is None else f" [{found.low:.1%}, {found.high:.1%}]"
    )


def _amount(found: Interval) -> str:
    if found.value is None:
        return "not known"
    return f"{found.value:.4g}" + (
        "" if found.low is None or found.high is None else f" [{found.low:.4g}, {found.high:.4g}]"
    )


def _list(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
