"""What a policy promises beside what it comes to, on a simulator with known truth and on the model of the package.

    python benchmarks/policies.py [--write] [--records DIR] [--problems N] [--repeats N]

Simulated: tables of 20 cells on 200 problems, many times over. The promise of accuracy and cost beside the truth of the
cell that was chosen, and beside what it comes to on as many other problems; the accuracy on the problems that it was
chosen on (naive) beside that. Shipped model: strategies at budgets on 500 problems of each task, 2 seeds; a policy is
made on a random half and held against the other half, again and again. Nominal is 90% throughout. The sweeps take
about 9 M tokens, nothing where the records of `benchmarks/strategies.py` are given.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from _report import Report
from allometry.inference.calls import read_budgets
from allometry.inference.engines import find_engine
from allometry.inference.policies import (
    Goal,
    Known,
    hold,
    kinds_of,
    plan_table,
    plan_test_time,
    policy_of,
    simulated_table,
)
from allometry.inference.policies.making import difference_of
from allometry.inference.records import Records
from allometry.inference.strategies import read_strategy
from allometry.inference.sweeps import Outcome, accuracy_interval, mean_interval, sweep
from allometry.inference.tasks import find_task
from allometry.inference.verifiers import answer_grader, step_grader
from allometry.notices import Interval, Refused

CELLS, PROBLEMS = 20, 200
RISING = np.linspace(10, 200, CELLS)
TWICE = np.tile(np.geomspace(10, 500, CELLS // 2), 2)
CURVES = np.concatenate([np.linspace(0.3, 0.6, CELLS // 2), np.linspace(0.35, 0.55, CELLS // 2)])
WORLDS = {
    "all alike, any budget": (np.full(CELLS, 0.5), RISING, Goal(budget=1000)),
    "all alike, target 50%": (np.full(CELLS, 0.5), RISING, Goal(target=0.5)),
    "40% to 60%, any budget": (np.linspace(0.4, 0.6, CELLS), RISING, Goal(budget=1000)),
    "40% to 60%, half the budget": (np.linspace(0.4, 0.6, CELLS), RISING, Goal(budget=105)),
    "40% to 60%, target 50%": (np.linspace(0.4, 0.6, CELLS), RISING, Goal(target=0.5)),
    "two curves that cross, budget": (CURVES, TWICE, Goal(budget=120)),
    "two curves that cross, target": (CURVES, TWICE, Goal(target=0.5)),
}  # fmt: skip
TASKS = (("countdown", 4, "answer"), ("chain", 3, "steps"), ("horizon", 6, "answer"))
STRATEGIES = ("greedy", "self_consistency", "self_consistency(weight=confidence)", "best_of_n(selector=steps)")
BUDGETS = "64:1024:x2"
GOALS = {"rule": (Goal(budget=300),), "exact step": (Goal(budget=300), Goal(target=0.3))}


@dataclass
class Tally:
    """What came of many repeats: shares of intervals that hold, and means of what is off."""

    rows: list[tuple[float, ...]]
    refused: int = 0

    def line(self, name: str) -> str:
        held, cost, half, half_cost, naive, ours, alike, best = np.array(self.rows).mean(axis=0)
        told = "-" if np.isnan(best) else f"{best:.1%}"
        return (f"{name:32s} {held:8.1%} {cost:7.1%} {half:10.1%} {half_cost:7.1%} {100 * naive:+12.2f} {100 * ours:+7.2f}"
                f" {alike:7.1f} {told:>8s} {self.refused:8d}")  # fmt: skip


def holds(interval: Interval, value: float) -> bool:
    return interval.low is not None and interval.high is not None and interval.low <= value <= interval.high


def simulated(level: np.ndarray, cost: np.ndarray, goal: Goal, repeats: int) -> Tally:
    """A plan on one table, beside the truth and beside a second table of the same world."""
    tally = Tally([])
    for seed in range(repeats):
        ours, others = (simulated_table(level, cost, problems=PROBLEMS, seed=seed + offset) for offset in (0, 10**6))
        try:
            plan = plan_table(ours, goal, known=Known({}))
        except Refused:
            tally.refused += 1
            continue
        cell, promised = plan.choice.cell, plan.promise
        spent = promised.costs["generated_tokens"]
        seen = accuracy_interval(list(others.grades[cell, :, 0]), others.groups)
        seen_cost = mean_interval(list(others.meters["generated_tokens"][cell, :, 0]), others.groups)
        within = [i for i in range(CELLS) if goal.budget is None or cost[i] <= goal.budget]
        tally.rows.append((
            holds(promised.accuracy, level[cell]), holds(spent, cost[cell]),
            holds(difference_of(seen, promised.accuracy), 0.0), holds(difference_of(seen_cost, spent), 0.0),
            plan.naive - level[cell], (promised.accuracy.value or 0.0) - level[cell], len(plan.choice.alike),
            max(within, key=lambda i: level[i]) in plan.choice.alike if goal.target is None else np.nan,
        ))  # fmt: skip
    return tally


def measured(records: Records, task: str, difficulty: int, scorer: str, problems: int) -> list[Outcome]:
    """The sweep of one task on the model of the package."""
    found = find_task(task)
    graders = {"answer": answer_grader(found), "steps": step_grader(found)}
    strategies = [read_strategy(text, graders.__getitem__, found.arguments) for text in STRATEGIES]
    return list(sweep(
        found.problems(problems, difficulty=difficulty), strategies, read_budgets(BUDGETS), find_engine("embedded"),
        scorer=graders[scorer], records=records, seeds=2,
    ))  # fmt: skip


def halves(outcomes: Sequence[Outcome], kind: str, goal: Goal, repeats: int) -> list[tuple[float, ...]] | str:
    """A policy of a random half of the problems, held against the other."""
    names, found = sorted({o.problem for o in outcomes}), list[tuple[float, ...]]()
    for seed in range(repeats):
        half = set(np.random.default_rng(seed).permutation(names)[: len(names) // 2])
        ours, others = ([o for o in outcomes if (o.problem in half) is which] for which in (True, False))
        try:
            plan = plan_test_time(ours, goal, kind=kind)
        except Refused as refused:
            return str(refused)
        held = {one.name: one for one in hold(policy_of(plan, sample_tokens=64), others)}
        accuracy, tokens = held["accuracy"], held["generated_tokens"]
        found.append((
            accuracy.promised.value or 0.0, accuracy.observed.value or 0.0, plan.naive, accuracy.kept,
            tokens.promised.value or 0.0, tokens.observed.value or 0.0, tokens.kept, plan.rule is not None,
        ))  # fmt: skip
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="keep the result under benchmarks/results")
    parser.add_argument("--records", type=Path, help="folder to go on from")
    parser.add_argument("--problems", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=200)
    options = parser.parse_args(arguments)
    report = Report("policies")
    report(
        f"simulated: {CELLS} cells, {PROBLEMS} problems, {options.repeats} repeats; nominal 90%; points of accuracy too high"
    )
    report(f"{'world and goal':32s} {'truth in':>8s} {'cost in':>7s} {'other half':>10s} {'cost':>7s} {'naive is off':>12s}"
           f" {'ours':>7s} {'alike':>7s} {'best in':>8s} {'refused':>8s}")  # fmt: skip
    for name, (level, cost, goal) in WORLDS.items():
        report(simulated(level, cost, goal, options.repeats).line(name))
    report()
    report(
        f"shipped model: {options.problems} problems, 2 seeds, budgets {BUDGETS}; a policy of a random half against the other"
    )
    report(f"{'task, selectors, goal':70s} {'promised':>8s} {'other half':>10s} {'naive':>7s} {'kept':>6s} {'tokens':>7s}"
           f" {'other':>7s} {'kept':>6s} {'rules':>6s}")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, Records(options.records or folder) as records:
        for task, difficulty, scorer in TASKS:
            outcomes = measured(records, task, difficulty, scorer, options.problems)
            for kind in kinds_of(outcomes):
                for goal in GOALS[kind]:
                    found = halves(outcomes, kind, goal, options.repeats // 2)
                    name = f"{task}, {kind}, {goal.words}"
                    if isinstance(found, str):
                        report(f"{name:70s} {found}")
                        continue
                    a, b, naive, kept, t, u, kept_tokens, rules = np.array(found, float).mean(axis=0)
                    report(
                        f"{name:70s} {a:8.1%} {b:10.1%} {naive:7.1%} {kept:6.0%} {t:7.1f} {u:7.1f} {kept_tokens:6.0%} {rules:6.0%}"
                    )
    report(f"{options.repeats // 2} halvings of the same problems: their shares are not those of independent tries")
    if options.write:
        report.write()


if __name__ == "__main__":
    main()
