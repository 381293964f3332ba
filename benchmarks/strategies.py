"""Every strategy with the graders it can use, on the model that comes with the package.

    python benchmarks/strategies.py [--write] [--records DIR] [--problems N] [--seeds N] [--tokens N]

500 problems of each task, 3 seeds, 1024 generated tokens a problem, so that differences of a few points can be told:
70 M tokens in all, some hours on two cores. With --records it can be stopped and goes on. Rows are set apart by what
scores them and by whether the selector saw the answers; differences are paired by problem.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from _report import Report
from allometry.inference.calls import Budget, Engine
from allometry.inference.engines import find_engine
from allometry.inference.records import Records
from allometry.inference.strategies import read_strategy
from allometry.inference.sweeps import Difference, Results, Row, summarise, sweep
from allometry.inference.tasks import Task, find_task
from allometry.inference.verifiers import Grader, answer_grader, find_grader, step_grader

# Tasks, with the difficulty at which the model is neither sure nor lost, and what scores them.
TASKS = {"countdown": (4, "answer"), "chain": (3, "steps"), "horizon": (6, "answer")}
STRATEGIES = (
    "greedy", "self_consistency", "self_consistency(weight=confidence)", "first_finish", "first_finish(count=4)",
    "budget_forcing", "no_thinking", "best_of_n(selector=steps)", "best_of_n(selector=answer)",
    "adaptive_self_consistency", "blend_self_consistency", "complexity_vote", "mbr", "prune_redundant",
    "refine(selector=steps)", "turns(selector=steps)", "plan_search(selector=steps)",
    "beam(verifier=steps_so_far)", "dvts(verifier=steps_so_far)", "rebase(verifier=steps_so_far)",
    "ets(verifier=steps_so_far)", "a_star(verifier=steps_so_far)", "backtracking(verifier=steps_so_far)",
    "particle_filter(verifier=steps_so_far)", "particle_gibbs(verifier=steps_so_far)",
    "best_of_n(selector=reward)", "rebase(verifier=reward)", "particle_filter(verifier=reward)",
)  # fmt: skip


def run(
    engine: Engine, task: Task, difficulty: int, scorer: str, options: argparse.Namespace, records: Records
) -> Results:
    """One task's rows."""
    graders = {
        "answer": answer_grader(task),
        "steps": step_grader(task),
        "steps_so_far": step_grader(task, unfinished=True),
    }

    def grader(name: str) -> Grader:
        return graders[name] if name in graders else find_grader(name)

    strategies = [read_strategy(text, grader, task.arguments) for text in STRATEGIES]
    problems = task.problems(options.problems, difficulty=difficulty)
    budget = Budget(generated_tokens=options.tokens)
    swept = sweep(
        problems, strategies, [budget], engine, scorer=graders[scorer], records=records, seeds=options.seeds,
    )  # fmt: skip
    return summarise([swept])


def show(report: Report, found: Results, task: str, difficulty: int) -> None:
    """Rows by kind of selector, oracles last, and each against greedy where the two may be compared."""
    against = {each.strategy: each for each in found.differences}
    scorer = found.rows[0]
    report()
    report(f"{task}, difficulty {difficulty}, scored by {scorer.scorer} ({scorer.scorer_kind}):")
    report(f"{'strategy':42s} {'selector':22s} {'kind':14s} {'accuracy':>8s} {'90% interval':>16s}  "
           f"{'against greedy, points':24s} {'tokens':>7s} {'calls':>6s} {'path':>6s} {'cut off':>7s}")  # fmt: skip
    for row in sorted(found.rows, key=lambda row: (row.oracle, row.selector_kind)):
        report(_line(row, against.get(row.strategy)))


def _line(row: Row, gap: Difference | None) -> str:
    low, high = row.accuracy.low or 0.0, row.accuracy.high or 0.0
    compared = ""
    if gap is not None and gap.baseline == "greedy":
        found = gap.difference
        compared = f"{100 * (found.value or 0):+.1f} ({100 * (found.low or 0):+.1f} to {100 * (found.high or 0):+.1f})"
    meter = {name: row.meter[name] or 0.0 for name in ("generated_tokens", "calls", "critical_path_tokens")}
    kind = f"{row.selector_kind}{', oracle' if row.oracle else ''}"
    return (
        f"{row.strategy:42s} {row.selector:22s} {kind:14s} {row.accuracy.value or 0:8.1%} {f'{low:.1%} to {high:.1%}':>16s}"
        f"  {compared:24s} {meter['generated_tokens']:7.0f} {meter['calls']:6.1f} {meter['critical_path_tokens']:6.0f}"
        f" {row.truncated:7d}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="keep the result under benchmarks/results")
    parser.add_argument("--records", type=Path, help="folder to go on from")
    parser.add_argument("--engine", default="embedded", help="embedded, embedded:weak, embedded:PATH.npz")
    parser.add_argument("--problems", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument("--tasks", default="countdown,chain,horizon", help="which, in this order")
    options = parser.parse_args(arguments)
    report = Report("strategies")
    report(
        f"{options.problems} problems, {options.seeds} seeds, {options.tokens} generated tokens a problem, {options.engine}"
    )
    engine = find_engine(options.engine)
    with tempfile.TemporaryDirectory() as folder, Records(options.records or folder) as records:
        for name in options.tasks.split(","):
            difficulty, scorer = TASKS[name]
            begun = time.perf_counter()
            found = run(engine, find_task(name), difficulty, scorer, options, records)
            show(report, found, name, difficulty)
            paid, seconds = found.paid, time.perf_counter() - begun
            report(f"asked now: {paid.calls} samples, {paid.generated_tokens:.3g} tokens, {seconds:.0f} s")
    if options.write:
        report.write()


if __name__ == "__main__":
    main()
