"""Requests that no engine could answer are refused; engines that lack an ability too, with what mends it."""

from __future__ import annotations

from typing import Any

import pytest

from allometry.inference.calls import ABILITIES, Abilities, Profile, Request, Response, check_needs, prompt_bound
from allometry.notices import Refused


@pytest.mark.parametrize(
    "wrong",
    [{"prompt": ""}, {"prompt": ()}, {"prompt": 5}, {"max_tokens": 0}, {"n": 0}, {"temperature": -1.0},
     {"temperature": float("nan")}, {"stop": ("",)}],
)  # fmt: skip
def test_wrong_requests(wrong: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        Request(**{"prompt": "q", "max_tokens": 4, **wrong})


def test_scoring_needs_no_tokens() -> None:
    assert Request("q", max_tokens=0, prefix="a", scored=True).scored


def test_a_list_of_messages_becomes_a_tuple() -> None:
    messages: Any = [{"role": "user", "content": "q"}]
    assert Request(messages, max_tokens=1).prompt == tuple(messages)


@pytest.mark.parametrize("ability", ABILITIES)
def test_a_missing_ability_is_refused_with_its_mend(ability: str) -> None:
    able = Profile("engine", Abilities(**dict.fromkeys(ABILITIES, True)))
    check_needs(able, [ability], "a strategy")
    lacks = Profile("engine", Abilities(mend={ability: "start it with --that"}))
    with pytest.raises(Refused, match=rf"a strategy needs {ability}.*start it with --that"):
        check_needs(lacks, [ability], "a strategy")


def test_the_bound_of_a_prompt_grows_with_everything_in_it() -> None:
    text = Request("häh", max_tokens=1, prefix="x")
    assert prompt_bound(text) == 5
    chat = Request(({"role": "user", "content": "hello"},), max_tokens=1)
    tools = Request(chat.prompt, max_tokens=1, tools=({"name": "a_tool"},))
    assert 5 < prompt_bound(chat) < prompt_bound(tools)


@pytest.mark.parametrize(
    ("finish", "cut"), [("stop", False), ("length", True), ("cancelled", True), ("tool_calls", False)]
)
def test_cut_off_answers_are_truncated(finish: Any, cut: bool) -> None:
    assert Response(finish=finish).truncated is cut
