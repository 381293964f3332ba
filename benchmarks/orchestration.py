"""What a call costs besides the engine: the sweep's own time for each call, on an engine that takes none.

    python benchmarks/orchestration.py [--write]

Process time of one thread, records in a folder on disk, flushed for each call. Three shapes of work: many samples in
one request, one request after another, and a tree of threads. Target: under 0.2 ms a call.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from _report import Report
from allometry.inference.calls import Abilities, Budget, Profile, Request, Response, Usage
from allometry.inference.records import Records
from allometry.inference.strategies import Answer, Strategy, strategy
from allometry.inference.sweeps import asweep
from allometry.inference.tasks import Problem

PROBLEMS, CALLS, REPEATS = 40, 100, 5
PROMPT = "C2,14,25,29>55:" * 4


class Nothing:
    """Answers at once with the same answer."""

    profile = Profile("nothing", Abilities(n=True), virtual=True)

    async def sample(self, request: Request) -> Sequence[Response]:
        return [Response("29-14=15:2,15,25", usage=Usage(60, 0, 17), seconds=0.01)] * request.n

    def most_prompt_tokens(self, request: Request) -> int:
        return 60


@strategy()
async def in_one_request(problem: Any, engine: Any, budget: Any) -> Answer:
    """Samples of one request."""
    return Answer((await engine.sample(Request(problem.prompt, 64, n=CALLS)))[0])


@strategy()
async def one_after_another(problem: Any, engine: Any, budget: Any) -> Answer:
    """A chain of requests, each going on from the last."""
    for step in range(CALLS):
        found = await engine.sample(Request(problem.prompt, 64, prefix=f"step {step}\n"))
    return Answer(found[0])


@strategy()
async def tree(problem: Any, engine: Any, budget: Any) -> Answer:
    """Waves of threads that each make one request."""

    async def leaf(engine: Any, step: int) -> Response:
        found: Response = (await engine.sample(Request(problem.prompt, 64, prefix=f"step {step}\n")))[0]
        return found

    for _ in range(10):
        found = await engine.map(leaf, range(CALLS // 10))
    return Answer(found[0])


def seconds_of(work: Strategy, again: bool) -> float:
    """Process seconds for each call: made for the first time, or given again from the records."""
    problems = [Problem(str(i), f"{i} {PROMPT}") for i in range(PROBLEMS)]

    def sweep(folder: str, budget: Budget) -> float:
        with Records(folder) as records:
            begun = time.process_time()
            swept = asyncio.run(asweep(problems, [work], [budget], Nothing(), records=records))
            spent = time.process_time() - begun
        assert sum(outcome.meter.calls for outcome in swept) == PROBLEMS * CALLS
        assert swept.paid.calls == (0 if again else PROBLEMS * CALLS)
        return spent / (PROBLEMS * CALLS)

    with tempfile.TemporaryDirectory() as folder:
        if again:
            again_budget, paid = Budget(10**7), Budget(10**6)
            with Records(folder) as records:
                asyncio.run(asweep(problems, [work], [paid], Nothing(), records=records))
            return sweep(folder, again_budget)
        return sweep(folder, Budget(10**6))


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--write", action="store_true")
    report = Report("orchestration")
    report(f"{PROBLEMS} problems of {CALLS} calls, best of {REPEATS} runs, milliseconds of process time for each call")
    for made in (in_one_request, one_after_another, tree):
        gc.collect()
        new, again = (min(seconds_of(made(), again) for _ in range(REPEATS)) * 1e3 for again in (False, True))
        report(f"{made.summary:<55} made {new:.3f}   given again {again:.3f}")
    if options.parse_args().write:
        report.write()


if __name__ == "__main__":
    main()
