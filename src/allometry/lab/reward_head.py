"""Train the learned verifier of the built-in tasks: `python -m allometry.lab.reward_head --out DIR`.

Answers are drawn from the embedded model to examples that are never among a task's problems. Every beginning of an
answer is labelled by whether that answer came out right: one rollout from each beginning, so that the log-loss has its
least at the chance. A tenth of the examples is held out to end the training by, and problems of the tasks to measure
it. It writes `head.npz` and `provenance.json`; about five minutes on one core.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import platform
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from allometry.inference.calls import Engine, Request, Response, wait
from allometry.inference.engines.embedded import read_character_model, read_weights
from allometry.inference.engines.find import BEST, FOLDER
from allometry.inference.sweeps import auc
from allometry.inference.tasks import Problem, Task, find_task
from allometry.inference.verifiers import check_response
from allometry.inference.verifiers.reward import Head, Reading, write_head
from allometry.inference.verifiers.task import whole_lines

Array = NDArray[np.float32]
# Tasks, with difficulties of which it is measured on the first, and the share of examples. Of lookup the model is always
# right as far as was seen.
TASKS = (("countdown", (4, 3, 5), 0.36), ("chain", (3, 2, 4, 5), 0.3), ("horizon", (6, 4, 8), 0.3),
         ("lookup", (5, 3, 6), 0.04))  # fmt: skip
HELD_OUT = 0.1
MEASURED = 100


@dataclass(frozen=True)
class Training:
    """How the head is trained: `problems` examples, `samples` answers of each, a layer of `units`."""

    problems: int = 7000
    samples: int = 4
    temperatures: tuple[float, ...] = (0.8, 1.0)
    units: int = 64
    epochs: int = 25
    batch: int = 512
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    dropout: float = 0.1
    seed: int = 0


@dataclass(frozen=True)
class Beginnings:
    """Features (n, features) of beginnings, whether each led to a right answer, and the example it is of."""

    features: Array
    right: Array
    example: NDArray[np.int_]


def examples(training: Training) -> list[tuple[Task, Problem]]:
    """Examples to train on, none of them among the problems of a task."""
    rng = random.Random(f"reward head {training.seed}")
    streams: dict[tuple[str, int], Iterator[Any]] = {}
    found = []
    for i in range(training.problems):
        name, difficulties, _ = rng.choices(TASKS, [share for *_, share in TASKS])[0]
        difficulty, task = rng.choice(difficulties), find_task(name)
        seed = training.seed + 7919  # not that of any problem or of the model's own training
        stream = streams.setdefault((name, difficulty), task.examples(seed, difficulty, held_out=False))
        example = next(stream)
        problem = Problem(f"{i}", example.prompt, example.answer, example.data, read=task.read,
                          sample_tokens=task.tokens(difficulty))  # fmt: skip
        found.append((task, problem))
    return found


def draw(engine: Engine, asked: Sequence[tuple[Task, Problem]], training: Training) -> list[list[Response]]:
    """Answers to each example, whole examples at each temperature in turn."""
    rng = random.Random(f"reward samples {training.seed}")
    heats = [training.temperatures[i % len(training.temperatures)] for i in range(len(asked))]
    requests = [
        Request(problem.prompt, problem.sample_tokens, training.samples, heat, seed=rng.getrandbits(40))
        for (_, problem), heat in zip(asked, heats, strict=True)
    ]

    async def every() -> list[list[Response]]:
        return [list(found) for found in await asyncio.gather(*map(engine.sample, requests))]

    return wait(every())


def label(reading: Reading, asked: Sequence[tuple[Task, Problem]], answers: Sequence[Sequence[Response]]) -> Beginnings:
    """The beginnings of answers, each with how that answer came out by the task's scorer."""
    features, right, example = [], [], []
    for i, ((task, problem), found) in enumerate(zip(asked, answers, strict=True)):
        for response in found:
            text = whole_lines(response)
            rows = reading.features(str(problem.prompt), text[: text.rfind("\n") + 1])
            features.append(rows)
            right.append(np.full(len(rows), is_right(task, problem, response), np.float32))
            example.append(np.full(len(rows), i))
    return Beginnings(np.concatenate(features), np.concatenate(right), np.concatenate(example))


def is_right(task: Task, problem: Problem, response: Response) -> bool:
    """Whether the scorer of a task takes an answer for right."""
    if task.scored_by == "answer":
        return task.right_answer(problem, whole_lines(response))
    steps = check_response(task, problem, response)
    return steps.ended and not steps.wrong


def fit(made: Beginnings, model: str, training: Training, tell: Callable[[str], None]) -> Head:
    """The head of least log-loss on the examples that are held out, over epochs."""
    torch.manual_seed(training.seed)
    rng = np.random.default_rng(training.seed)
    held = np.isin(made.example, rng.permutation(made.example.max() + 1)[: round(HELD_OUT * made.example.max())])
    mean, scale = made.features[~held].mean(0), made.features[~held].std(0) + np.float32(1e-3)
    inputs, targets = torch.from_numpy((made.features - mean) / scale), torch.from_numpy(made.right)
    layers = nn.Sequential(nn.Linear(inputs.shape[1], training.units), nn.ReLU(), nn.Dropout(training.dropout),
                           nn.Linear(training.units, 1))  # fmt: skip
    optimiser = torch.optim.AdamW(layers.parameters(), training.learning_rate, weight_decay=training.weight_decay)
    loss_of = nn.BCEWithLogitsLoss()
    kept, least = np.flatnonzero(~held), np.inf
    best: dict[str, torch.Tensor] = {}
    for epoch in range(1, training.epochs + 1):
        layers.train()
        for rows in np.array_split(rng.permutation(kept), max(1, len(kept) // training.batch)):
            optimiser.zero_grad(set_to_none=True)
            loss_of(layers(inputs[rows])[:, 0], targets[rows]).backward()
            optimiser.step()
        layers.eval()
        with torch.no_grad():
            loss = float(loss_of(layers(inputs[held])[:, 0], targets[held]))
        tell(f"epoch {epoch}: held-out log-loss {loss:.4f}")
        if loss < least:
            least, best = loss, {name: value.clone() for name, value in layers.state_dict().items()}
    arrays = {
        "mean": mean, "scale": scale, "hidden.weight": best["0.weight"].numpy().T, "hidden.bias": best["0.bias"].numpy(),
        "out.weight": best["3.weight"].numpy()[0], "out.bias": best["3.bias"].numpy()[0],
    }  # fmt: skip
    about = f"{training.problems} examples, {training.samples} answers each, seed {training.seed}"
    return Head(model, arrays, f"{about}, held-out log-loss {least:.4f}")


def measure(head: Head, reading: Reading, engine: Engine, training: Training) -> dict[str, dict[str, Any]]:
    """What the head is worth on 100 problems of each task, 4 answers each: AUC and Brier score of all beginnings, and of
    whole answers alone."""
    found = {}
    for name, difficulties, _ in TASKS:
        task = find_task(name)
        asked = [(task, problem) for problem in task.problems(MEASURED, seed=1, difficulty=difficulties[0])]
        answers = draw(engine, asked, Training(samples=4, temperatures=(0.8,), seed=training.seed + 1))
        made = label(reading, asked, answers)
        chances = head.chance(made.features)
        last = np.cumsum([len(whole_lines(one).split("\n")) for of_one in answers for one in of_one]) - 1
        found[name] = {
            "difficulty": difficulties[0], "right": round(float(made.right[last].mean()), 4),
            "beginnings": _worth(chances, made.right), "answers": _worth(chances[last], made.right[last]),
        }  # fmt: skip
    return found


def _worth(chances: NDArray[np.float64], right: Array) -> dict[str, float | None]:
    """AUC, where there are right and wrong ones, and the Brier score."""
    area = auc(chances, right)
    brier = float(np.mean((chances - right) ** 2))
    return {"auc": None if np.isnan(area) else round(area, 4), "brier": round(brier, 4)}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m allometry.lab.reward_head", description="Train the learned verifier of the built-in tasks."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for head.npz and provenance.json")
    parser.add_argument("--problems", type=int, default=Training.problems, help="examples to draw answers to")
    parser.add_argument("--samples", type=int, default=Training.samples, help="answers of each")
    parser.add_argument("--seed", type=int, default=Training.seed, help="of the examples, the answers and the head")
    options = parser.parse_args(arguments)
    if options.problems < 10 or options.samples < 1:
        parser.error("--problems is at least 10, --samples at least 1")
    train(options.out, Training(options.problems, options.samples, seed=options.seed),
          lambda line: print(line, file=sys.stderr, flush=True))  # fmt: skip


def train(out: Path, training: Training, tell: Callable[[str], None] = lambda line: None) -> None:
    """Draw, label, fit, measure and write."""
    begun, path = time.perf_counter(), FOLDER / f"{BEST}.npz"
    out.mkdir(parents=True, exist_ok=True)
    weights = read_weights(path)
    engine, reading = read_character_model(path), Reading(weights)
    try:
        asked = examples(training)
        answers = draw(engine, asked, training)
        tell(f"{sum(map(len, answers))} answers drawn after {time.perf_counter() - begun:.0f} s")
        made = label(reading, asked, answers)
        tell(f"{len(made.right)} beginnings, {made.right.mean():.1%} led to a right answer, "
             f"after {time.perf_counter() - begun:.0f} s")  # fmt: skip
        head = fit(made, weights.identity, training, tell)
        write_head(out / "head.npz", head)
        held_out = measure(head, reading, engine, training)
    finally:
        engine.close()
    told = {**_about(training, out / "head.npz"), "minutes": round((time.perf_counter() - begun) / 60, 1), "cpu_minutes": round(time.process_time() / 60, 1),
            "beginnings": len(made.right), "model": weights.identity, "held_out": held_out}  # fmt: skip
    (out / "provenance.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    tell(json.dumps(held_out, indent=1))


def _about(training: Training, head: Path) -> dict[str, Any]:
    contents = head.read_bytes()
    return {
        "format": "allometry-model-provenance", "version": 1,
        "command": f"python -m allometry.lab.reward_head --out DIR --problems {training.problems} "
                   f"--samples {training.samples} --seed {training.seed}",
        "date": f"{datetime.now(UTC):%Y-%m-%d}", "python": platform.python_version(), "torch": torch.__version__,
        "training": asdict(training), "license": "Apache-2.0",
        "data": "answers of strong.npz to examples of the built-in tasks, labelled by their exact checks; the problems "
                f"of the tasks are held out, and measured on below: {MEASURED} of each task, seed 1, 4 answers each",
        "files": {head.name: {"bytes": len(contents), "sha256": hashlib.sha256(contents).hexdigest()}},
    }  # fmt: skip


if __name__ == "__main__":
    main()
