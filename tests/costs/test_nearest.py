"""The nearest buildable decoder: known models come out again, and the count is close."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allometry.costs import nearest_shape
from allometry.notices import Refused


def test_known_models_come_out_again() -> None:
    llama = nearest_shape(6.74e9, 32000, tied=False).shape
    assert (llama.layers, llama.width, llama.heads) == (32, 4096, 32)
    gpt3 = nearest_shape(174.6e9, 50257).shape
    assert (gpt3.layers, gpt3.width, gpt3.heads) == (96, 12288, 96)


@settings(max_examples=40, deadline=None)
@given(st.floats(1e8, 1e13), st.sampled_from(["total", "non-embedding"]), st.booleans())
def test_counts_are_within_two_percent_at_a_sane_aspect(params: float, convention: str, tied: bool) -> None:
    found = nearest_shape(params, 32000, convention, tied=tied)
    assert abs(math.log(found.counted / params)) < 0.03
    assert 1 / 2.5 < found.shape.width / found.shape.layers / 128 < 2.5
    assert found.shape.heads * found.shape.head_size == found.shape.width


def test_both_counts_are_named_and_the_asked_one_is_met() -> None:
    total, without = nearest_shape(1e9, 150_000), nearest_shape(1e9, 150_000, "non-embedding")
    assert total.counted == total.counts.total
    assert without.counted == without.counts.non_embedding
    assert without.counts.total > 1.1e9
    assert set(without.as_json()["params"]) == {"total", "non-embedding"}  # type: ignore[call-overload]
    json.dumps(without.as_json(), allow_nan=False)


def test_laptop_sizes_get_small_heads() -> None:
    found = nearest_shape(1e5, 256)
    assert found.shape.head_size == 16
    assert found.counted == pytest.approx(1e5, rel=0.05)
    assert nearest_shape(1e5, 256, head_size=32).shape.head_size == 32


def test_assumptions_are_said() -> None:
    text = " ".join(nearest_shape(7e9, 32000, aspect=64).assumed)
    assert "64 times the layers" in text
    assert "8/3" in text


@pytest.mark.parametrize(
    ("params", "vocab", "convention", "code"),
    [
        (0.0, 100, "total", "bad-params"),
        (math.inf, 100, "total", "bad-params"),
        (1e6, 0, "total", "bad-vocab"),
        (1e6, 100, "active", "unknown-convention"),
        (1e5, 1_000_000, "total", "no-shape"),
    ],
)
def test_what_cannot_be_built_is_refused(params: float, vocab: int, convention: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        nearest_shape(params, vocab, convention)
    assert refused.value.code == code
