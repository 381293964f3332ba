"""Shares are shares: values outside 0 and 1, and mixtures that hold more than there is, are refused."""

from __future__ import annotations

import pytest

from allometry.laws import find_law, laws_on
from allometry.notices import Refused


@pytest.mark.parametrize(
    ("shares", "message"), [((5.0, -3.0), "share_1 is a share"), ((0.9, 0.9), "share sum to more than 1")]
)
def test_impossible_mixtures(shares: tuple[float, float], message: str) -> None:
    law = find_law("data_mixing")
    values = next(iter(law.published.values())).values
    with pytest.raises(Refused, match=message):
        law.evaluate(values, {"share_1": shares[0], "share_2": shares[1]})
    assert law.evaluate(values, {"share_1": 0.25, "share_2": 0.75}).shape == (1,)


def test_a_percentage_is_not_a_share() -> None:
    law = find_law("moe_leverage")
    with pytest.raises(Refused, match="activation is a share"):
        law.evaluate(law.published["ling"].values, {"activation": 3.1, "granularity": 12, "flops": 1e22})


@pytest.mark.parametrize(("text", "meant"), [("lr", "learning_rate"), ("N", "params"), ("tokns", "tokens")])
def test_a_search_that_finds_nothing_says_what_was_meant(text: str, meant: str) -> None:
    with pytest.raises(Refused, match=rf"no law takes or predicts '{text}'.*\b{meant}\b"):
        laws_on(text)
