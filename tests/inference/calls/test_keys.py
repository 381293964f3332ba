"""A key changes with everything an answer may depend on, and with nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.inference.calls import Place, Recorder, Request, canonical, digest
from allometry.inference.records import Records
from allometry.notices import Refused

BASE = Request("q", max_tokens=8)


def key(request: Request = BASE, engine: str = "e", seed: int = 0, problem: str = "p", strategy: str = "s",
        path: tuple[int, ...] = ()) -> int:  # fmt: skip
    place = Place.root(seed, problem, strategy)
    for index in path:
        for _ in range(index):
            place.child()
        place = place.child()
    return Recorder(Records(), "episode", problem, strategy, seed).family(place, engine, request).key


CHANGES: dict[str, Any] = {
    "prompt": {"request": replace(BASE, prompt="r")},
    "messages": {"request": replace(BASE, prompt=({"role": "user", "content": "q"},))},
    "prefix": {"request": replace(BASE, prefix="x")},
    "max_tokens": {"request": replace(BASE, max_tokens=9)},
    "temperature": {"request": replace(BASE, temperature=0.5)},
    "stop": {"request": replace(BASE, stop=("\n",))},
    "tools": {"request": replace(BASE, tools=({"name": "t"},))},
    "schema": {"request": replace(BASE, schema={"type": "object"})},
    "options": {"request": replace(BASE, options={"top_k": 1})},
    "engine": {"engine": "f"},
    "seed": {"seed": 1},
    "problem": {"problem": "q"},
    "strategy": {"strategy": "s(k=2)"},
    "path": {"path": (0,)},
    "other path": {"path": (1,)},
    "deep path": {"path": (0, 0)},
}


def test_everything_an_answer_depends_on_is_in_the_key() -> None:
    keys = [key(), *(key(**change) for change in CHANGES.values())]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("change", [{"n": 7}, {"seed": 99}])
def test_the_number_of_samples_and_the_seed_it_is_given_are_not(change: dict[str, int]) -> None:
    assert key(replace(BASE, **change)) == key()


def test_the_key_is_the_same_in_every_process_and_release() -> None:
    """Records would be lost by a change here: then the format gets a new version, and old ones a migration."""
    assert key() == 0xE99E2E282C27CCEC42469ED9DC46978D


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_no_parts_pass_for_others(a: list[str], b: list[str]) -> None:
    assert (digest(*a) == digest(*b)) == (a == b)


def test_what_json_cannot_hold_is_refused() -> None:
    for value in ({1, 2}, float("nan"), object()):
        with pytest.raises(Refused, match="cannot be kept as JSON"):
            canonical(value)
