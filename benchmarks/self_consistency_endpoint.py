"""Self-consistency of 16 samples against one endpoint: allometry beside its_hub, in one run, on equal samples.

    pip install "allometry[openai]" "its_hub[lm]==1.2.0"
    python benchmarks/self_consistency_endpoint.py [--write]

The endpoint answers after a fixed time, and gives sample k of a problem to whoever asks for it as the k-th; so both
vote on the same 16. One problem after another, both alternating, each in one event loop with its connections kept.
allometry goes its whole way: a probed endpoint, a budget, a meter, records on disk.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from its_hub.core.algorithms.self_consistency import SelfConsistency
from its_hub.core.lms.openai_lm import OpenAICompatibleLanguageModel

from _report import Report
from allometry.inference import Budget, Problem, Records, find_strategy
from allometry.inference.engines.endpoint import Endpoint
from allometry.inference.sweeps import asweep

SAMPLES, PROBLEMS = 16, 40
SETTINGS = ((0.0, 128), (0.0, 1), (0.05, 128), (0.05, 1), (0.5, 128), (0.5, 1))
FEWER = 10  # problems where answers take half a second


def answer(text: str) -> str:
    """What is voted on."""
    return re.findall(r"The answer is (\d+)", text)[-1]


@contextmanager
def server(seconds: float, most_n: int) -> Iterator[str]:
    command = [sys.executable, str(Path(__file__).with_name("_fixed_server.py")), str(seconds), str(most_n)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        process.stdin.close()


def reset(url: str) -> int:
    """Let the server count samples anew; the calls since the last time."""
    request = urllib.request.Request(f"{url}/reset", b'{"reset": true}', {"content-type": "application/json"})
    with urllib.request.urlopen(request) as found:
        return int(json.load(found)["calls"])


Taken = tuple[float, str, int, float]
"""Seconds, the answer, calls, and seconds of this process."""


async def ours(url: str, problem: Problem, engine: Endpoint, records: Records) -> Taken:
    strategy = find_strategy("self_consistency")(samples=SAMPLES)
    begun, busy = time.perf_counter(), time.process_time()
    (outcome,) = await asweep([problem], [strategy], [Budget(calls=SAMPLES)], engine, records=records)
    seconds, busy = time.perf_counter() - begun, time.process_time() - busy
    assert outcome.response is not None
    assert outcome.samples == SAMPLES
    return seconds, answer(outcome.response.content), reset(url), busy


async def theirs(url: str, problem: Problem, model: OpenAICompatibleLanguageModel) -> Taken:
    begun, busy = time.perf_counter(), time.process_time()
    found = await SelfConsistency(answer).ainfer(model, problem.prompt[0]["content"], SAMPLES)
    seconds, busy = time.perf_counter() - begun, time.process_time() - busy
    return seconds, answer(found["content"]), reset(url), busy


async def compare(url: str, problems: list[Problem], folder: str) -> tuple[list[Taken], list[Taken]]:
    engine = Endpoint(f"{url}#m")
    model = OpenAICompatibleLanguageModel(url, "none", "m", max_completion_tokens=256, temperature=0.8)
    mine, its = [], []
    with Records(folder) as records:
        await engine.learn(records, "chat")
        reset(url)
        for i, problem in enumerate(problems):
            for ask in (0, 1) if i % 2 else (1, 0):
                if ask:
                    mine.append(await ours(url, problem, engine, records))
                else:
                    its.append(await theirs(url, problem, model))
    await engine.aclose()
    await model.close()
    return mine[1:], its[1:]  # the first of each opens its connections


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--write", action="store_true")
    report = Report("self_consistency_endpoint")
    report(f"{SAMPLES} samples a problem, {PROBLEMS} problems ({FEWER} at 0.5 s), median seconds a problem; load average "
           f"{os.getloadavg()[0]:.1f}")  # fmt: skip
    report(
        "answers after   n in one request   allometry (calls)   its_hub 1.2.0 (calls)   ratio   equal answers   busy ms"
    )
    for seconds, most_n in SETTINGS:
        count = FEWER if seconds >= 0.5 else PROBLEMS
        problems = [Problem(f"{i}", ({"role": "user", "content": f"problem {i}"},), read=answer, sample_tokens=256)
                    for i in range(count + 1)]  # fmt: skip
        with server(seconds, most_n) as url, tempfile.TemporaryDirectory() as folder:
            mine, its = asyncio.run(compare(url, problems, folder))
        a, b = (statistics.median(taken[0] for taken in side) for side in (mine, its))
        c, d = (statistics.median(taken[3] for taken in side) * 1e3 for side in (mine, its))
        equal = sum(x[1] == y[1] for x, y in zip(mine, its, strict=True))
        report(f"{seconds:<6} s        {'yes' if most_n > 1 else 'no':<16}   {a:.4f} ({mine[0][2]:>2})         "
               f"{b:.4f} ({its[0][2]:>2})             {b / a:>5.2f}   {equal} of {len(mine)}          {c:.1f} / {d:.1f}")  # fmt: skip
    if options.parse_args().write:
        report.write()


if __name__ == "__main__":
    main()
