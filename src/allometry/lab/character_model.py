"""Train the small character model on the built-in tasks: `python -m allometry.lab.character_model --out DIR`.

One run, three checkpoints of it: `weak.npz`, `middle.npz` and `strong.npz`, at a tenth, a third and the end of the
steps. Examples are made on the fly and are never among a task's problems; the loss is on solutions only. Kill it and
start it again: it goes on from its last state and comes to the same weights.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch.nn import functional

from allometry.inference.engines.embedded.decoder import END
from allometry.inference.engines.embedded.weights import Config, write_weights
from allometry.inference.tasks import Task, find_task, list_tasks
from allometry.lab.training import Recipe, schedule
from allometry.lab.transformer import Transformer
from allometry.notices import Refused

# All that can be typed, so that a prompt is rarely refused; characters without examples cost 128 weights each.
VOCABULARY = "\n" + "".join(map(chr, range(32, 127)))
MODEL = Config(layers=4, width=128, heads=4, head_size=32, ffn=344, context=256, vocabulary=VOCABULARY)
CHECKPOINTS = {"weak": 0.1, "middle": 0.33, "strong": 1.0}
# Half of the examples are of the task that is tried first, and which is the hardest to learn: with a quarter of them,
# of all its difficulties, 2% of its problems were right after a third of the steps.
FIRST = find_task()
IGNORED = -100
# Texts that are padded together: with 8 a step took 0.46 s on one core, 1.03 s with all 64.
PART = 8


@dataclass(frozen=True)
class Training:
    """How the model is trained. The rate and the batch are those of a trial run (loss 2.33 to 0.13 in 12 minutes)."""

    steps: int = 5000
    batch: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.1
    clip: float = 1.0
    seed: int = 0
    save_every: int = 250

    def due(self) -> dict[int, str]:
        """The checkpoints by step."""
        return {max(1, round(self.steps * share)): name for name, share in CHECKPOINTS.items()}


Part: TypeAlias = tuple[torch.Tensor, torch.Tensor]


def make_batch(training: Training, step: int, config: Config = MODEL) -> list[Part]:
    """The batch of a step, which is always the same: token ids (part, length) and what is to follow each, in parts.

    Texts that are longer than the context are left out and others drawn. Those of like length are padded together:
    padded to the longest of all, three quarters of what is computed would be padding.
    """
    rng = random.Random(f"{training.seed} {step}")
    texts: list[tuple[list[int], int]] = []
    while len(texts) < training.batch:
        tokens, given = encode(draw_task(rng), rng, config)
        if len(tokens) <= config.context:
            texts.append((tokens, given))
    texts.sort(key=lambda text: len(text[0]))
    return [_padded(texts[i : i + PART]) for i in range(0, len(texts), PART)]


def _padded(texts: Sequence[tuple[list[int], int]]) -> Part:
    longest = max(len(tokens) for tokens, _ in texts)
    inputs = torch.zeros(len(texts), longest - 1, dtype=torch.long)
    targets = torch.full((len(texts), longest - 1), IGNORED)
    for i, (tokens, given) in enumerate(texts):
        inputs[i, : len(tokens) - 1] = torch.tensor(tokens[:-1])
        targets[i, given - 1 : len(tokens) - 1] = torch.tensor(tokens[given:])
    return inputs, targets


def draw_task(rng: random.Random) -> Task:
    """The first task every other time, else one of the others."""
    others = [task for task in list_tasks().values() if task is not FIRST]
    return FIRST if rng.random() < 0.5 else rng.choice(others)


def encode(task: Task, rng: random.Random, config: Config) -> tuple[list[int], int]:
    """One example as tokens with its end, and how many of them are the prompt; up to one above its usual difficulty."""
    difficulty = rng.randint(task.easiest, task.difficulty + 1)
    example = next(task.examples(rng.getrandbits(62), difficulty, held_out=False))
    numbers = [config.vocabulary.index(character) + 1 for character in example.prompt + example.solution]
    return [*numbers, END], len(example.prompt)


class Trainer:
    """The model, its optimiser and the step it is at; all that a run goes on from."""

    def __init__(self, training: Training, config: Config = MODEL) -> None:
        torch.manual_seed(training.seed)
        self.training, self.config, self.step = training, config, 0
        self.model = Transformer(config.shape, config.context)
        matrices = [p for p in self.model.parameters() if p.dim() == 2]
        vectors = [p for p in self.model.parameters() if p.dim() != 2]
        groups = [{"params": matrices, "weight_decay": training.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=training.learning_rate, betas=(0.9, 0.95))

    def update(self) -> float:
        """One step; its loss in nats per character of solutions."""
        self.step += 1
        rate = self.training.learning_rate * schedule(
            self.step, self.training.steps, Recipe(warmup_share=0.02, final_share=0.02)
        )
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        parts = make_batch(self.training, self.step, self.config)
        solved = sum(int((targets != IGNORED).sum()) for _, targets in parts)
        self.optimiser.zero_grad(set_to_none=True)
        loss = sum(self._add_gradient(inputs, targets, solved) for inputs, targets in parts)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.training.clip)
        self.optimiser.step()
        return loss

    def _add_gradient(self, inputs: torch.Tensor, targets: torch.Tensor, solved: int) -> float:
        """What a part has of the loss over `solved` characters."""
        logits = self.model(inputs).flatten(0, 1)
        loss = functional.cross_entropy(logits, targets.flatten(), ignore_index=IGNORED, reduction="sum") / solved
        loss.backward()
        return float(loss.detach())

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """The weights by name."""
        return {name: tensor.detach().numpy() for name, tensor in self.model.state_dict().items()}

    def save(self, path: Path) -> None:
        """Keep all that the run goes on from, whole or not at all."""
        partial = path.with_name(path.name + ".partial")
        state = {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict(), "step": self.step}
        torch.save({**state, "training": asdict(self.training), "config": asdict(self.config)}, partial)
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Go on from what was kept. Errors: `Refused` where that was another run."""
        state = torch.load(path, weights_only=True)
        if (state["training"], state["config"]) != (asdict(self.training), asdict(self.config)):
            raise Refused("another-run", "this folder holds another run", str(path), "give an empty --out")
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]


def train(
    out: Path, training: Training, config: Config = MODEL, tell: Callable[[str], None] = lambda line: None
) -> None:
    """Train to the end, from wherever the folder's last state is."""
    out.mkdir(parents=True, exist_ok=True)
    trainer, state, due = Trainer(training, config), out / "state.pt", training.due()
    if state.exists():
        trainer.load(state)
    while trainer.step < training.steps:
        loss = trainer.update()
        if trainer.step in due:
            about = f"step {trainer.step} of {training.steps}, seed {training.seed}, loss {loss:.3f} nats per character"
            named = Config(**{**asdict(config), "about": about})
            write_weights(out / f"{due[trainer.step]}.npz", named, trainer.arrays())
        if trainer.step % training.save_every == 0 or trainer.step == training.steps:
            trainer.save(state)
            tell(f"step {trainer.step} of {training.steps}: loss {loss:.3f}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m allometry.lab.character_model", description="Train the small character model on built-in tasks."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the three checkpoints and the run's state")
    parser.add_argument("--steps", type=int, default=Training.steps, help="updates in all")
    parser.add_argument("--batch", type=int, default=Training.batch, help="examples in each")
    parser.add_argument("--seed", type=int, default=Training.seed, help="of the first weights and the examples")
    parser.add_argument("--save-every", type=int, default=Training.save_every, help="updates between saved states")
    options = parser.parse_args(arguments)
    if min(options.steps, options.batch, options.save_every) < 1:
        parser.error("--steps, --batch and --save-every are at least 1")
    training = Training(options.steps, options.batch, seed=options.seed, save_every=options.save_every)
    try:
        train(options.out, training, tell=lambda line: print(line, file=sys.stderr, flush=True))
    except Refused as refusal:
        parser.error(str(refusal))


if __name__ == "__main__":
    main()
