"""Generated corpora are what they say: the truth that is stated is counted again from the text."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from importlib.resources import files
from itertools import permutations, product
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from hypothesis import assume, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from allometry.cli.main import main  # noqa: E402
from allometry.costs import most_bits_per_parameter  # noqa: E402
from allometry.lab.batches import evaluation_windows  # noqa: E402
from allometry.lab.corpora import biographies, corpus_names, find_corpus  # noqa: E402
from allometry.lab.corpora.biographies import make_people  # noqa: E402
from allometry.lab.corpora.markov import Chain, markov_chain  # noqa: E402
from allometry.lab.corpus import Corpus  # noqa: E402
from allometry.lab.ladders import ladder_of, read_ladder  # noqa: E402
from allometry.lab.losses import evaluate, evaluate_answers  # noqa: E402
from allometry.lab.running import Place, run_job  # noqa: E402
from allometry.notices import Refused  # noqa: E402

pytestmark = pytest.mark.lab
# Every generated corpus with options that make it small.
SMALL: dict[str, dict[str, Any]] = {
    "markov": {"rate": 1.0, "symbols": 16, "tokens": 20_000},
    "grammar": {"rate": 0.8, "brackets": 4, "letters": 12, "tokens": 20_000},
    "biographies": {"people": 50, "exposures": 4},
    "addition": {"examples": 2000},
    "p-hop": {"examples": 2000},
    "graph-search": {"examples": 2000},
}
EXERCISES = {
    "addition": [{}, {"operands": 2, "digits": 1, "examples": 60}, {"operands": 32}, {"digits": 15}],
    "p-hop": [{}, {"hops": 1, "letters": 3, "length": 9, "examples": 100}, {"hops": 16, "letters": 5, "length": 90}],
    "graph-search": [{}, {"nodes": 4, "steps": 1}, {"nodes": 26, "steps": 8}],
}


def conditional_entropies(text: np.ndarray, symbols: int, order: int, blocks: int = 50) -> np.ndarray:
    """Of each block of a text the entropy of a symbol behind `order` others, counted: (blocks,) in nats.

    The chances are those counted over the whole text, so that what is known of the source is not used.
    """
    behind = np.zeros(len(text) - order, dtype=np.int64)
    for place in range(order):
        behind = behind * symbols + text[place : len(text) - order + place]
    following = text[order:].astype(np.int64)
    counts = np.bincount(behind * symbols + following, minlength=symbols ** (order + 1)).reshape(-1, symbols)
    chances = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    surprises = -np.log(chances[behind, following])
    return np.array([block.mean() for block in np.array_split(surprises, blocks)])


@pytest.mark.parametrize(
    ("rate", "symbols", "order"), [(0.5, 32, 1), (3.0, 64, 1), (1.0, 8, 2), (0.4, 2, 3), (2.0, 16, 1)]
)
def test_the_text_has_the_rate_of_the_source(rate: float, symbols: int, order: int) -> None:
    corpus = find_corpus("markov", {"rate": rate, "symbols": symbols, "order": order, "tokens": 500_000}).read()
    assert corpus.entropy_rate == pytest.approx(rate, rel=1e-9)
    counted = conditional_entropies(corpus.train, symbols, order)
    # Counted chances fit their own text: that takes half a nat for each free chance off the sum.
    bias = symbols**order * (symbols - 1) / 2 / len(corpus.train)
    error = counted.std(ddof=1) / math.sqrt(len(counted))
    assert -4 * error - bias < counted.mean() - rate < 4 * error
    assert error < 0.02 * rate


def test_chances_are_those_of_the_chain() -> None:
    """Each transition comes as often as it should, and no seam shows where stretches of the text meet."""
    chain = markov_chain(rate=1.0, symbols=6, seed=5)
    text = chain.sample(1_000_000, np.random.default_rng(0)).astype(np.int64)
    counts = np.bincount(text[:-1] * 6 + text[1:], minlength=36).reshape(6, 6)
    wanted = counts.sum(axis=1, keepdims=True) * chain.transitions
    assert ((counts - wanted) ** 2 / wanted).sum() < 75  # of chi squared with 30 degrees of freedom: one in 100 000
    steps = -(-len(text) // 1024)
    seams = np.arange(steps - 1, len(text) - 1, steps)
    surprises = -np.log(chain.transitions[text[:-1], text[1:]])
    assert abs(surprises[seams].mean() - 1.0) < 4 * surprises.std() / math.sqrt(len(seams))


@given(st.integers(0, 1000), st.integers(2, 24), st.floats(0.15, 0.9), st.integers(1, 2))
@settings(max_examples=25, deadline=None)
def test_any_rate_is_met(seed: int, symbols: int, share: float, order: int) -> None:
    try:
        chain = markov_chain(rate=share * math.log(symbols), symbols=symbols, order=order, seed=seed)
    except Refused:  # of few symbols a low rate is not had by every seed
        assume(symbols**order > 8)
        raise
    assert chain.entropy_rate == pytest.approx(share * math.log(symbols), rel=1e-9)
    assert chain.transitions.sum(axis=1) == pytest.approx(1.0)
    assert chain.stationary.sum() == pytest.approx(1.0)
    joint = (chain.stationary[:, None] * chain.transitions).reshape(symbols, -1).sum(axis=0)
    assert joint == pytest.approx(chain.stationary, abs=1e-12)
    assert chain.least_loss(10) >= chain.entropy_rate - 1e-12


def test_the_least_loss_of_windows() -> None:
    """A window's first symbol has one before it, whatever the order; those after it have what the order asks for."""
    chain = Chain(np.array([[0.5, 0.5], [0.0, 1.0], [1.0, 0.0], [0.5, 0.5]]))
    assert chain.order == 2
    assert markov_chain(rate=0.5, symbols=4).least_loss(7) == pytest.approx(0.5)
    text = chain.sample(500_000, np.random.default_rng(1))
    one, two = (conditional_entropies(text, 2, order).mean() for order in (1, 2))
    assert chain.least_loss(5) == pytest.approx((one + 4 * two) / 5, abs=0.005)
    assert chain.least_loss(1) == pytest.approx(one, abs=0.005)


def solve_addition(prompt: str) -> str:
    numbers, length = prompt.removesuffix("=").split("+"), len(prompt.split("+")[0].rstrip("="))
    most = len(numbers) * (10**length - 1)
    return str(sum(map(int, numbers))).zfill(len(str(most)))


def solve_p_hop(prompt: str, hops: int) -> str:
    sequence = prompt.removesuffix(">")
    place = len(sequence) - 1
    for _ in range(hops):
        place = sequence.rindex(sequence[place], 0, place) + 1
    return sequence[place]


def solve_graph_search(prompt: str) -> str:
    """By depth first from the start, not from the end."""
    edges, asked = prompt.removesuffix("=").split(":")
    found = [path for path in _paths(asked[0], [tuple(edge) for edge in edges.split(",")]) if path[-1] == asked[1]]
    assert len(found) == 1
    return found[0][1:]


def _paths(node: str, edges: list[tuple[str, ...]]) -> Iterator[str]:
    yield node
    for first, second in edges:
        if first == node:
            yield from (node + rest for rest in _paths(second, edges))


@pytest.mark.parametrize(("name", "options"), [(name, o) for name, each in EXERCISES.items() for o in each])
def test_answers_are_those_of_another_solver(name: str, options: dict[str, Any]) -> None:
    options = {"examples": 1000, **options}
    corpus = find_corpus(name, options).read()
    for text, answers in ((corpus.train, None), (corpus.held_out, corpus.answers)):
        records = text.tobytes().decode().splitlines()
        assert len(records) == options["examples"] // (1 if answers is None else 20)
        for number, record in enumerate(records):
            mark = ">" if name == "p-hop" else "="
            prompt, answer = record[: record.index(mark) + 1], record[record.index(mark) + 1 :]
            right = {"addition": solve_addition, "graph-search": solve_graph_search,
                     "p-hop": lambda asked: solve_p_hop(asked, options.get("hops", 4))}[name](prompt)  # fmt: skip
            assert answer == right
            if answers is not None:
                marked = answers[number * (len(record) + 1) :][: len(record) + 1] > 0
                assert "".join(np.array([*record, "\n"])[marked]) == answer
    prompts = [{r[: r.index(mark)] for r in t.tobytes().decode().splitlines()} for t in (corpus.train, corpus.held_out)]
    assert not prompts[0] & prompts[1]


@pytest.mark.parametrize("options", [{}, {"people": 40, "attributes": 1, "values": 2, "exposures": 3}])
def test_biographies_hold_the_bits_that_they_say(options: dict[str, Any]) -> None:
    options = {"people": 300, "attributes": 4, "values": 64, "exposures": 5, **options}
    people, attributes, values = (options[key] for key in ("people", "attributes", "values"))
    corpus = find_corpus("biographies", options).read()
    facts: dict[str, set[tuple[str, ...]]] = {}
    for text, times in ((corpus.train, options["exposures"]), (corpus.held_out, 1)):
        records = [record.split() for record in text.tobytes().decode().splitlines()]
        assert set(Counter(record[0] for record in records).values()) == {times}
        for name, *said in records:
            assert len(said) == attributes
            facts.setdefault(name, set()).update(tuple(each.split(":")) for each in said)
    assert len(facts) == people
    assert {len(each) for each in facts.values()} == {attributes}  # the same in every biography of a person
    made = make_people(people=people, attributes=attributes, values=values)
    assert f"{made.bits:.6g} bits" in " ".join(corpus.known)
    # The published count leaves out that a set of n names says n log2(e) bits more than n log2(N/n), and texts alike.
    published = most_bits_per_parameter(1.0, people, made.known)
    assert published < made.bits < published + (people + attributes * values) / math.log(2)
    orders = [[each[0] for each in record.split()[1:]] for record in corpus.train.tobytes().decode().splitlines()]
    assert attributes == 1 or len(set(map(tuple, orders))) == math.factorial(attributes)


def test_bits_are_those_of_all_that_could_have_been_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a world of four names and four texts every draw is listed, and counted by what a reader would see of it."""
    monkeypatch.setattr(biographies, "NAMES", 4)
    monkeypatch.setattr(biographies, "TEXTS", 4)
    seen: Counter[tuple[tuple[int, int], ...]] = Counter()
    example: dict[tuple[tuple[int, int], ...], biographies.People] = {}
    for names, texts, facts in product(
        permutations(range(4), 2), permutations(range(4), 3), product(range(3), repeat=2)
    ):
        told = tuple(sorted((name, texts[fact]) for name, fact in zip(names, facts, strict=True)))
        seen[told] += 1
        example[told] = biographies.People(np.array(names), np.array([texts]), np.array(facts)[:, None])
    assert len({people.bits for people in example.values()}) == 2  # of one value in use, and of two
    for told, people in example.items():
        assert people.bits == pytest.approx(-math.log2(seen[told] / seen.total()), rel=1e-12)


def test_values_that_nobody_has_are_nothing_to_know() -> None:
    made = [make_people(people=5, attributes=4, values=values, seed=1).bits for values in (64, 1000)]
    assert made == pytest.approx([416, 416], rel=0.02)


@pytest.mark.parametrize(("hops", "letters"), [(1, 4), (2, 4), (2, 3), (3, 5)])
def test_what_the_last_letter_alone_gives(hops: int, letters: int) -> None:
    """The best of all rules of the last letter, by the text; of one hop it is never the letter itself."""
    corpus = find_corpus("p-hop", {"hops": hops, "letters": letters, "examples": 20_000}).read()
    pairs = Counter((record[-3], record[-1]) for record in corpus.train.tobytes().decode().splitlines())
    best = sum(max(n for (last, _), n in pairs.items() if last == each) for each in {last for last, _ in pairs})
    (told,) = [float(re.findall(r"([\d.]+)%", each)[0]) / 100 for each in corpus.known if "last letter" in each]
    assert told == pytest.approx(best / pairs.total(), abs=0.02)
    assert hops > 1 or told == pytest.approx(1 / (letters - 1), abs=1e-3)


@pytest.mark.parametrize("name", ["biographies", "addition", "p-hop", "graph-search"])
def test_a_context_that_cuts_answers_is_refused(name: str) -> None:
    record = find_corpus(name, SMALL[name]).read().record
    contents: dict[str, Any] = {
        "sizes": [{"layers": 1, "width": 16, "heads": 2, "ffn": 32}], "budget": {"tokens": 2 * record},
        "training": {"context": record, "batch_tokens": record, "learning_rate": 0.01}, "evaluation": {"windows": 8},
        "corpus": {"name": name, **SMALL[name]},
    }  # fmt: skip
    assert len(ladder_of(contents).jobs) == 1
    with pytest.raises(Refused, match=f"give context = {2 * record}, or another"):
        ladder_of({**contents, "training": {**contents["training"], "context": record + 1}})


def test_values_are_even_draws() -> None:
    made = make_people(people=20_000, attributes=3, values=8, seed=2)
    for column in made.facts.T:
        counts = np.bincount(column, minlength=8)
        assert ((counts - 2500) ** 2 / 2500).sum() < 37  # of chi squared with 7 degrees of freedom: one in 200 000


class Oracle(torch.nn.Module):
    """A model that expects the text itself, but for the tokens at some places of the windows."""

    def __init__(self, windows: torch.Tensor, mistaken: torch.Tensor) -> None:
        super().__init__()
        self.logits = torch.nn.functional.one_hot((windows[:, 1:] + mistaken[:, 1:]) % 128, 128).float() * 10

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.logits[: len(tokens)]


def test_an_answer_is_right_to_its_last_token_or_wrong() -> None:
    corpus = find_corpus("addition", {"operands": 2, "digits": 2, "examples": 400}).read()
    windows, answers = (evaluation_windows(part, 20, 9) for part in (corpus.held_out, corpus.answers))
    mistaken = torch.zeros_like(windows)
    assert evaluate_answers(Oracle(windows, mistaken), windows, answers).accuracy == 1.0
    mistaken[:, 1][answers[:, 1] == 0] = 1  # a mistake outside of answers is none
    assert evaluate_answers(Oracle(windows, mistaken), windows, answers).accuracy == 1.0
    first, second = answers[0][answers[0] > 0].unique()[:2]
    mistaken[0, 1:][(answers[0, 1:] == first).nonzero()[-1]] = 1  # its last token alone
    every, accuracy, loss, of_names = evaluate_answers(Oracle(windows, mistaken), windows, answers)
    assert every == pytest.approx(evaluate(Oracle(windows, mistaken), windows), rel=1e-5)  # in 32 bits
    count = len(answers[:, 1:][answers[:, 1:] > 0].unique())
    assert accuracy == pytest.approx(1 - 1 / count)
    assert loss == pytest.approx(10 / int((answers[:, 1:] > 0).sum()), abs=0.01)
    assert second > first
    assert of_names is None  # sums are about nobody


def test_a_run_measures_its_answers(tmp_path: Path) -> None:
    ladder = ladder_of({
        "sizes": [{"layers": 1, "width": 16, "heads": 2, "ffn": 32}], "budget": {"tokens": 4096},
        "training": {"context": 20, "batch_tokens": 240, "learning_rate": 0.01}, "evaluation": {"windows": 8, "times": 2},
        "corpus": {"name": "addition", "operands": 2, "digits": 2, "examples": 800},
    })  # fmt: skip
    rows = [run_job(job, Place(tmp_path / "checkpoint"))[-1] for job in ladder.jobs]
    assert 0 <= rows[0]["accuracy"] <= 1
    assert 0 < rows[0]["answer_loss"] < 6


def test_a_plan_tells_the_least_loss_of_windows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ladder.toml").write_text(
        "sizes = [{ layers = 1, width = 8, heads = 1, ffn = 16 }]\n[budget]\ntokens = 2048\n[training]\ncontext = 16\n"
        'batch_tokens = 256\nlearning_rate = 0.01\n[evaluation]\nwindows = 16\n[corpus]\nname = "markov"\nrate = 1.0\n'
        "symbols = 8\norder = 2\ntokens = 20_000\n"
    )
    with pytest.raises(SystemExit, match="0"):
        main(["lab", "plan", str(tmp_path / "ladder.toml"), "--hardware", "h200"])
    least = markov_chain(rate=1.0, symbols=8, order=2).least_loss(16)
    assert least > 1.0
    assert f"the least loss over windows of 16 is {least:.6g}" in capsys.readouterr().out


def test_rows_and_plan_say_what_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ladder.toml").write_text(
        "sizes = [{ layers = 1, width = 8, heads = 1, ffn = 16 }]\n[budget]\ntokens = 2048\n[training]\ncontext = 16\n"
        'batch_tokens = 256\nlearning_rate = 0.01\n[evaluation]\nwindows = 16\n[corpus]\nname = "markov"\nrate = 1.25\n'
        "symbols = 16\ntokens = 20_000\n"
    )
    asked = ["lab", "plan", str(tmp_path / "ladder.toml"), "--hardware", "h200"]
    with pytest.raises(SystemExit, match="0"):
        main(asked)
    assert "known of the corpus: its entropy rate is 1.25 nats per byte" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="0"):
        main([*asked, "--json"])
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(
        told, json.loads((files("allometry.cli.schemas") / "lab_plan.json").read_text(encoding="utf-8"))
    )
    assert told["corpus"]["entropy_rate"] == told["corpus"]["least_loss"] == pytest.approx(1.25)
    (row,) = run_job(read_ladder(tmp_path / "ladder.toml").jobs[0], Place(tmp_path / "checkpoint"))
    assert row["entropy_rate"] == pytest.approx(1.25)
    assert row["loss"] > 1.25
    assert row["accuracy"] == row["answer_loss"] == ""


@pytest.mark.parametrize(("name", "options"), SMALL.items())
def test_the_same_again_and_nothing_leaks(name: str, options: dict[str, Any]) -> None:
    first, again, other = (_fresh(name, options | {"seed": seed}) for seed in (4, 4, 5))
    assert first.sha256 == again.sha256
    assert first.sha256 != other.sha256
    assert not np.array_equal(first.train[: len(first.held_out)], first.held_out[: len(first.train)])
    assert max(first.train.max(), first.held_out.max()) < first.vocab


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("markov", {}, "needs `rate`"),
        ("markov", {"rate": 5.0, "symbols": 16}, "give from 0.055 to 2.74 nats"),
        ("markov", {"rate": 0.001}, "no rate of 256 symbols"),
        ("markov", {"rate": 1.0, "symbols": 300}, "from 2 to 256"),
        ("markov", {"rate": 1.0, "symbols": 64, "order": 2}, "give an order of at most 1"),
        ("markov", {"rate": 1.0, "order": 0}, "above zero"),
        ("markov", {"rate": 0.5, "symbols": 2, "order": 10**9}, "give an order of at most 10"),
        *((name, {**options, "seed": -1}, "zero or above") for name, options in SMALL.items()),
        ("markov", {"rate": 1.0, "tokens": 7}, "from 1000 to"),
        ("markov", {"rate": 1.0, "symbol": 7}, "the nearest are symbols"),
        ("markov", {"rate": 0.02, "symbols": 2, "order": 2, "seed": 1}, "more symbols or another seed"),
        ("grammar", {}, "needs `rate`"),
        ("grammar", {"rate": 4.0}, r"give from 0\.361 to 2\.43 nats"),
        ("grammar", {"rate": 0.1}, "no rate of this grammar"),
        ("grammar", {"rate": 1.0, "brackets": 1}, "2 or more"),
        ("grammar", {"rate": 1.0, "letters": 200}, "more than 255 bytes"),
        ("grammar", {"rate": 1.0, "phrases": 0}, "above zero"),
        ("grammar", {"rate": 1.0, "phrases": 10**6}, "at most 1024"),
        ("grammar", {"rate": 1.0, "branching": 1.0}, "at most 0.98"),
        ("grammar", {"rate": 1.0, "branching": 0.0}, "above 0"),
        ("grammar", {"rate": 1.0, "tokens": 7}, "from 1000 to"),
        ("addition", {"operands": 1}, "give from 2 to 1000 operands"),
        ("addition", {"digits": 0}, "above zero"),
        ("addition", {"examples": 19}, "give 20 or more"),
        ("addition", {"operands": 2, "digits": 1, "examples": 20_000}, "fewer examples or harder"),
        ("p-hop", {"letters": 2}, "from 3 to 52"),
        ("p-hop", {"hops": 40}, "give length = 164 or more"),
        ("p-hop", {"hops": 0}, "above zero"),
        ("graph-search", {"nodes": 3}, "more nodes than steps"),
        ("graph-search", {"nodes": 60}, "at most 52"),
        ("biographies", {"people": 0}, "above zero"),
        ("biographies", {"attributes": 27}, "at most 26"),
        ("biographies", {"exposures": 0}, "above zero"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(name: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused, match=says):
        find_corpus(name, options).read()


def _fresh(name: str, options: dict[str, Any]) -> Corpus:
    """Read anew, past what the process has kept."""
    return import_module(f"allometry.lab.corpora.{corpus_names()[name]}").read(**options)
