"""What a sweep refuses, keeps and says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from allometry.inference.calls import Abilities, Budget, CallFailed, Request, read_budgets
from allometry.inference.engines import Simulator, World
from allometry.inference.records import Records, lost_calls, read_lines
from allometry.inference.strategies import Answer, find_strategy, strategy
from allometry.inference.sweeps import curves, differences, rows, sweep
from allometry.inference.tasks import Problem, simulated_problems
from allometry.inference.verifiers import EXACT, Grader, confidence, grader, simulated_verifier
from allometry.notices import Refused

PROBLEMS = simulated_problems(5)
GREEDY = find_strategy("greedy")()
SECRET = "sk-planted-in-the-engine"


@pytest.mark.parametrize(
    ("name", "arguments", "lacks"),
    [
        ("budget_forcing", {}, "continuation"),
        ("no_thinking", {}, "continuation"),
        ("self_consistency", {"weight": confidence}, "logprobs"),
    ],
)
def test_an_engine_that_lacks_what_a_strategy_needs_is_refused_before_the_first_call(
    name: str, arguments: dict[str, Any], lacks: str
) -> None:
    engine = Simulator(abilities=Abilities(mend={lacks: "start the server with --that"}))
    with pytest.raises(Refused, match=f"{name} needs .*{lacks}.*--that"):
        sweep(PROBLEMS, [GREEDY, find_strategy(name)(**arguments)], read_budgets("64"), engine)


def test_budgets_that_an_engine_cannot_keep_are_refused_before_the_first_call() -> None:
    with pytest.raises(Refused, match="needs the model's shape"):
        sweep(PROBLEMS, [GREEDY], read_budgets("flops=1e9"), Simulator())


def test_a_role_without_an_engine_is_refused_before_the_first_call() -> None:
    @strategy(roles=("judge",))
    async def judged(problem: Any, engine: Any, budget: Any) -> Answer:
        raise AssertionError("it was run")

    with pytest.raises(Refused, match="judged needs an engine for 'judge'"):
        sweep(PROBLEMS, [judged()], read_budgets("64"), Simulator())


def test_a_strategy_and_a_grader_that_is_no_oracle_never_see_the_answer() -> None:
    seen: list[Any] = []

    async def look(problem: Problem, responses: Any, engine: Any) -> list[float]:
        seen.append(problem.answer)
        return [0.0] * len(responses)

    @strategy()
    async def looking(problem: Any, engine: Any, budget: Any, *, selector: Grader) -> Answer:
        seen.append(problem.answer)
        found = await engine.sample(Request(problem.prompt, 64))
        await engine.grade(selector, found)
        return Answer(found[0])

    honest, oracle = Grader("honest", "learned", look), Grader("oracle", "exact outcome", look, oracle=True)
    outcomes = sweep(PROBLEMS[:1], [looking(selector=honest), looking(selector=oracle)], [Budget(64)], Simulator())
    assert seen == [None, None, None, "0"]
    assert [(outcome.selector, outcome.oracle) for outcome in outcomes] == [("honest", False), ("oracle", True)]


def test_a_judge_is_an_engine_whose_calls_count_for_selecting_and_not_for_scoring(
    tmp_path: Path, scripted: Any
) -> None:
    async def ask_judge(problem: Any, responses: Any, engine: Any) -> list[float]:
        found = await engine.on("judge").sample(Request("rate it", max_tokens=4, n=len(responses)))
        return [0.5 for _ in found]

    judge = Grader("judge", "learned", ask_judge)
    engines = {"main": Simulator(World(success=1.0)), "judge": scripted()}
    best = find_strategy("best_of_n")(selector=judge, samples=3)
    with Records(tmp_path) as records:
        found = sweep(PROBLEMS[:1], [best, GREEDY], [Budget(1000)], engines, scorer=judge, records=records)
    assert [outcome.meter.calls for outcome in found] == [6, 1]
    assert [outcome.grade for outcome in found] == [0.5, 0.5]
    assert sum(line["kind"] == "sample" for line in read_lines(tmp_path)) == 3 + 3 + 1 + 1 + 1


def test_graders_that_forget_a_response_are_refused() -> None:
    async def short(problem: Any, responses: Any, engine: Any) -> list[float]:
        return [1.0]

    best = find_strategy("best_of_n")(selector=Grader("short", "learned", short))
    with pytest.raises(Refused, match="1 grades came for"):
        sweep(PROBLEMS, [best], [Budget(200)], Simulator(World(right_tokens=(9, 0), wrong_tokens=(9, 0))))


@pytest.mark.parametrize("keep", ["hashes", "meters"])
def test_without_texts_finished_episodes_are_still_not_run_again(tmp_path: Path, keep: str) -> None:
    tables = []
    for _ in range(2):
        with Records(tmp_path, keep=keep) as records:
            found = sweep(PROBLEMS, [GREEDY], read_budgets("32:64:x2"), Simulator(), scorer=EXACT, records=records)
        tables.append(rows(found))
    assert tables[0] == tables[1]
    kinds = [line["kind"] for line in read_lines(tmp_path)]
    assert kinds.count("episode") == 10


def test_another_scorer_grades_recorded_answers_without_a_call(tmp_path: Path) -> None:
    lines = []
    for scorer in (EXACT, simulated_verifier(0, 1)):
        with Records(tmp_path) as records:
            found = sweep(PROBLEMS, [GREEDY], read_budgets("64"), Simulator(), scorer=scorer, records=records)
        lines.append([line for line in read_lines(tmp_path) if line["kind"] == "sample"])
        assert {outcome.scorer for outcome in found} == {scorer.name}
    assert lines[0] == lines[1]


def test_failed_episodes_are_run_again_and_what_was_received_is_not_lost(tmp_path: Path, scripted: Any) -> None:
    class Flaky(scripted):  # type: ignore[misc]
        fails = True

        async def sample(self, request: Request) -> Any:
            if self.fails and len(self.asked) == 3:
                raise CallFailed(f"500 for {SECRET}")
            return await super().sample(request)

    problem = Problem("p", "p", sample_tokens=8)
    best = find_strategy("best_of_n")(selector=simulated_verifier(0, 0))
    engine = Flaky(takes_n=False)
    states = []
    for fails in (True, False):
        engine.fails = fails
        with Records(tmp_path) as records:
            states.append(sweep([problem], [best], [Budget(calls=6)], engine, records=records)[0])
    assert [outcome.state for outcome in states] == ["failed", "answered"]
    assert states[0].why == "500 for ***"
    assert len({request.seed for request in engine.asked}) == len(engine.asked) == 6
    assert SECRET not in "".join(map(repr, read_lines(tmp_path)))


def test_what_was_begun_and_never_came_is_on_record(tmp_path: Path, dying: Any, scripted: Any) -> None:
    """A call that was sent before the process died may have been paid for."""
    problem, losses = Problem("p", "p", sample_tokens=8), []
    for size in range(300, 3000, 150):
        folder = tmp_path / str(size)
        with dying(size), Records(folder) as records:
            sweep([problem], [GREEDY], [Budget(8)], scripted(), records=records)
        kinds = [line["kind"] for line in read_lines(folder)]
        lost = lost_calls(read_lines(folder))
        losses.append(len(lost))
        assert len(lost) == kinds.count("sent") - kinds.count("sample")
        assert [line["generated_tokens"] for line in lost] == [8] * len(lost)
    assert set(losses) == {0, 1}


def test_time_to_the_first_token_is_that_of_the_first_call() -> None:
    engine = Simulator(World(wait=0.25, right_tokens=(10, 0), wrong_tokens=(10, 0)))
    found = sweep(PROBLEMS[:1], [find_strategy("self_consistency")(tokens=16)], [Budget(64)], engine)
    assert found[0].first_token == 0.25
    assert found[0].meter.seconds > 0.25 + 0.1


def test_progress_ticks_once_for_each_episode() -> None:
    ticks: list[int] = []
    sweep(PROBLEMS, [GREEDY], read_budgets("32:64:x2"), Simulator(), tick=ticks.append)
    assert ticks == [1] * 10


SCRIPT = """
import json, sys, time
from allometry.inference.calls import read_budgets
from allometry.inference.engines import Simulator, World
from allometry.inference.records import Records
from allometry.inference.strategies import find_strategy
from allometry.inference.sweeps import curves, differences, rows, sweep
from allometry.inference.tasks import simulated_problems
from allometry.inference.verifiers import EXACT

strategies = [find_strategy("best_of_n")(selector=EXACT), find_strategy("first_finish")()]
print("begun", flush=True)
with Records(sys.argv[1]) as records:
    found = sweep(simulated_problems(30), strategies, read_budgets("64:256:x2"), Simulator(World(right_tokens=(20, 5))),
                  scorer=EXACT, records=records, tick=lambda done: time.sleep(float(sys.argv[2])))
print(json.dumps([row.as_json() for row in rows(found)]))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_process_that_is_really_killed_leaves_records_to_go_on_from(tmp_path: Path) -> None:
    def run(folder: str, pause: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", SCRIPT, str(tmp_path / folder), pause]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def table(process: subprocess.Popen[str]) -> str:
        return process.communicate(timeout=120)[0].split("\n")[1]

    expected = table(run("whole", "0"))
    killed = run("killed", "0.02")
    assert killed.stdout is not None
    assert killed.stdout.readline() == "begun\n"
    time.sleep(0.4)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert table(run("killed", "0")) == expected


@pytest.mark.parametrize("unit", ["generated_tokens", "calls", "money", "flops"])
@pytest.mark.parametrize("share", [0.0001, 0.1, 0.5, 2.0])
def test_a_limit_of_the_whole_is_never_exceeded_and_can_be_gone_on_from(
    unit: str, share: float, tmp_path: Path, shape: Any, price: Any, strategies: Any
) -> None:
    engine = Simulator(World(success=(1, 1), steps=3), shape, price)
    budgets = read_budgets("generated_tokens=40:160:x2")

    def run(records: Records | None, limit: Budget | None) -> Any:
        return sweep(PROBLEMS, strategies, budgets, engine, scorer=EXACT, records=records, limit=limit)

    whole = run(None, None)
    assert whole.complete
    most = share * getattr(whole.paid, unit)
    with Records(tmp_path) as records:
        part = run(records, Budget(**{unit: most}))
    assert getattr(part.paid, unit) <= most * (1 + 1e-12)
    assert part.complete == (share > 1)
    assert len(part) < len(whole) or part.complete
    assert {outcome.state for outcome in part} <= {outcome.state for outcome in whole}
    with Records(tmp_path) as records:
        rest = run(records, None)
    assert rows(rest) == rows(whole)
    # what was on its way when the limit was met is stopped, paid for as far as it was, and begun again
    both = getattr(part.paid + rest.paid, unit)
    assert getattr(whole.paid, unit) * (1 - 1e-12) <= both <= 1.1 * getattr(whole.paid, unit)


def test_what_was_recorded_is_not_paid_for_again(tmp_path: Path) -> None:
    best = find_strategy("best_of_n")(selector=EXACT)
    paid = []
    for budgets in ("calls=4", "calls=4:8:x2", "calls=8"):
        with Records(tmp_path) as records:
            paid.append(sweep(PROBLEMS, [best], read_budgets(budgets), Simulator(), records=records).paid.calls)
    assert paid == [20, 20, 0]


def test_what_an_outcome_was_made_by_is_part_of_it_and_samples_are_used_again(
    tmp_path: Path, shape: Any, price: Any
) -> None:
    """Another answer key, scorer, price or prompt makes the outcome again; only another prompt asks again."""
    engine = Simulator(World(success=1.0))

    def run(problem: Problem, engine: Any, scorer: Any) -> Any:
        with Records(tmp_path) as records:
            return sweep([problem], [GREEDY], [Budget(64)], engine, scorer=scorer, records=records)

    first = run(PROBLEMS[0], engine, EXACT)
    assert (first[0].grade, first.paid.calls, first[0].meter.money) == (1.0, 1, None)
    mended = run(replace(PROBLEMS[0], answer="another"), engine, EXACT)
    assert (mended[0].grade, mended.paid.calls) == (0.0, 0)
    other = run(PROBLEMS[0], engine, grader("exact", "exact outcome", lambda problem, response: 0.25))
    assert (other[0].grade, other.paid.calls) == (0.25, 0)
    priced = run(PROBLEMS[0], Simulator(World(success=1.0), shape, price), EXACT)
    assert priced.paid.calls == 0
    assert priced[0].meter.money == pytest.approx((3 * 1 + 40 * 4) / 1e6)
    changed = run(replace(PROBLEMS[0], prompt="please: simulated problem 0"), engine, EXACT)
    assert changed.paid.calls == 1
    again = run(PROBLEMS[0], engine, EXACT)
    assert (again[0].grade, again.paid.calls, again[0].response) == (1.0, 0, None)


@pytest.mark.parametrize(
    ("problems", "strategies", "budgets", "what"),
    [
        ([*PROBLEMS, PROBLEMS[0]], [GREEDY], "64", "problem is '0'"),
        (PROBLEMS, [GREEDY, GREEDY], "64", "strategy is 'greedy"),
        (PROBLEMS, [GREEDY], "64:65:+1,calls=1", ""),
    ],
)
def test_two_of_one_name_are_refused(problems: Any, strategies: Any, budgets: str, what: str) -> None:
    if what:
        with pytest.raises(Refused, match=f"more than one {what}"):
            sweep(problems, strategies, read_budgets(budgets), Simulator())
    else:
        assert len(sweep(problems, strategies, read_budgets(budgets), Simulator())) == 10


def test_a_strategy_that_returns_no_answer_is_told_so() -> None:
    @strategy()
    async def text(problem: Any, engine: Any, budget: Any) -> Any:
        return "forty-two"

    with pytest.raises(Refused, match="text returned a str"):
        sweep(PROBLEMS, [text()], [Budget(64)], Simulator())
    with pytest.raises(Refused, match="is no async function"):
        strategy()(lambda problem, engine, budget: None)  # type: ignore[arg-type, return-value]


def test_a_grade_that_is_no_number_is_refused() -> None:
    bad = grader("bad", "learned", lambda problem, response: float("nan"))
    with pytest.raises(Refused, match="a grade is not finite"):
        sweep(PROBLEMS, [GREEDY], [Budget(64)], Simulator(), scorer=bad)


def test_texts_that_are_hardly_texts_are_kept_and_given_again(tmp_path: Path, scripted: Any) -> None:
    odd = 'lone \ud800, null \x00, lines \u2028\r\n, "quotes" \\ and 😀'

    class Odd(scripted):  # type: ignore[misc]
        async def sample(self, request: Request) -> Any:
            return [replace(one, content=odd, reasoning=odd) for one in await super().sample(request)]

    problem = Problem("odd \ud800", odd, sample_tokens=8)
    engine = Odd()
    for _ in range(2):
        with Records(tmp_path) as records:
            sweep([problem], [GREEDY], [Budget(8)], engine, records=records)
    assert len(engine.asked) == 1
    kept = next(line for line in read_lines(tmp_path) if line["kind"] == "sample")
    assert kept["content"] == odd.replace("\ud800", "?")


def test_failed_calls_are_in_no_difference_no_curve_and_no_time() -> None:
    """Half of the problems fail at every other strategy: what is compared is the other half."""

    @strategy()
    async def broken(problem: Any, engine: Any, budget: Any) -> Answer:
        if int(problem.id) % 2:
            raise CallFailed("500: said by the server about simulated problem 1")
        return Answer((await engine.sample(Request(problem.prompt, 40)))[0])

    world = World(success=1.0, right_tokens=(20, 0), wait=0.5)
    found = sweep(simulated_problems(20), [GREEDY, broken()], read_budgets("64:128:x2"), Simulator(world), scorer=EXACT)
    whole, half = rows(found)[1], rows(found)[3]
    assert (half.failed, half.accuracy.value, half.failure) == (10, 0.5, "500")
    assert half.seconds == whole.seconds
    [*_, last] = differences(found)
    assert (last.problems, last.difference.value, last.sure) == (10, 0.0, False)
    assert {curve.strategy: (curve.problems, curve.arise) for curve in curves(found)} == {
        "greedy": (20, 0.0), "broken": (10, 0.0),
    }  # fmt: skip
