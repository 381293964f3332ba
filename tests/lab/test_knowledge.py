"""Bits of fact by the losses of models whose knowledge is planted: none, all, and a share of the people."""

from __future__ import annotations

import math
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from allometry.costs import most_bits_per_parameter  # noqa: E402
from allometry.lab.batches import evaluation_windows  # noqa: E402
from allometry.lab.corpora import find_corpus  # noqa: E402
from allometry.lab.corpora.biographies import NAMES, TEXTS, People, make_people  # noqa: E402
from allometry.lab.ladders import ladder_of  # noqa: E402
from allometry.lab.losses import Judged, evaluate_answers  # noqa: E402
from allometry.lab.running import Place, run_job  # noqa: E402
from allometry.runs import read_runs  # noqa: E402

pytestmark = pytest.mark.lab
OPTIONS: dict[str, Any] = {"people": 400, "attributes": 2, "values": 16, "exposures": 1}
SIZE = {key: OPTIONS[key] for key in ("people", "attributes", "values")}
LENGTH = 6 + 2 * 6 + 1


class Planted(torch.nn.Module):
    """Knows every name and every text that may be a value; of the first so many people their values too.

    It reads a window as text: before each letter it lists what may stand there and how likely that is.
    """

    def __init__(self, records: list[str], people: list[str]) -> None:
        super().__init__()
        names, texts, facts = list[str](), dict[str, set[str]](), dict[tuple[str, str], str]()
        for record in records:
            name, *said = record.split()
            names.append(name)
            for letter, value in (each.split(":") for each in said):
                texts.setdefault(letter, set()).add(value)
                facts[name, letter] = value
        self.names, self.texts = names, {letter: sorted(found) for letter, found in texts.items()}
        self.facts = {key: value for key, value in facts.items() if key[0] in people}

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        chances = torch.full((*tokens.shape, 128), 1e-9)
        for row, line in enumerate(tokens.tolist()):
            text = bytes(line).decode()
            for place in range(len(text)):
                for letter, share in self.expected(text[: place + 1]).items():
                    chances[row, place, ord(letter)] += share
        return chances.log()

    def expected(self, before: str) -> dict[str, float]:
        """The chances of the letters that may follow, {} where nothing is known of them."""
        record = before[before.rfind("\n") + 1 :]
        if len(record) < 6:
            return following(self.names, record)
        word = record[record.rfind(" ") + 1 :]
        if len(word) < 2 or ":" not in word or len(word) > 4:
            return {}
        letter, value = word.split(":")
        known = self.facts.get((record[:6], letter))
        return following([known] if known else self.texts[letter], value)


def following(words: list[str], start: str) -> dict[str, float]:
    """Of words that are equally likely, the chances of the letter behind a start of them."""
    fit = [word for word in words if word.startswith(start)]
    return {
        letter: sum(word[len(start)] == letter for word in fit) / len(fit) for letter in {w[len(start)] for w in fit}
    }


def judged(model: torch.nn.Module) -> Judged:
    """By all held-out biographies, one a window."""
    corpus = find_corpus("biographies", OPTIONS).read()
    count = (len(corpus.held_out) - 1) // LENGTH
    assert corpus.answers is not None
    windows, answers = (evaluation_windows(part, LENGTH, count) for part in (corpus.held_out, corpus.answers))
    return evaluate_answers(model, windows, answers)


def by_hand(name: float, values: float, value: float) -> float:
    """Definition 4.1 of arXiv 2404.05405 times the parameters, with one chunk: losses in nats of a name, of all values of
    a person over the attributes, and of a first chunk."""
    n, k, d = OPTIONS["people"], OPTIONS["attributes"], OPTIONS["values"]
    e = math.e
    return n * log2(NAMES / e**name) + n * k * log2(d / e**values) + k * d * log2(TEXTS / (d * e**value))


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_planted_knowledge_is_found(share: float) -> None:
    """Names as a set, texts, and the values of a share of the people: each by its own count."""
    records = find_corpus("biographies", OPTIONS).read().train.tobytes().decode().splitlines()
    known = [record[:6] for record in records][: round(share * len(records))]
    found, made = judged(Planted(records, known)), make_people(**SIZE)
    assert found.name_loss is not None
    assert 6 * found.name_loss == pytest.approx(math.log(400), rel=0.01)
    assert 3 * found.answer_loss == pytest.approx((1 - share) * math.log(16), rel=0.03, abs=1e-6)
    bits = made.stored_bits(found.name_loss, found.answer_loss)
    names, values, texts = 400 * log2(NAMES / 400), 400 * 2 * 4, 2 * 16 * log2(TEXTS / 16)
    assert bits == pytest.approx(names + share * values + texts - (1 - share) * 2 * 16 * 4, rel=0.02)
    if share == 1:
        assert bits == pytest.approx(most_bits_per_parameter(1.0, 400, made.known), rel=0.005)
        assert found.accuracy == 1.0


class Even(torch.nn.Module):
    """Any letter, as likely as any other."""

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        logits = torch.full((*tokens.shape, 128), -30.0)
        logits[..., ord("a") : ord("z") + 1] = 0.0
        return logits


def test_who_guesses_letters_has_stored_nothing() -> None:
    found, made = judged(Even()), make_people(**SIZE)
    assert found.name_loss == pytest.approx(math.log(26), rel=1e-5)
    assert found.answer_loss == pytest.approx(math.log(26), rel=1e-5)
    assert made.stored_bits(found.name_loss, found.answer_loss) == 0.0
    # Who guesses names and, knowing the texts, among these has stored what is left of the texts.
    guess = made.stored_bits(math.log(26), math.log(16) / 3)
    assert guess == pytest.approx(2 * 16 * log2(TEXTS / 16**2), rel=1e-9)


@pytest.mark.parametrize(("name", "value"), [(7.0, 0.0), (12.0, 1.5), (19.5, 2.7)])
def test_bits_are_those_of_the_definition(name: float, value: float) -> None:
    bits = make_people(**SIZE).stored_bits(name / 6, value / 3)
    assert bits == pytest.approx(by_hand(name, value, value), rel=1e-12)


def test_no_luck_of_windows_passes_the_most() -> None:
    made = make_people(**SIZE)
    most = most_bits_per_parameter(1.0, 400, made.known)
    losses = np.random.default_rng(0).uniform(0, 4, (50, 2))
    assert max(made.stored_bits(*pair) for pair in losses) <= made.stored_bits(0.0, 0.0) == pytest.approx(most)


def test_a_run_says_how_much_it_has_stored(tmp_path: Path) -> None:
    """Twelve people by heart: rows hold the bits, and a table of them is one of runs with that metric."""
    ladder = ladder_of({
        "sizes": [{"layers": 1, "width": 32, "heads": 2, "ffn": 64}], "budget": {"tokens": 80_000},
        "training": {"context": 2 * LENGTH, "batch_tokens": 8 * LENGTH, "learning_rate": 0.01},
        "evaluation": {"windows": 5, "times": 4},
        "corpus": {"name": "biographies", "people": 12, "attributes": 2, "values": 4, "exposures": 1000},
    })  # fmt: skip
    rows = run_job(ladder.jobs[0], Place(tmp_path / "checkpoint"))
    made: People = make_people(people=12, attributes=2, values=4)
    most = most_bits_per_parameter(1.0, 12, made.known)
    for row in rows:
        assert row["stored_bits"] == pytest.approx(made.stored_bits(row["name_loss"], row["answer_loss"]), abs=0.01)
        assert row["stored_bits"] <= most + 1e-3
    assert rows[-1]["stored_bits"] > 0.8 * most
    table = read_runs({key: [row[key] for row in rows] for key in ("run_id", "params", "step", "stored_bits")})
    assert "stored_bits" in table.columns
