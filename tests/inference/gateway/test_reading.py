"""Bodies and keys as a gateway reads them, without a server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.inference.gateway import Keys
from allometry.inference.gateway.asked import read_asked
from allometry.inference.gateway.faults import Fault
from allometry.inference.gateway.keys import DAY, Holder, digest

ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "2+2="}]}


def asked(form: Any = "chat", **more: Any) -> Any:
    return read_asked(json.dumps({**ASKED, **more}).encode(), "m", form)


def test_a_policy_of_texts_is_asked_by_one_message() -> None:
    assert asked("text").prompt == "2+2="
    for messages in (
        [*ASKED["messages"], *ASKED["messages"]],
        [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
    ):
        with pytest.raises(Fault, match="one message of the user"):
            asked("text", messages=messages)


def test_seeds_differ_unless_one_is_given() -> None:
    assert asked(seed=4).seed == 4
    assert len({asked().seed for _ in range(20)}) > 15


def test_what_asks_for_nothing_is_taken() -> None:
    found = asked(
        n=1, stop=None, tool_choice="auto", response_format={"type": "text"}, logit_bias={}, top_p=0.5, user="me"
    )
    assert found.ignored == ("top_p", "user")


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.none() | st.text(max_size=3), min_size=1, max_size=3))
def test_no_name_is_passed_over(more: dict[str, Any]) -> None:
    with pytest.raises(Fault, match="there is no parameter"):
        asked(**{f"x{name}": value for name, value in more.items()})


class Clock:
    now = 10 * DAY

    def __call__(self) -> float:
        return self.now


def test_limits_end_with_their_minute_and_their_day() -> None:
    clock, holder = Clock(), Holder("ann", 2, 100)
    keys = Keys({digest("key"): holder}, clock)
    assert keys.holder("Bearer key") is holder
    for seconds in (0, 30):
        clock.now = 10 * DAY + seconds
        keys.admit(holder)
    with pytest.raises(Fault, match="2 times a minute") as limited:
        keys.admit(holder)
    assert limited.value.headers == {"retry-after": "30"}
    clock.now = 10 * DAY + 60
    keys.admit(holder)
    holder.book(100)
    clock.now = 10 * DAY + 200
    with pytest.raises(Fault, match="100 tokens of the day"):
        keys.admit(holder)
    clock.now = 11 * DAY
    keys.admit(holder)


@pytest.mark.parametrize("header", [None, "", "key", "Bearer", "Bearer other", "Basic key", "Bearer k\u00e9y"])
def test_no_other_key_opens(header: str | None) -> None:
    with pytest.raises(Fault, match="no valid key") as refused:
        Keys({digest("key"): Holder("ann")}).holder(header)
    assert refused.value.status == 401
