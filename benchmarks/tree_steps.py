"""What a step of a tree search costs besides the engine, beside TreeQuest on the same tree.

    [ALLOMETRY_PEER_PYTHON=PYTHON] python benchmarks/tree_steps.py [--write]

A tree whose steps and grades are hashes; a step is one node drawn, graded and kept. Process time, ours with a sweep
around it and records on disk, flushed for each call. Target: under 1 ms a step. ALLOMETRY_PEER_PYTHON names an
interpreter that has `treequest`, of which both ways to step are measured: copying its tree each time, as it does
unless told otherwise, and in place.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from _report import Report
from _tree_world import DEPTH, ended, grade, step
from allometry.inference.calls import Abilities, Budget, Profile, Request, Response, Usage
from allometry.inference.records import Records
from allometry.inference.strategies import read_strategy
from allometry.inference.sweeps import asweep
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import grader

STEPS, REPEATS = 500, 5
SEARCHES = ("beam", "dvts", "rebase", "ets", "a_star(branch=4, answers=50)", "backtracking(threshold=0.7)", "particle_filter", "particle_gibbs")  # fmt: skip
HASHED = grader("hash", "exact step", lambda problem, response: grade(response.content))


class Tree:
    """Draws the next steps of a beginning at once, a token each."""

    profile = Profile("tree", Abilities(n=True, stop=True, stop_reason=True, continuation=True), virtual=True)

    def __init__(self) -> None:
        self.numbers = itertools.count()

    async def sample(self, request: Request) -> Sequence[Response]:
        found = [step(request.prefix, next(self.numbers)) for _ in range(request.n)]
        return [self._response(request.prefix, text) for text in found]

    def _response(self, before: str, text: str) -> Response:
        end = ended(before + text)
        return Response(
            text if end else text[:-1], stopped_by=None if end else "\n", usage=Usage(10, 0, 1), seconds=0.01
        )

    def most_prompt_tokens(self, request: Request) -> int:
        return 10


def milliseconds(search: str) -> tuple[float, int]:
    """Of one step, and how many there were."""
    made = read_strategy(search, lambda name: HASHED, {search.partition("(")[0]: {"verifier": "hash"}})
    problem = Problem("1", "tree", sample_tokens=DEPTH)
    with tempfile.TemporaryDirectory() as folder, Records(folder) as records:
        begun = time.process_time()
        swept = asyncio.run(asweep([problem], [made], [Budget(STEPS)], Tree(), records=records))
        spent = time.process_time() - begun
    steps = round(sum(outcome.meter.calls for outcome in swept))
    return spent / steps * 1e3, steps


def peer() -> dict[str, float]:
    """TreeQuest's, by search; empty where it is not at hand."""
    python = os.environ.get("ALLOMETRY_PEER_PYTHON")
    if not python:
        return {}
    worker = Path(__file__).parent / "_tree_peer.py"
    answer = subprocess.run([python, str(worker), str(STEPS)], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(answer.stdout)
    return found


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--write", action="store_true")
    report = Report("tree_steps")
    report(
        f"one tree of {DEPTH} steps, {STEPS} steps drawn, milliseconds of process time for each step (ours: best of {REPEATS})"
    )
    for search in SEARCHES:
        spent, steps = min(milliseconds(search) for _ in range(REPEATS))
        report(f"{search:40s} {spent:8.3f}   over {steps} steps")
    for name, spent in (peer() or {"TreeQuest: not at hand": float("nan")}).items():
        report(f"{'TreeQuest ' + name:40s} {spent:8.3f}")
    if options.parse_args().write:
        report.write()


if __name__ == "__main__":
    main()
