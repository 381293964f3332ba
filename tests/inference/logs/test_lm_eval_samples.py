"""Samples as the lm-evaluation-harness writes them, of today and of before, and what strategies make of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from allometry.inference import Budget, find_strategy, sweep
from allometry.inference.engines import read_logged
from allometry.inference.logs import is_log, read_log
from allometry.inference.tasks import read_problems
from allometry.inference.verifiers import find_grader
from allometry.notices import Refused

SETTINGS = {"until": ["Question:"], "do_sample": True, "temperature": 0.6, "max_gen_toks": 128}


def sample(
    doc: int, answers: list[str], target: str, *, named: bool = True, filter: str = "strict", **settings: Any
) -> str:
    request = [f"Question: {doc}?\nAnswer:", {**SETTINGS, **settings}]
    arguments = {"gen_args_0": {"arg_0": request[0], "arg_1": request[1]}} if named else [request]
    return json.dumps({
        "doc_id": doc, "doc": {"q": "?"}, "target": target, "arguments": arguments, "resps": [answers],
        "filtered_resps": answers[:1], "filter": filter, "metrics": ["exact_match"], "exact_match": 1.0,
    })  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "org__model"
    folder.mkdir()
    return folder / "samples_gsm8k_cot_2026-01-02T03-04-05.123456.jsonl"


@pytest.mark.parametrize("named", [True, False])
def test_problems_and_strategies(path: Path, named: bool) -> None:
    lines = [
        sample(0, ["so 4", "so 5", "so 4"], "2+2=4\n#### 4", named=named),
        sample(1, ["9", "8", "9"], "#### 9", named=named),
        sample(0, ["so 4", "so 5", "so 4"], "2+2=4\n#### 4", named=named, filter="flexible"),
    ]
    path.write_text("\n".join(lines))
    assert is_log(path)
    grader = find_grader("numeric")
    problems = read_problems(path, read=grader.read)
    assert [(one.id, one.prompt, one.sample_tokens) for one in problems] == [
        ("0", "Question: 0?\nAnswer:", 128), ("1", "Question: 1?\nAnswer:", 128),
    ]  # fmt: skip
    assert problems[0].data == {"task": "gsm8k_cot"}
    log = read_log(path)
    assert (log.model, log.temperature, [len(one.samples) for one in log.problems]) == ("org__model", 0.6, [3, 3])
    engine = read_logged(path)
    swept = sweep(problems, [find_strategy("self_consistency")()], [Budget(calls=3)], engine, scorer=grader)
    assert [(one.grade, one.samples, one.votes) for one in swept] == [(1.0, 3, (2.0, 1.0))] * 2
    assert "generated" in swept[0].meter.estimated
    # no more than there are, whatever the budget
    more = sweep(problems, [find_strategy("best_of_n")(selector=grader)], [Budget(calls=9)], engine, scorer=grader)
    assert [one.samples for one in more] == [3, 3]


def test_samples_of_one_temperature_do_not_pass_for_those_of_another(path: Path) -> None:
    path.write_text(sample(0, ["4"], "4", do_sample=False))
    problems, greedy = read_problems(path), find_strategy("greedy")()
    swept = sweep(problems, [greedy, find_strategy("self_consistency")()], [Budget(calls=1)], read_logged(path))
    assert [one.state for one in swept] == ["answered", "failed"]
    path.write_text(sample(0, ["4"], "4"))
    swept = sweep(problems, [greedy], [Budget(calls=1)], read_logged(path))
    assert (swept[0].state, swept[0].response) == ("failed", None)


def test_chats_and_likelihoods(path: Path) -> None:
    messages = [{"role": "user", "content": "2+2?"}]
    chat = {
        "doc_id": 0,
        "target": "4",
        "arguments": {"gen_args_0": {"arg_0": [json.dumps(messages)], "arg_1": {}}},
        "resps": [["4", ""]],
    }
    choices = {"doc_id": 1, "target": "1", "arguments": {"gen_args_0": {"arg_0": "Q", "arg_1": " a"}, "gen_args_1": {"arg_0": "Q", "arg_1": " b"}},
               "resps": [[["-1.0", "False"]], [["-2.0", "False"]]]}  # fmt: skip
    path.write_text(json.dumps(chat) + "\n" + json.dumps(choices) + "\n")
    log = read_log(path)
    assert log.problems[0].prompt == tuple(messages)
    assert ([len(one.samples) for one in log.problems], log.left, log.temperature) == ([1, 0], 1, None)
    path.write_text(json.dumps(choices))
    with pytest.raises(Refused, match="no samples of gsm8k_cot can be given again"):
        read_logged(path)


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("{", "line 2 is no sample"), ("[]", "line 2 is no sample"), ('{"prompt": "a"}', "line 2 is no sample"),
        ('{"doc_id": 1, "target": "4", "arguments": []}', "line 2 does not say what was asked"),
        ('{"doc_id": 1, "target": "4", "arguments": [[""]]}', "line 2 does not say what was asked"),
        ('{"doc_id": 1, "target": "4", "arguments": 7}', "line 2 does not say what was asked"),
        ('{"doc_id": 1, "target": "4", "arguments": {"a": {}}}', "line 2 does not say what was asked"),
    ],
)  # fmt: skip
def test_damaged_files(path: Path, second: str, said: str) -> None:
    path.write_text(sample(0, ["4"], "4") + "\n" + second)
    with pytest.raises(Refused, match=said):
        read_problems(path)
