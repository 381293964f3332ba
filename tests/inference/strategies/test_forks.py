"""Texts that fork: the longest chain is that of the tree, each text sees what it should, and unreadable marks are said."""

from __future__ import annotations

import math
import random
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from allometry.inference.calls import Budget
from allometry.inference.engines.embedded import read_character_model
from allometry.inference.engines.find import FOLDER
from allometry.inference.strategies import find_strategy
from allometry.inference.strategies.fork_join import read_outlines
from allometry.inference.strategies.spawn_join import read_join, read_spawn
from allometry.inference.sweeps import Outcome, sweep
from allometry.inference.tasks import Problem, find_task
from allometry.inference.verifiers import EXACT, scorer_of
from allometry.notices import Refused

ERRORS = 4


def problem(prompt: str, answer: str, tokens: int = 400) -> Problem:
    return Problem(
        "0", prompt, answer=answer, sample_tokens=tokens, read=lambda text: text.split()[-1] if text else None
    )


def solve(name: str, engine: Any, posed: Problem, budget: Budget | None = None, **arguments: Any) -> Outcome:
    arguments = {"told": True, **arguments} if name == "spawn_join" else arguments
    budgets = [budget or Budget(generated_tokens=100_000)]
    return sweep([posed], [find_strategy(name)(**arguments)], budgets, engine, scorer=EXACT)[0]


# ---- spawn and join: a sum of numbers, a word for each; halves of it are spawned while they are long


def add(prompt: str, prefix: str, tokens: int, rng: random.Random) -> str:
    """Write a word for each number; where it may, spawn both halves of more than two and add what comes back."""
    numbers = [int(word) for word in re.findall(r"\b\d+\b", prompt.partition("\n")[0])]
    returned = re.findall(r'join\(\["(\d+)", "(\d+)"\]\)', prefix)
    if returned:
        total, said = sum(map(int, returned[0])), ""
    elif "spawn([" in prompt and len(numbers) > 2:
        half = len(numbers) // 2
        parts = [" ".join(map(str, part)) for part in (numbers[:half], numbers[half:])]
        return f'I spawn(["{parts[0]}", "{parts[1]}"]) and forget the rest'
    else:
        total, said = sum(numbers), "so " * len(numbers)
    return f'{said}join("{total}")' if 'join("...")' in prompt else f"{said}answer {total}"


def serial_tokens(numbers: int) -> int:
    return numbers + 2  # a word each, and "answer N"


@pytest.mark.parametrize(("depth", "longest"), [(1, 8 + 1), (2, 4 + 1)])
def test_the_longest_chain_of_spawned_children_is_that_of_the_tree(speaking: Any, depth: int, longest: int) -> None:
    """Each spawner writes `I spawn([...` (one word a number, and I), joins, and ends: two words, or one for a child."""
    numbers = list(range(1, 17))
    posed = problem(" ".join(map(str, numbers)), str(sum(numbers)))
    found = solve("spawn_join", engine := speaking(add), posed, depth=depth)
    assert (found.grade, found.why, found.state) == (1, "", "answered")
    root = (16 + 1) + 2
    child = 8 + 1 if depth == 1 else (8 + 1) + longest + 1
    spawners = [root] if depth == 1 else [root, (8 + 1) + 1, (8 + 1) + 1]
    leaves = 2 if depth == 1 else 4
    assert found.meter.critical_path_tokens == root + child
    assert found.meter.generated_tokens == sum(spawners) + leaves * longest
    assert found.meter.prompt_tokens == sum(engine.most_prompt_tokens(one) for one in engine.asked)
    tasks = [str(one.prompt) for one in engine.asked if 'join("...")' in str(one.prompt)]
    assert all(posed.prompt not in task for task in tasks), "a child sees what it was passed alone"
    assert "so" not in engine.asked[-1].prefix, "its parent sees what it returned alone"


def test_where_the_work_is_long_children_shorten_the_chain_below_that_of_one_text(speaking: Any) -> None:
    """Each number takes ten words: two children halve it, at the cost of the spawn and of the end."""

    def work(prompt: str, prefix: str, tokens: int, rng: random.Random) -> str:
        return add(prompt, prefix, tokens, rng).replace("so ", "so so so so so so so so so so ")

    posed = problem(" ".join("1" * 16), "16")
    alone = solve("greedy", speaking(work), posed)
    spawned = solve("spawn_join", speaking(work), posed)
    assert alone.grade == spawned.grade == 1
    assert (alone.meter.critical_path_tokens, spawned.meter.critical_path_tokens) == (160 + 2, 17 + 80 + 1 + 2)
    assert spawned.meter.seconds < alone.meter.seconds


@pytest.mark.parametrize("said", ["spawn([1, 2])", "spawn([])", 'spawn(["a", ""])', 'x])', "spawn([" + "[" * 9000 + "])",
                                  'spawn(["a" "b"])', "spawn([__import__('os')])"])  # fmt: skip
def test_a_spawn_that_cannot_be_read_is_text_and_the_answer_says_so(speaking: Any, said: str) -> None:
    found = solve("spawn_join", speaking(lambda p, x, n, r: "answer 3" if x else said), problem("1 2", "3"))
    assert (found.grade, found.state) == (1, "answered")
    assert found.why == "a spawn could not be read; the model spawned no children"


def test_children_beyond_those_allowed_and_those_that_return_nothing_are_said(speaking: Any) -> None:
    script = lambda p, x, n, r: "answer 3" if "join([" in x else ('spawn(["a", "b", "c"])' if "spawn([" in p else "no")  # noqa: E731
    found = solve("spawn_join", engine := speaking(script), problem("1 2", "3"), children=2)
    assert found.why == "of the children spawned 2 were begun; children returned nothing"
    assert len(engine.asked) == 4


def test_a_model_that_spawns_for_ever_is_held_to_its_bounds(speaking: Any) -> None:
    found = solve("spawn_join", engine := speaking(lambda p, x, n, r: 'spawn(["a", "b"])'), problem("1", "1"),
                  children=2, spawns=2, depth=2)  # fmt: skip
    assert len(engine.asked) == 3 + 2 * 2 * (3 + 2 * 2 * 1)
    assert found.state == "answered"


@given(st.text(alphabet='spawn([])join"\\, 1{}'))
def test_what_is_read_of_any_text_is_texts(text: str) -> None:
    assert all(isinstance(one, str) for one in read_spawn(text))
    assert isinstance(read_join(text), str | None)
    assert 0 <= read_outlines(text) < 100


# ---- fork and join


def block(marks: tuple[str, str, str], threads: int) -> str:
    return marks[0] + "".join(f"<Outline>{i + 1}: part</Outline>" for i in range(threads)) + marks[1]


@settings(max_examples=30)
@given(
    lengths=st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=5), max_size=3),
    form=st.sampled_from(("threads", "paths")),
)
def test_totals_and_the_longest_chain_of_blocks_are_their_sums(
    speaking: Any, lengths: list[list[int]], form: str
) -> None:
    """Total = outside + all threads, longest = outside + the longest thread of each block (a word is a token)."""
    marks = (
        ("<Outlines>", "</Outlines>", "\n<Thread>\n{}:")
        if form == "threads"
        else ("<Goal>", "</Goal>", "\n<Path>\n{}:")
    )
    said = [f"first {block(marks, len(one))}" for one in lengths]

    def script(prompt: str, prefix: str, tokens: int, rng: random.Random) -> str:
        turn = prefix.count(marks[1])
        thread = re.search(r"(\d+):$", prefix)
        if thread:
            return (
                "w " * lengths[turn - 1][int(thread[1]) - 1]
                + ("</Thread>" if form == "threads" else "</Path>")
                + " beyond"
            )
        return said[turn] + " beyond" if turn < len(said) else "answer 3"

    found = solve("fork_join", engine := speaking(script), problem("1 2", "3"), form=form)
    outside = sum(len(text.removesuffix(marks[1]).split()) for text in said) + 2
    assert found.meter.generated_tokens == outside + sum(map(sum, lengths))
    assert found.meter.critical_path_tokens == outside + sum(map(max, lengths))
    assert (found.grade, found.why) == (1, "" if lengths else "no threads were written")
    assert found.meter.prompt_tokens == sum(engine.most_prompt_tokens(one) for one in engine.asked)
    threads = [one.prefix for one in engine.asked if re.search(r"\d+:$", one.prefix)]
    assert all("w w" not in prefix.rpartition(marks[1])[2] for prefix in threads), "threads do not see each other"


@pytest.mark.parametrize("said", ["</Outlines>", "<Outlines><Outline>2: a</Outline></Outlines>", "<Outlines><Outline>1: a</Outlines>",
                                  "<Outlines><Outline>one</Outline></Outlines>", "<Outlines>" * 500 + "</Outlines>"])  # fmt: skip
def test_outlines_that_cannot_be_read_are_text_and_the_answer_says_so(speaking: Any, said: str) -> None:
    found = solve("fork_join", speaking(lambda p, x, n, r: "answer 3" if x else said), problem("1 2", "3"))
    assert (found.grade, found.why) == (1, "outlines could not be read; no threads were written")


def test_a_form_that_there_is_not_is_refused(speaking: Any) -> None:
    with pytest.raises(Refused, match="threads"):
        solve("fork_join", speaking(add), problem("1", "1"), form="thread")


# ---- parallel paths


def vote(prompt: str, prefix: str, tokens: int, rng: random.Random) -> str:
    """Right with a chance of 0.6; shown attempts, it gives the answer that most of them end with."""
    seen = re.findall(r"answer (\d)", prompt)
    if seen:
        return f"answer {max(sorted(set(seen)), key=seen.count)}"
    return "hm " * rng.randint(2, 9) + f"answer {0 if rng.random() < 0.6 else 1}"


def test_where_the_merge_is_a_majority_paths_come_to_its_binomial(speaking: Any) -> None:
    posed = [
        Problem(f"{i}", f"problem {i}", answer="0", sample_tokens=12, read=lambda text: text[-1:]) for i in range(400)
    ]
    found = sweep(posed, [find_strategy("parallel_paths")(paths=5)], [Budget(12 * 6)], speaking(vote), scorer=EXACT)
    expected = float(stats.binom.sf(2, 5, 0.6))
    assert np.mean([one.grade for one in found]) == pytest.approx(expected, abs=ERRORS * math.sqrt(0.25 / 400))
    assert {one.samples for one in found} == {5}


def test_all_tokens_of_paths_and_merge_count_and_a_shared_prompt_once(speaking: Any) -> None:
    merging = lambda p, x, n, r: "answer 0" if "Attempt" in p else "a b c answer 0"  # noqa: E731
    for opening, prompts in (("", 1), ("<{path}> ", 3)):
        found = solve(
            "parallel_paths", engine := speaking(merging), problem("two words", "0"), paths=3, opening=opening
        )
        assert len(engine.asked) == prompts + 1
        assert found.meter.prompt_tokens == sum(engine.most_prompt_tokens(one) for one in engine.asked)
        assert engine.most_prompt_tokens(engine.asked[-1]) > 3 * 5, "the merge reads all paths"
        assert (found.meter.generated_tokens, found.meter.critical_path_tokens, found.meter.calls) == (
            3 * 5 + 2,
            5 + 2,
            4,
        )


@pytest.mark.parametrize("chunk", [1, 4])
def test_in_chunks_all_paths_end_with_the_first(speaking: Any, chunk: int) -> None:
    """Paths of 5, 9 and 30 words: each has as many chunks as the shortest needs."""
    wanted = {"<1> ": 5, "<2> ": 9, "<3> ": 30}

    def script(prompt: str, prefix: str, tokens: int, rng: random.Random) -> str:
        if "Attempt" in prompt:
            return "answer 0"
        return " w" * (wanted[prefix[:4]] - len(prefix.split()) + 1)

    found = solve("parallel_paths", speaking(script), problem("x", "0"), paths=3, opening="<{path}> ", chunk=chunk)
    rounds = math.ceil(5 / chunk) * chunk
    assert found.meter.generated_tokens == 5 + 2 * rounds + 2
    assert found.meter.critical_path_tokens == rounds + 2


# ---- all of them


@pytest.mark.parametrize("name", ["parallel_paths", "spawn_join", "fork_join"])
def test_on_a_model_that_forks_nothing_they_come_to_plain_answers_and_say_so(name: str) -> None:
    engine, task = read_character_model(FOLDER / "strong.npz"), find_task("countdown")
    found = sweep(
        task.problems(30, difficulty=3), [find_strategy(name)()], [Budget(512)], engine, scorer=scorer_of(task)
    )
    engine.close()
    assert sum(one.grade or 0 for one in found) >= 8
    assert all(one.why for one in found)


def test_a_merge_without_an_answer_leaves_it_to_the_votes_of_the_paths(speaking: Any) -> None:
    mute = lambda p, x, n, r: "" if "Attempt" in p else "answer 0"  # noqa: E731
    found = solve("parallel_paths", speaking(mute), problem("x", "0"))
    assert (found.grade, found.votes, found.why) == (1, (4.0,), "no answer could be read in the merge: paths voted")
