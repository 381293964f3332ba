"""The learned verifier: its file, what it reads, and that the one shipped is worth something on problems it never saw."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from allometry.inference.calls import Budget, Response
from allometry.inference.engines import find_engine
from allometry.inference.engines.embedded import read_weights
from allometry.inference.engines.find import FOLDER
from allometry.inference.strategies import find_strategy
from allometry.inference.sweeps import auc, sweep
from allometry.inference.tasks import Problem, find_task
from allometry.inference.verifiers import check_problems, find_grader
from allometry.inference.verifiers.reward import Head, Reading, fits_tasks, read_head, shipped_head, write_head
from allometry.inference.verifiers.reward.scoring import SHIPPED
from allometry.notices import Refused

COUNTDOWN = Problem("1", "C2,14,25,29>55:", data={"numbers": [2, 14, 25, 29], "target": 55})
SOLUTION = "29-14=15:2,15,25\n2*15=30:25,30\n25+30=55:55\n"


def grade(problem: Problem, *responses: Response) -> list[float]:
    check = find_grader("reward").check
    assert check is not None
    return [check(problem, response) for response in responses]


@pytest.fixture
def head() -> Head:
    rng = np.random.default_rng(0)
    arrays = {"mean": np.zeros(3), "scale": np.ones(3), "hidden.weight": rng.standard_normal((3, 4)),
              "hidden.bias": np.zeros(4), "out.weight": rng.standard_normal(4), "out.bias": np.array(0.5)}  # fmt: skip
    return Head("a model", {name: array.astype(np.float32) for name, array in arrays.items()}, "made here")


def test_a_head_comes_back_from_its_file_and_computes_the_same(head: Head, tmp_path: Path) -> None:
    write_head(tmp_path / "head.npz", head)
    found = read_head(tmp_path / "head.npz")
    features = np.random.default_rng(1).standard_normal((5, 3)).astype(np.float32)
    assert found.model == "a model"
    assert found.chance(features).tolist() == head.chance(features).tolist()
    a = head.arrays
    by_hand = np.maximum(features @ a["hidden.weight"], 0) @ a["out.weight"] + 0.5
    assert head.chance(features) == pytest.approx(1 / (1 + np.exp(-by_hand)), rel=1e-6)


def test_damaged_heads_are_refused(head: Head, tmp_path: Path) -> None:
    path = tmp_path / "head.npz"
    with pytest.raises(Refused, match="no head"):
        read_head(path)
    path.write_bytes(b"nothing")
    with pytest.raises(Refused, match="no head"):
        read_head(path)
    for name, array in (("out.weight", np.zeros(3)), ("scale", np.zeros(3)), ("hidden.bias", np.full(4, np.nan))):
        write_head(path, replace(head, arrays={**head.arrays, name: array.astype(np.float32)}))
        with pytest.raises(Refused):
            read_head(path)
    write_head(path, head)
    check = find_grader(f"reward:{path}").check
    assert check is not None
    with pytest.raises(Refused, match="reads states of"):
        check(COUNTDOWN, Response(SOLUTION))


def test_the_shipped_head_is_the_one_its_provenance_tells_of() -> None:
    told = json.loads(files("allometry.inference.verifiers").joinpath("reward/provenance.json").read_text())
    contents = SHIPPED.read_bytes()
    assert told["files"]["head.npz"] == {"bytes": len(contents), "sha256": hashlib.sha256(contents).hexdigest()}
    assert len(contents) < 300_000
    assert shipped_head().model == told["model"] == read_weights(FOLDER / "strong.npz").identity


def test_features_of_a_beginning_do_not_hang_on_what_follows() -> None:
    reading = Reading(read_weights(FOLDER / "strong.npz"))
    whole = reading.features(str(COUNTDOWN.prompt), SOLUTION)
    lines = SOLUTION.splitlines(keepends=True)
    assert len(whole) == 4
    for i in range(4):
        assert reading.features(str(COUNTDOWN.prompt), "".join(lines[:i]))[-1] == pytest.approx(whole[i], abs=1e-4)


def test_beginnings_are_graded_and_answers_that_end_within_a_line_are_worth_nothing() -> None:
    right, wrong = SOLUTION, "29-14=15:2,15,25\n2*15=30:25,30\n30-25=5:5\n"
    begun, cut, torn = (Response(SOLUTION[:20], finish=f) for f in ("length", "length", "stop"))
    good, bad, first, same, none = grade(COUNTDOWN, Response(right), Response(wrong), begun, cut, torn)
    assert 0 < bad < good < 1
    assert first == same > 0
    assert none == 0
    stopped = Response(SOLUTION[:16], stopped_by="\n")
    assert grade(COUNTDOWN, stopped) == grade(COUNTDOWN, Response(SOLUTION[:17], finish="length"))


def test_it_tells_right_from_wrong_on_problems_it_never_saw() -> None:
    task = find_task("countdown")
    engine = find_engine("embedded")
    scores, right = [], []
    problems = task.problems(25, seed=11)
    one = find_strategy("self_consistency")(samples=1)
    for outcome in sweep(problems, [one], [Budget(calls=1)], engine, seeds=3):
        problem = next(each for each in problems if each.id == outcome.problem)
        assert outcome.response is not None
        scores += grade(problem, outcome.response)
        right.append(task.right_answer(problem, outcome.response.content))
    assert auc(np.array(scores), np.array(right)) > 0.65


def test_other_problems_are_refused_before_anything_is_spent() -> None:
    with pytest.raises(Refused, match="built-in tasks"):
        check_problems(find_grader("reward"), [Problem("1", "2+2=")])
    assert not fits_tasks(({"role": "user", "content": "A1+1:"},))
    for name in ("countdown", "chain", "lookup", "horizon"):
        assert all(fits_tasks(problem.prompt) for problem in find_task(name).problems(20))


@pytest.mark.parametrize("name", ["beam", "dvts", "rebase", "particle_filter"])
def test_searches_are_led_by_it(name: str) -> None:
    strategy = find_strategy(name)(verifier=find_grader("reward"))
    found = sweep(
        find_task("lookup").problems(2, difficulty=2),
        [strategy],
        [Budget(generated_tokens=64)],
        find_engine("embedded"),
    )
    assert all(outcome.selector_kind == "learned" and not outcome.oracle for outcome in found)
    assert all(outcome.answer for outcome in found)
