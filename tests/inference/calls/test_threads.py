"""Threads of a strategy: their order, their critical path, racing, failing, and what they may wait for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from allometry.inference.calls import Budget, CallFailed, Exhausted, Request
from allometry.inference.engines import Simulator, World
from allometry.inference.records import Records
from allometry.notices import Refused


def q(name: str, **more: Any) -> Request:
    return Request(name, **{"max_tokens": 8, **more})


def test_critical_path_is_the_longest_chain_of_the_thread_tree(run: Any, scripted: Any) -> None:
    """parent 3, then children (5, then grandchildren 2 and 7) and 4, then the parent again 1: 3 + 5 + 7 + 1."""
    sizes = {"p": 3, "a": 5, "b": 4, "c": 2, "d": 7, "e": 1}
    engine = scripted(tokens=lambda prompt: sizes[prompt])

    async def leaf(scope: Any, name: str) -> None:
        await scope.sample(q(name))

    async def branch(scope: Any, name: str) -> None:
        await scope.sample(q(name))
        if name == "a":
            await scope.map(leaf, ["c", "d"])

    async def solve(problem: Any, scope: Any, budget: Any) -> None:
        await scope.sample(q("p"))
        await scope.map(branch, ["a", "b"])
        await scope.sample(q("e"))

    outcome = run(solve, engine)
    assert outcome.meter.critical_path_tokens == 3 + 5 + 7 + 1
    assert outcome.meter.generated_tokens == sum(sizes.values())
    assert outcome.meter.calls == 6


def test_samples_of_one_request_wait_for_the_longest_only(run: Any) -> None:
    engine = Simulator(World(right_tokens=(40, 10), wrong_tokens=(40, 10)))
    kept: list[int] = []

    async def solve(problem: Any, scope: Any, budget: Any) -> None:
        found = await scope.sample(Request(problem.prompt, max_tokens=400, n=8))
        kept.extend(one.usage.generated for one in found)

    outcome = run(solve, engine)
    assert outcome.meter.critical_path_tokens == max(kept)
    assert outcome.meter.generated_tokens == sum(kept)
    assert outcome.meter.seconds == max(kept) / 100


def test_a_child_that_is_awaited_later_runs_beside_its_parent(run: Any, scripted: Any) -> None:
    async def child(scope: Any, name: str) -> str:
        return (await scope.sample(q(name)))[0].content

    found: list[str] = []

    async def solve(problem: Any, scope: Any, budget: Any) -> None:
        thread = scope.spawn(child, "long")
        await scope.sample(q("mine"))
        found.append(await thread)
        found.append(await thread)

    outcome = run(solve, scripted(tokens=lambda prompt: 7 if prompt == "long" else 3))
    assert found[0].startswith("long/")
    assert found[0] == found[1]
    assert outcome.meter.critical_path_tokens == 7


def test_paths_and_random_numbers_depend_on_the_place_alone(run: Any, scripted: Any) -> None:
    """The same tree with other delays, so with another order of events, has the same keys and random numbers."""

    async def child(scope: Any, i: int) -> tuple[Any, ...]:
        first = (await scope.sample(q(f"w{i}")))[0]
        second = (await scope.sample(q(f"w{i}", n=2)))[1]
        return scope.path, scope.random.random(), first.key, second.key

    found = []
    for sign in (1, -1):
        rows: list[Any] = []

        async def solve(problem: Any, scope: Any, budget: Any, rows: list[Any] = rows) -> None:
            rows.extend(await scope.map(child, range(4)))

        run(solve, scripted(delay=lambda prompt, s=sign: 0.01 * (2 + s * int(prompt[1]) / 2)))
        found.append(rows)
    assert found[0] == found[1]
    assert len({row[1] for row in found[0]}) == 4


def test_the_first_to_finish_wins_and_what_the_others_used_counts(run: Any, scripted: Any) -> None:
    delays = {"slow": 30.0, "fast": 0.02, "middle": 0.04}
    engine = scripted(delay=lambda prompt: delays[prompt], tokens=lambda prompt: 8)
    won: list[str] = []

    async def one(scope: Any, name: str) -> str:
        await scope.sample(q(name))
        return name

    async def solve(problem: Any, scope: Any, budget: Any) -> None:
        won.extend(await scope.first(2, one, ["slow", "middle", "fast"]))

    outcome = run(solve, engine)
    assert won == ["fast", "middle"]
    assert outcome.meter.generated_tokens == 8 + 8 + 1
    assert outcome.meter.seconds < 20


def test_an_engine_that_does_not_say_what_a_stopped_call_used_is_counted_at_its_worst(run: Any, scripted: Any) -> None:
    engine = scripted(delay=lambda prompt: 30.0 if prompt == "slow" else 0.0, silent=True)

    async def one(scope: Any, name: str) -> None:
        await scope.sample(q(name))

    async def solve(problem: Any, scope: Any, budget: Any) -> None:
        await scope.first(1, one, ["slow", "fast"])

    outcome = run(solve, engine)
    assert outcome.meter.generated_tokens == 4 + 8
    assert outcome.meter.estimated == {"prompt", "generated"}


def test_when_a_child_fails_the_others_are_stopped_and_it_is_raised(run: Any, scripted: Any) -> None:
    engine = scripted(delay=lambda prompt: -0.01 if prompt == "bad" else 30.0)
    seen: list[str] = []

    async def one(scope: Any, name: str) -> None:
        await scope.sample(q(name))

    async def solve(problem: Any, scope: Any, budget: Any) -> None:
        try:
            await scope.map(one, ["good", "bad"])
        except CallFailed as failed:
            seen.append(failed.reason)

    outcome = run(solve, engine)
    assert seen == ["the script fails"]
    assert outcome.state == "unaffordable"
    assert outcome.meter.generated_tokens == 1 + 8
    assert outcome.meter.seconds < 20


def test_a_failure_nobody_catches_ends_the_episode_as_failed(run: Any, scripted: Any) -> None:
    async def solve(problem: Any, scope: Any, budget: Any) -> None:
        await scope.sample(q("bad"))

    outcome = run(solve, scripted(delay=lambda prompt: -0.001))
    assert (outcome.state, outcome.why) == ("failed", "the script fails")


@pytest.mark.parametrize(
    "wait_for", [lambda: asyncio.sleep(0), lambda: asyncio.sleep(0.01), lambda: asyncio.gather(asyncio.sleep(0))]
)
def test_waiting_for_anything_else_is_refused_in_a_sentence(run: Any, wait_for: Any) -> None:
    async def solve(problem: Any, scope: Any, budget: Any) -> None:
        await wait_for()

    with pytest.raises(Refused, match="which is not its engine's"):
        run(solve, Simulator())


def test_an_error_of_a_strategy_is_its_own(run: Any) -> None:
    async def solve(problem: Any, scope: Any, budget: Any) -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        run(solve, Simulator())


def test_children_that_nobody_waits_for_are_stopped_at_the_end(run: Any, scripted: Any) -> None:
    async def child(scope: Any) -> None:
        await scope.sample(q("slow"))

    async def solve(problem: Any, scope: Any, budget: Any) -> None:
        scope.spawn(child)
        await scope.sample(q("fast"))

    outcome = run(solve, scripted(delay=lambda prompt: 30.0 if prompt == "slow" else 0.01))
    assert outcome.meter.generated_tokens == 4 + 1


def test_an_engine_without_n_is_asked_for_each_sample_by_itself(run: Any, scripted: Any) -> None:
    answers = []
    for takes_n in (True, False):
        engine = scripted(takes_n=takes_n)

        async def solve(problem: Any, scope: Any, budget: Any) -> None:
            answers.append([one.content for one in await scope.sample(q("p", n=3))])

        outcome = run(solve, engine)
        assert [request.n for request in engine.asked] == ([3] if takes_n else [1, 1, 1])
        assert outcome.meter.calls == 3
        assert outcome.meter.prompt_tokens == (1 if takes_n else 3)
    assert answers[0] == answers[1]


def test_time_stops_running_calls_and_lets_none_start(run: Any, scripted: Any) -> None:
    engine = scripted(delay=lambda prompt: 30.0 if prompt == "slow" else 0.0)
    seen: list[Any] = []

    async def solve(problem: Any, scope: Any, budget: Any) -> None:
        await scope.sample(q("fast"))
        seen.append((await scope.sample(q("slow")))[0].finish)
        try:
            await scope.sample(q("fast"))
        except Exhausted as exhausted:
            seen.append(str(exhausted))

    outcome = run(solve, engine, Budget(seconds=0.05))
    assert seen == ["cancelled", "the time is over"]
    assert 0.05 <= outcome.meter.seconds < 20
    assert len(engine.asked) == 2


def test_in_virtual_time_the_limit_is_exact_and_finished_samples_are_whole(run: Any) -> None:
    engine = Simulator(World(right_tokens=(50, 20), wrong_tokens=(50, 20), tokens_per_second=100))
    found: list[Any] = []

    async def solve(problem: Any, scope: Any, budget: Any) -> None:
        found.extend(await scope.sample(Request(problem.prompt, max_tokens=400, n=30)))

    outcome = run(solve, engine, Budget(seconds=0.5))
    assert outcome.meter.seconds == 0.5
    assert {one.finish for one in found} == {"stop", "cancelled"}
    for one in found:
        assert one.usage.generated == 50 if one.finish == "cancelled" else one.usage.generated <= 50
        assert bool(one.content) == (one.finish == "stop")


def test_roles_are_engines_of_the_same_budget_and_place(run: Any, scripted: Any) -> None:
    main, judge = scripted(), scripted()

    async def solve(problem: Any, scope: Any, budget: Any) -> None:
        await scope.sample(q("p"))
        await scope.on("judge").sample(q("j"))

    outcome = run(solve, {"main": main, "judge": judge})
    assert [r.prompt for r in judge.asked] == ["j"]
    assert outcome.meter.generated_tokens == 8
    with pytest.raises(Refused, match="needs an engine for 'judge'"):
        run(solve, main)


def test_a_tool_is_run_once_and_replayed(run: Any, scripted: Any) -> None:
    runs: list[int] = []
    results: list[Any] = []

    def add(a: int, b: int) -> dict[str, int]:
        runs.append(1)
        return {"sum": a + b}

    async def solve(problem: Any, scope: Any, budget: Any) -> None:
        results.append(await scope.tool("add", {"a": 1, "b": 2}, add))
        results.append(await scope.tool("add", {"a": 1, "b": 2}, add))

    records = Records()
    for engine in (scripted(), scripted(), Simulator()):
        outcome = run(solve, engine, records=records)
        assert outcome.meter.calls == 0
    assert results == [{"sum": 3}] * 6
    assert len(runs) == 4  # twice live, twice in virtual time; none on replay


def test_a_wrong_number_of_samples_is_a_failed_call(run: Any, scripted: Any) -> None:
    class Short(scripted):  # type: ignore[misc]
        async def sample(self, request: Request) -> Any:
            return (await super().sample(request))[:1]

    async def solve(problem: Any, scope: Any, budget: Any) -> None:
        await scope.sample(q("p", n=3))

    assert run(solve, Short()).why == "1 samples came where 3 were asked for"


def test_whatever_an_engine_raises_is_a_failed_call_without_its_secrets(run: Any, scripted: Any) -> None:
    class Broken(scripted):  # type: ignore[misc]
        async def sample(self, request: Request) -> Any:
            raise RuntimeError("401 for key sk-planted-in-the-engine")

    async def solve(problem: Any, scope: Any, budget: Any) -> None:
        await scope.sample(q("p"))

    assert run(solve, Broken()).why == "RuntimeError: 401 for key ***"
