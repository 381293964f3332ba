"""How much of a model's own speed a sweep keeps, and how long a first sweep takes.

    python benchmarks/sweep_speed.py [--write] [--model PATH.npz]

Three figures, all of the shipped character model with 128 rows a worker and one worker a core: tokens a second of the
workers fed directly, with nothing around them; tokens a second of the same requests inside a sweep with budgets, meters
and records on disk; and a whole command, from its start to its figure. Runs alternate, medians are compared.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from _report import Report
from allometry.inference.calls import Budget, Request
from allometry.inference.engines.embedded import CharacterModel, WorkerDecoder, read_character_model
from allometry.inference.engines.find import BEST, FOLDER
from allometry.inference.records import Records
from allometry.inference.strategies import find_strategy
from allometry.inference.sweeps import sweep
from allometry.inference.tasks import Problem, find_task
from allometry.inference.verifiers import scorer_of

ROWS, PROBLEMS, SAMPLES, REPEATS = 128, 400, 16, 3
COMMAND = (
    "sweep", "countdown", "--strategy", "best_of_n", "--strategy", "self_consistency", "--strategy", "budget_forcing",
    "--budget", "generated_tokens=64:512:x2", "--problems", "200",
)  # fmt: skip


def raw(model: Path, problems: Sequence[Problem], workers: int) -> float:
    """Tokens a second of the workers, each with a queue of its own: a row that ends is filled at once."""
    decoders = [WorkerDecoder(model, ROWS) for _ in range(workers)]
    queues = [deque(_requests(problems[i::workers])) for i in range(workers)]
    for decoder in decoders:
        decoder.step()  # until it is there
    tokens: list[int] = []
    threads = [
        threading.Thread(target=lambda d=d, q=q: tokens.append(_feed(d, q)))
        for d, q in zip(decoders, queues, strict=True)
    ]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    for decoder in decoders:
        decoder.close()
    return sum(tokens) / seconds


def _requests(problems: Sequence[Problem]) -> list[Request]:
    return [
        Request(problem.prompt, problem.sample_tokens, temperature=0.8, seed=1000 * i + j)
        for i, problem in enumerate(problems)
        for j in range(SAMPLES)
    ]


def _feed(decoder: WorkerDecoder, queue: deque[Request]) -> int:
    running = tokens = number = 0
    while queue or running:
        wanted = [queue.popleft() for _ in range(min(ROWS - running, len(queue)))]
        decoder.admit(list(enumerate(wanted, number)))
        running, number = running + len(wanted), number + len(wanted)
        ended = decoder.step()
        running -= len(ended)
        tokens += sum(response.usage.generated for _, response in ended)
    return tokens


def inside(engine: CharacterModel, problems: Sequence[Problem]) -> float:
    """Tokens a second of the same requests as samples of a strategy with a budget, recorded on disk."""
    vote, scorer = find_strategy("self_consistency")(samples=SAMPLES), scorer_of(find_task())
    with tempfile.TemporaryDirectory() as folder, Records(folder) as records:
        begun = time.perf_counter()
        found = sweep(problems, [vote], [Budget(calls=SAMPLES)], engine, scorer=scorer, records=records)
        seconds = time.perf_counter() - begun
    return found.paid.generated_tokens / seconds


def command(model: Path | None) -> float:
    """Seconds of the command of a newcomer, its figure included."""
    engine = "embedded" if model is None else f"embedded:{model}"
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-c", "from allometry.cli import main; main()", *COMMAND, "--engine", engine]
        words += ["--records", f"{folder}/records", "--figure", f"{folder}/figure.html"]
        begun = time.perf_counter()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="keep the result under benchmarks/results")
    parser.add_argument("--model", type=Path, help="another file than the shipped strong.npz")
    options = parser.parse_args()
    report, model = Report("sweep_speed"), options.model or FOLDER / f"{BEST}.npz"
    workers, problems = len(os.sched_getaffinity(0)), find_task().problems(PROBLEMS)
    engine = read_character_model(model, ROWS, workers)
    inside(engine, problems[:8])  # until the workers are there
    alone, swept = [], []
    for _ in range(REPEATS):
        alone.append(raw(model, problems, workers))
        swept.append(inside(engine, problems))
    engine.close()
    load = f"load average {os.getloadavg()[0]:.1f}"
    kept = statistics.median(swept) / statistics.median(alone)
    report(
        f"{workers} workers of {ROWS} rows, {PROBLEMS} countdown problems, {SAMPLES} samples each, {REPEATS} runs, {load}"
    )
    report(f"workers fed directly: {_spread(alone)} tokens a second")
    report(f"inside a sweep: {_spread(swept)} tokens a second, {kept:.1%} of that (target 90%)")
    seconds = [command(options.model) for _ in range(REPEATS)]
    report(
        f"allometry {' '.join(COMMAND)} --engine embedded --records DIR --figure FILE: {_spread(seconds)} s (target 60)"
    )
    if options.write:
        report.write()


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.5g} ({min(values):.5g} to {max(values):.5g})"


if __name__ == "__main__":
    main()
