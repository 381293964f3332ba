"""The learned verifier that comes with the package: is it calibrated, and from how many samples on is it fooled?

    python benchmarks/verifier.py [--write] [--problems N] [--samples N]

64 samples of each of 100 problems of three tasks, drawn once from the embedded model; every figure of a task is of the
same samples: best-of-N by the learned head beside an exact check and a majority, and the head as a judge of chances.
Below, searches over steps by the head, beside one by the exact check of beginnings and greedy, on their own samples.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from _report import Report
from allometry.inference.calls import Budget, Engine
from allometry.inference.engines import find_engine
from allometry.inference.records import Records
from allometry.inference.strategies import find_strategy, read_strategy
from allometry.inference.sweeps import SelectorErrors, selector_errors, summarise, sweep, watch_selectors
from allometry.inference.tasks import Task, find_task
from allometry.inference.verifiers import Grader, find_grader, scorer_of, step_grader
from allometry.notices import Interval
from allometry.reports.selector_words import words

TASKS = (("countdown", 4), ("chain", 3), ("horizon", 6))
SEARCHES = ("greedy", "best_of_n(selector=reward)", "beam(verifier=reward)", "rebase(verifier=reward)",
            "beam(verifier=steps_so_far)")  # fmt: skip


def errors_of(task: Task, difficulty: int, engine: Engine, options: argparse.Namespace) -> SelectorErrors:
    """The head on samples of one task's problems, which it was not trained on."""
    scorer, problems = scorer_of(task), task.problems(options.problems, difficulty=difficulty)
    best = find_strategy("best_of_n")(selector=find_grader("reward"), samples=options.samples)
    [run], [watched] = watch_selectors([best], scorer)
    kept = Records()
    sweep(problems, [run], [Budget(calls=options.samples)], engine, scorer=scorer, records=kept)
    return selector_errors(watched.graded(problems, {"main": engine}, scorer, kept))


def show(report: Report, found: SelectorErrors) -> None:
    for line in words(found):
        report(line)
    if found.best_of is not None:
        report(
            f"{'N':>4s}  {'by the head':25s}{'exact check':25s}{'majority':25s}{'head over one':25s}head over majority"
        )
        for row in found.best_of.rows:
            gains = [_points(row.over_single), "" if row.over_majority is None else _points(row.over_majority)]
            cells = [
                _share(row.selector),
                _share(row.oracle),
                "" if row.majority is None else _share(row.majority),
                *gains,
            ]
            report(f"{row.samples:4d}  " + "".join(f"{cell:25s}" for cell in cells).rstrip())
    if found.reliability is not None:
        report("said          samples  mean score  came out right")
        for each in found.reliability.bins:
            report(f"{each.low:.1f} to {each.high:.1f}  {each.samples:9d}  {each.score:10.3f}  {_share(each.right)}")


def _share(found: Interval) -> str:
    if found.low is None or found.high is None:
        return f"{found.value or 0:.1%} (of one problem)"
    return f"{found.value or 0:.1%} ({found.low:.1%} to {found.high:.1%})"


def _points(found: Interval) -> str:
    return f"{100 * (found.value or 0):+.1f} ({100 * (found.low or 0):+.1f} to {100 * (found.high or 0):+.1f})"


def searches(report: Report, task: Task, difficulty: int, engine: Engine, options: argparse.Namespace) -> None:
    """Strategies that are led by the head, at one budget, paired with greedy."""
    so_far = step_grader(task, unfinished=True)

    def grader(name: str) -> Grader:
        return so_far if name == "steps_so_far" else find_grader(name)

    strategies = [read_strategy(text, grader, task.arguments) for text in SEARCHES]
    problems = task.problems(options.problems, difficulty=difficulty)
    found = summarise([sweep(problems, strategies, [Budget(generated_tokens=options.tokens)], engine,
                             scorer=scorer_of(task))])  # fmt: skip
    against = {each.strategy: each for each in found.differences}
    report(f"{options.tokens} generated tokens a problem:")
    for row in found.rows:
        gap = against.get(row.strategy)
        told = "" if gap is None else f"against greedy {_points(gap.difference)}"
        report(f"  {row.strategy:42s} {_share(row.accuracy):24s} {told}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="keep the result under benchmarks/results")
    parser.add_argument("--problems", type=int, default=100)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=256)
    options = parser.parse_args(arguments)
    report = Report("verifier")
    report(
        f"{options.problems} problems of each task, {options.samples} samples each, {find_grader('reward').name}, 90% intervals"
    )
    engine = find_engine("embedded")
    for name, difficulty in TASKS:
        begun, task = time.perf_counter(), find_task(name)
        report()
        report(f"{name}, difficulty {difficulty}:")
        show(report, errors_of(task, difficulty, engine, options))
        searches(report, task, difficulty, engine, options)
        report(f"{time.perf_counter() - begun:.0f} s")
    if options.write:
        report.write()


if __name__ == "__main__":
    main()
