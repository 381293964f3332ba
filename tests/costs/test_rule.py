"""The FLOPs rule and which axes it applies to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.costs import (
    FLOPS_PER_PARAMETER_AND_TOKEN,
    Shape,
    compute_of,
    forward_flops_per_token,
    rule_flops,
    rule_partner,
    size_axis,
)


def test_whole_numbers_do_not_overflow() -> None:
    assert rule_flops(10**12, 10**14) == pytest.approx(6e26)
    assert rule_flops(np.array([10**12]), np.array([10**14]))[0] == pytest.approx(6e26)


@given(st.floats(1e3, 1e13), st.floats(1e3, 1e15))
def test_partner_undoes_the_rule(params: float, tokens: float) -> None:
    assert float(rule_partner(rule_flops(params, tokens), params)) == pytest.approx(tokens)


def test_the_rule_is_the_exact_count_without_attention_and_embedding() -> None:
    shape = Shape(layers=12, width=768, heads=12, head_size=64, ffn=2048, vocab=1)
    exact = 3 * forward_flops_per_token(shape, context=1)
    parts = shape.parameters()
    matrices = parts.attention + parts.feed_forward
    assert exact == pytest.approx(float(rule_flops(matrices, 1)), rel=1e-3)


def test_compute_prefers_the_rule_and_falls_back_to_the_flops_axis() -> None:
    by_rule = compute_of({"non_embedding_params": [2.0], "tokens": [3.0], "flops": [99.0]})
    assert by_rule is not None
    assert by_rule.tolist() == [6.0 * FLOPS_PER_PARAMETER_AND_TOKEN]
    given_flops = compute_of({"params": [2.0], "flops": [99.0]})
    assert given_flops is not None
    assert given_flops.tolist() == [99.0]
    assert compute_of({"params": [2.0], "streams": [4.0]}) is None


def test_params_come_first_among_the_sizes() -> None:
    assert size_axis(("tokens", "active_params", "params")) == "params"
    assert size_axis(("tokens", "flops")) is None
