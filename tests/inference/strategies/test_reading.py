"""Strategies as people write them."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from allometry.inference.strategies import list_strategies, read_strategy
from allometry.inference.verifiers import Grader, confidence, find_grader
from allometry.notices import Refused


def test_arguments_are_values_graders_votes_and_weights() -> None:
    found = read_strategy("best_of_n(samples=4, temperature=0.6, selector=numeric)", find_grader)
    assert found.arguments["samples"] == 4
    assert isinstance(found.arguments["selector"], Grader)
    voted = read_strategy("self_consistency(weight=confidence, vote=number)", find_grader)
    assert voted.arguments["weight"] is confidence
    assert voted.needs == ("logprobs",)
    assert read_strategy("self_consistency(tokens=none, prefix='a=1')", find_grader).arguments["prefix"] == "a=1"
    assert read_strategy("self_consistency(weight=exact)", find_grader).selector == "exact"


def test_what_a_task_gives_is_used_and_not_shown() -> None:
    usual = {"budget_forcing": {"end": "\n=", "opening": ""}}
    found = read_strategy("budget_forcing(waits=1)", find_grader, usual)
    assert (found.arguments["end"], found.label) == ("\n=", "budget_forcing(waits=1)")
    assert read_strategy("budget_forcing(end='#')", find_grader, usual).arguments["end"] == "#"


def test_two_that_differ_in_what_is_not_shown_are_two() -> None:
    one = read_strategy("budget_forcing", find_grader)
    other = read_strategy("budget_forcing", find_grader, {"budget_forcing": {"end": "#"}})
    assert one.label == other.label
    assert one.identity != other.identity


def test_a_label_is_read_back_as_the_same_strategy() -> None:
    for name, maker in list_strategies().items():
        lacking = ", ".join(f"{argument}=exact" for argument, p in maker.parameters.items() if p.default is p.empty)
        text = f"{name}({lacking})"
        found = read_strategy(text, find_grader)
        assert read_strategy(found.label, find_grader).identity == found.identity


@given(st.text(max_size=60))
def test_no_text_is_run_and_none_breaks_it(text: str) -> None:
    for words in (text, f"greedy({text})", f"best_of_n(selector={text})"):
        with contextlib.suppress(Refused):
            read_strategy(words, find_grader)
