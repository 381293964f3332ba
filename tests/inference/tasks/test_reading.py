"""Problems from a file of JSON lines: what is read, and how each mistake is told."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.inference.tasks import find_reader, read_problems
from allometry.notices import Refused


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.jsonl"


def test_every_field_is_read(path: Path) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "?"}]},
    ]
    line = {"id": 7, "messages": messages, "answer": {"a": 1}, "group": "g", "tools": [{"type": "function"}],
            "sample_tokens": 99, "data": {"k": 1}, "source": "elsewhere"}  # fmt: skip
    path.write_text(json.dumps(line))
    (problem,) = read_problems(path)
    assert (problem.id, problem.prompt, problem.answer, problem.group) == ("7", tuple(messages), {"a": 1}, "g")
    assert (problem.tools, problem.sample_tokens, problem.data) == (({"type": "function"},), 99, {"k": 1})


def test_what_editors_leave_in_a_file(path: Path) -> None:
    path.write_bytes('\ufeff{"prompt": "é\u2028?"}\r\n\r\n   \n{"prompt": "b", "id": null}\r\n'.encode())
    assert [(one.id, one.prompt) for one in read_problems(path)] == [("1", "é\u2028?"), ("4", "b")]


def test_limit_and_reader(path: Path) -> None:
    path.write_text('{"prompt": "a"}\n{"prompt": "b"}\nnot JSON\n')
    found = read_problems(path, limit=2, read=find_reader("number"))
    assert [one.prompt for one in found] == ["a", "b"]
    assert found[0].read("so 12") == 12
    with pytest.raises(Refused, match="0 problems are none"):
        read_problems(path, limit=0)


GOOD = '{"prompt": "a"}\n'


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2 is not JSON: Expecting property name"),
        ('{"prompt": "a", "answer": NaN}', "line 2 is not JSON: NaN is no number of JSON"),
        ("[" * 100_000, "line 2 is nested too deep"),
        ("[1]", "line 2 holds a list, not an object"),
        ('{"question": "a", "id": 3}', "line 2 has neither prompt nor messages, but question, id.*name the question `prompt`"),
        ("{}", "line 2 has neither prompt nor messages, but nothing"),
        ('{"prompt": "a", "messages": []}', "line 2 has both prompt and messages"),
        ('{"prompt": " "}', "line 2 has an empty prompt"),
        ('{"prompt": 3}', "line 2 has a number as its prompt.*give a text"),
        ('{"messages": "a"}', "line 2 has a text as its messages"),
        ('{"messages": []}', "line 2 has no messages"),
        ('{"messages": [{"content": "a"}]}', "line 2 has a message 1 without a role"),
        ('{"messages": ["a"]}', "line 2 has a message 1 without a role"),
        ('{"messages": [{"role": "user"}]}', "line 2 has a message 1 whose content is nothing"),
        ('{"prompt": "a", "id": [1]}', "line 2 has a list as its id"),
        ('{"prompt": "a", "id": true}', "line 2 has true or false as its id"),
        ('{"prompt": "a", "id": ""}', "line 2 has an empty text as its id"),
        ('{"prompt": "a", "id": "1"}', "line 2: the id '1' is there already"),
        ('{"prompt": "a", "group": 1.5}', "line 2 has a number as its group"),
        ('{"prompt": "a", "tools": {}}', "line 2 has an object as its tools"),
        ('{"prompt": "a", "tools": [1]}', "line 2 has a tool that is no object"),
        ('{"prompt": "a", "sample_tokens": 0}', "line 2 has sample_tokens of 0"),
        ('{"prompt": "a", "sample_tokens": true}', "line 2 has sample_tokens of True"),
        ('{"prompt": "a", "data": []}', "line 2 has a list as its data"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_with_its_line(path: Path, line: str, said: str) -> None:
    path.write_text(GOOD + line)
    with pytest.raises(Refused, match=said):
        read_problems(path)


def test_files_that_hold_nothing(path: Path) -> None:
    with pytest.raises(Refused, match="problems cannot be read: No such file"):
        read_problems(path)
    path.write_text("\n \n")
    with pytest.raises(Refused, match="the file holds no problems"):
        read_problems(path)
    path.write_bytes(b'{"prompt": "\xff"}')
    with pytest.raises(Refused, match="line 1 is not UTF-8"):
        read_problems(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["id", "prompt", "messages", "answer", "group", "tools", "sample_tokens", "data"])


@given(st.dictionaries(NAMES, JSON))
def test_whatever_a_line_holds_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, line: object) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_text(json.dumps(line))
    with suppress(Refused):
        hash(read_problems(path)[0].id)
