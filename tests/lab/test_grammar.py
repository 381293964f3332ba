"""A grammar's entropy rate and least loss are those found by enumeration, by the inside algorithm, and in its text."""

from __future__ import annotations

import heapq
import json
import math
from collections import defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from allometry.cli.main import main  # noqa: E402
from allometry.lab.batches import evaluation_windows  # noqa: E402
from allometry.lab.corpora import find_corpus  # noqa: E402
from allometry.lab.corpora.grammar import Grammar, random_grammar  # noqa: E402
from allometry.lab.ladders import read_ladder  # noqa: E402
from allometry.lab.running import Place, run_job  # noqa: E402
from allometry.notices import Refused  # noqa: E402

pytestmark = pytest.mark.lab
Rules = dict[int, list[tuple[float, tuple[int, ...]]]]


def rules_of(grammar: Grammar) -> Rules:
    """The grammar as a plain list of rules: of each phrase, as -1 - its kind, the chance and what it is rewritten as."""
    brackets, found = len(grammar.children), Rules()
    for kind, chances in enumerate(grammar.chances):
        bodies = [(3 * b, -1 - int(one), 3 * b + 1, -1 - int(two), 3 * b + 2)
                  for b, (one, two) in enumerate(grammar.children)]  # fmt: skip
        letters = [(3 * brackets + letter,) for letter in range(grammar.chances.shape[1] - brackets)]
        found[-1 - kind] = list(zip(map(float, chances), (*bodies, *letters), strict=True))
    return found


def enumerated(rules: Rules, mass: float) -> dict[tuple[int, ...], float]:
    """Sentences with their chances, the likeliest derivations first, until so much of the mass is found."""
    found, left = defaultdict[tuple[int, ...], float](float), 1.0
    open_ = [(-1.0, (-1,))]
    while left > 1 - mass:
        chance, form = heapq.heappop(open_)
        at = next((i for i, symbol in enumerate(form) if symbol < 0), None)
        if at is None:
            assert form not in found  # one derivation a sentence
            found[form] -= chance
            left += chance
            continue
        for share, body in rules[form[at]]:
            heapq.heappush(open_, (chance * share, (*form[:at], *body, *form[at + 1 :])))
    return found


def inside(rules: Rules, sentence: tuple[int, ...]) -> float:
    """The chance of a sentence, all its derivations added up: the inside algorithm, which knows no more than the rules."""

    @cache
    def chance(symbols: tuple[int, ...], start: int, stop: int) -> float:
        if not symbols:
            return float(start == stop)
        first, rest = symbols[0], symbols[1:]
        if stop - start < len(symbols):  # every symbol has a byte or more
            return 0.0
        if first >= 0:
            return chance(rest, start + 1, stop) if sentence[start] == first else 0.0
        if rest:
            last = rest[0]
            splits = (i for i in range(start + 1, stop) if last < 0 or sentence[i] == last)
            return sum(chance((first,), start, i) * chance(rest, i, stop) for i in splits)
        return sum(share * chance(body, start, stop) for share, body in rules[first] if body[0] == sentence[start])

    return chance((-1,), 0, len(sentence))


@pytest.mark.parametrize(("seed", "phrases"), [(0, 1), (1, 3), (2, 3)])
def test_the_entropy_of_sentences_is_that_of_all_of_them(seed: int, phrases: int) -> None:
    grammar = random_grammar(rate=0.4, brackets=2, letters=3, phrases=phrases, branching=0.1, seed=seed)
    sentences = enumerated(rules_of(grammar), 1 - 1e-4)
    entropy = -sum(chance * math.log(chance) for chance in sentences.values())
    length = sum(chance * (len(sentence) + 1) for sentence, chance in sentences.items())
    # What is left out is a ten-thousandth, of sentences of some tens of bytes and nats.
    assert 0 < grammar.sentence_length - length < 3e-3
    assert 0 < grammar.entropy_rate * grammar.sentence_length - entropy < 3e-3
    assert grammar.entropy_rate == pytest.approx(0.4, rel=1e-12)


@pytest.mark.parametrize(("options", "count"), [({"branching": 0.6, "phrases": 3}, 1500), ({"branching": 0.8}, 600)])
def test_the_text_has_the_rate_by_the_inside_algorithm(options: dict[str, float], count: int) -> None:
    grammar = random_grammar(rate=0.6, brackets=2, letters=4, seed=7, **options)  # type: ignore[arg-type]
    text = grammar.sample(60 * count, np.random.default_rng(3))
    ends = np.append(-1, np.flatnonzero(text == grammar.end)[:count])
    assert len(ends) == count + 1
    sentences = [tuple(map(int, text[start + 1 : stop])) for start, stop in pairwise(ends)]
    rules, lengths = rules_of(grammar), np.array([len(sentence) + 1 for sentence in sentences])
    surprises = np.array([-math.log(inside(rules, sentence)) for sentence in sentences])
    off = surprises - grammar.entropy_rate * lengths
    error = off.std(ddof=1) / math.sqrt(count) / lengths.mean()
    assert abs(surprises.sum() / lengths.sum() - grammar.entropy_rate) < 4 * error
    assert error < 0.03 * grammar.entropy_rate


def counted(text: np.ndarray, symbols: int, order: int) -> float:
    """The entropy of a byte behind `order` others, by counts."""
    behind = sum(text[place : len(text) - order + place] * symbols ** (order - 1 - place) for place in range(order))
    pairs = np.unique(behind * symbols + text[order:], return_counts=True)
    first = np.unique(pairs[0] // symbols, return_inverse=True)[1]
    return float(-(pairs[1] * np.log(pairs[1] / np.bincount(first, pairs[1])[first])).sum() / pairs[1].sum())


@pytest.mark.parametrize(("seed", "branching"), [(1, 0.7), (4, 0.9)])
def test_the_least_loss_is_that_of_the_text(seed: int, branching: float) -> None:
    """What a byte has left behind n others is what a window of n has more than one of n - 1."""
    grammar = random_grammar(rate=0.6, brackets=2, letters=3, phrases=3, branching=branching, seed=seed)
    text = grammar.sample(2_000_000, np.random.default_rng(5)).astype(np.int64)
    for order in (1, 2, 5, 6, 7):
        wanted = order * grammar.least_loss(order) - (order - 1) * (grammar.least_loss(order - 1) if order > 1 else 0)
        # By counts too little is left: half a nat for each free chance of all the text.
        assert counted(text, grammar.symbols, order) == pytest.approx(wanted, abs=0.012)
    assert grammar.least_loss(1) > grammar.least_loss(6) + 0.05


def test_nobody_who_reads_windows_alone_does_better_or_has_to_do_worse() -> None:
    """A reader with a stack of its own, who knows the grammar, takes the text of a window byte by byte."""
    grammar = random_grammar(rate=0.8, brackets=4, letters=16, phrases=8, branching=0.8)
    windows = evaluation_windows(grammar.sample(1_000_000, np.random.default_rng(2)), 64, 2000).numpy()
    losses = np.array([read_alone(grammar, row.tolist()) for row in windows])
    error = losses.std(ddof=1) / math.sqrt(len(losses))
    assert abs(losses.mean() - grammar.least_loss(64)) < 4 * error
    assert grammar.least_loss(64) > grammar.entropy_rate + 10 * error


def read_alone(grammar: Grammar, window: list[int]) -> float:
    """Nats for each byte of a window but the first, by the chances of all that the bytes before it in the window allow."""
    brackets, losses, stack, ended = grammar.brackets, list[float](), list[int](), -1
    begun = grammar.visits @ grammar.chances
    phrase: int | None = None
    for place, byte in enumerate(window):
        kind = byte // 3 if byte < 3 * brackets else byte - 2 * brackets
        if place and phrase is not None:
            losses.append(-math.log(grammar.chances[phrase, kind]))
        elif place and not stack:  # behind a phrase of a kind that is known, in a bracket that is not
            if byte == grammar.end:
                chance = grammar.chances[0, ended]
            else:
                chance = begun[kind] * grammar.chances[grammar.children[kind, byte % 3 - 1], ended]
            losses.append(-math.log(chance / begun[ended]))
        elif place:
            losses.append(0.0)
        if stack and (byte == grammar.end or (byte < 3 * brackets and byte % 3)):
            stack.pop()
        phrase = None
        if byte == grammar.end:
            phrase, stack = 0, [byte]
        elif byte < 3 * brackets and byte % 3 < 2:
            phrase = int(grammar.children[kind, byte % 3])
            stack.append(byte)
        else:
            ended = kind
    return sum(losses) / len(losses)


@st.composite
def grammars(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Chances and children of any grammar, those without an end among them."""
    phrases, brackets, letters = (draw(st.integers(1, most)) for most in (5, 4, 5))
    generator = np.random.default_rng(draw(st.integers(0, 10**6)))
    chances = generator.dirichlet(np.full(brackets + letters, draw(st.sampled_from([0.3, 1.0, 3.0]))), phrases)
    return chances, generator.integers(0, phrases, (brackets, 2))


@given(grammars())
@settings(max_examples=60, deadline=None)
def test_any_grammar_is_solved_or_has_no_end(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    chances, children = drawn
    brackets = len(children)
    means = np.array([[sum(row[b] * (pair == kind).sum() for b, pair in enumerate(children)) for kind in range(len(chances))]
                      for row in chances])  # fmt: skip
    try:
        grammar = Grammar(chances, children)
    except Refused:
        assert np.linalg.matrix_power(means, 200).max() > 1e-3
        return
    # Expectations of what a phrase is rewritten as, until they stay as they are.
    own = [-(row[row > 0] * np.log(row[row > 0])).sum() for row in chances]
    bytes_ = np.array([3 * row[:brackets].sum() + row[brackets:].sum() for row in chances])
    entropy, length = np.zeros(len(chances)), np.zeros(len(chances))
    for _ in range(20_000):
        entropy, length = own + means @ entropy, bytes_ + means @ length
    if np.abs(np.linalg.eigvals(means)).max() < 0.998:
        assert grammar.entropy_rate == pytest.approx(entropy[0] / (length[0] + 1), rel=1e-9)
    assert grammar.least_loss(1) == pytest.approx(of_pairs(grammar), rel=1e-9)
    losses = [grammar.least_loss(window) for window in (1, 2, 3, 5, 10, 40)]
    assert all(one >= two - 1e-12 for one, two in pairwise([*losses, grammar.entropy_rate]))


def of_pairs(grammar: Grammar) -> float:
    """The entropy of a byte behind one other, by how often each pair of bytes comes."""
    brackets, often = grammar.brackets, np.zeros((grammar.symbols, grammar.symbols))
    begins = np.hstack([np.kron(grammar.chances[:, :brackets], [1, 0, 0]), grammar.chances[:, brackets:]])
    closes = np.hstack([np.kron(grammar.chances[:, :brackets], [0, 0, 1]), grammar.chances[:, brackets:]])
    for b, (one, two) in enumerate(grammar.children):
        times = grammar.visits @ grammar.chances[:, b]
        often[3 * b, :-1] += times * begins[one]
        often[:-1, 3 * b + 1] += times * closes[one]
        often[3 * b + 1, :-1] += times * begins[two]
        often[:-1, 3 * b + 2] += times * closes[two]
    often[grammar.end, :-1] += begins[0]
    often[:-1, grammar.end] += closes[0]
    joint = often / often.sum()
    behind = joint.sum(axis=1, keepdims=True) + np.zeros_like(joint)
    seen = joint > 0
    return float(-(joint[seen] * np.log(joint[seen] / behind[seen])).sum())


def test_sentences_are_whole_and_nest() -> None:
    """Read by a stack that knows the brackets alone; no seam shows where stretches of the text meet."""
    corpus = find_corpus("grammar", {"rate": 1.0, "brackets": 8, "letters": 32, "tokens": 200_000}).read()
    grammar = random_grammar(rate=1.0, brackets=8, letters=32)
    stack, deepest = list[int](), 0
    for byte in corpus.train.tolist():
        if byte == grammar.end:
            assert stack == []
        elif byte < 24:
            if byte % 3:
                assert stack.pop() == byte - 1
            if byte % 3 < 2:
                stack.append(byte)
        deepest = max(deepest, len(stack))
    assert deepest > 20
    assert np.bincount(corpus.train, minlength=corpus.vocab).min() > 0


def test_a_radius_of_one_is_refused() -> None:
    children = np.array([[0, 0]])
    assert Grammar(np.array([[0.499, 0.501]]), children).sentence_length == pytest.approx(1000, rel=1e-6)
    with pytest.raises(Refused, match=r"phrases hold 1 phrases in the long run.*make brackets rarer"):
        Grammar(np.array([[0.5, 0.5]]), children)


@given(st.integers(0, 1000), st.floats(0.3, 0.97), st.floats(0.1, 0.95), st.integers(1, 20))
@settings(max_examples=25, deadline=None)
def test_any_rate_is_met(seed: int, share: float, branching: float, phrases: int) -> None:
    chance = branching / 2
    choice = -(chance * math.log(chance) + (1 - chance) * math.log(1 - chance))
    most = (choice + chance * math.log(5) + (1 - chance) * math.log(9)) / 2
    rate = choice / 2 * 1.06 + share * (most * 0.98 - choice / 2 * 1.06)
    grammar = random_grammar(
        rate=rate, brackets=5, letters=9, phrases=phrases, branching=branching, seed=seed
    )  # fmt: skip
    assert grammar.entropy_rate == pytest.approx(rate, rel=1e-9)
    assert grammar.sentence_length == pytest.approx(2 / (1 - branching), rel=1e-9)
    assert grammar.chances.sum(axis=1) == pytest.approx(1.0)


def test_rows_and_plan_say_what_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ladder.toml").write_text(
        "sizes = [{ layers = 1, width = 8, heads = 1, ffn = 16 }]\n[budget]\ntokens = 2048\n[training]\ncontext = 16\n"
        'batch_tokens = 256\nlearning_rate = 0.01\n[evaluation]\nwindows = 16\n[corpus]\nname = "grammar"\nrate = 0.75\n'
        "brackets = 4\nletters = 8\ntokens = 20_000\n"
    )
    asked = ["lab", "plan", str(tmp_path / "ladder.toml"), "--hardware", "h200"]
    least = random_grammar(rate=0.75, brackets=4, letters=8).least_loss(16)
    with pytest.raises(SystemExit, match="0"):
        main(asked)
    told = capsys.readouterr().out
    assert "its entropy rate is 0.75 nats per byte" in told
    assert f"the least loss over windows of 16 is {least:.6g}" in told
    assert "the byte before it alone leaves" in told
    with pytest.raises(SystemExit, match="0"):
        main([*asked, "--json"])
    assert json.loads(capsys.readouterr().out)["corpus"]["least_loss"] == pytest.approx(least)
    (row,) = run_job(read_ladder(tmp_path / "ladder.toml").jobs[0], Place(tmp_path / "checkpoint"))
    assert row["entropy_rate"] == pytest.approx(0.75)
    assert row["loss"] > least
