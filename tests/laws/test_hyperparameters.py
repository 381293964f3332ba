"""Laws of learning rate and batch: what the published constants say, and where they differ."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.laws import published


def value(constants: str, **point: float) -> float:
    law, found = published(constants)
    return float(law.evaluate(found.values, point)[0])


def test_step_law_for_seven_billion_parameters() -> None:
    """7e9 parameters, 1.4e12 tokens, sequences of 2,048: rate 9.35e-4, batch 5.00e6 tokens, 2,440 sequences."""
    rate = value("step_learning_rate@steplaw-bootstrap-mean", params=7e9, tokens=1.4e12)
    batch = value("step_batch@steplaw-bootstrap-mean", tokens=1.4e12)
    assert rate == pytest.approx(9.35e-4, abs=5e-7)
    assert batch == pytest.approx(5.00e6, abs=5e3)
    assert round(batch / 2048) == 2440


def test_rounding_of_the_step_law_is_two_percent_at_most() -> None:
    for params, tokens in ((1e8, 2e9), (1e9, 2e10), (7e9, 1.4e12)):
        pairs = [
            [
                value(f"step_learning_rate@{key}", params=params, tokens=tokens)
                for key in ("steplaw", "steplaw-bootstrap-mean")
            ],
            [value(f"step_batch@{key}", tokens=tokens) for key in ("steplaw", "steplaw-bootstrap-mean")],
        ]
        for rounded, exact in pairs:
            assert rounded / exact == pytest.approx(1.0, abs=0.02)


def test_more_tokens_raise_the_rate_and_more_parameters_lower_it() -> None:
    rates = [[value("step_learning_rate@steplaw", params=n, tokens=d) for d in (1e10, 1e11)] for n in (1e8, 1e9)]
    assert rates[0][1] / rates[0][0] == pytest.approx(10**0.307)
    assert rates[1][0] / rates[0][0] == pytest.approx(10**-0.713)


def test_mixture_of_experts_wants_larger_batches_and_at_scale_a_lower_rate() -> None:
    """Tian et al. 2025, section 2.2, against the dense constants of Bi et al. 2024."""
    for flops in (1e20, 1e21, 1e22):
        assert value("compute_batch@ling-moe", flops=flops) > value("compute_batch@deepseek", flops=flops)
    rates = [value(f"compute_learning_rate@{key}", flops=1e22) for key in ("ling-moe", "deepseek")]
    assert rates[0] < rates[1]


def test_rate_of_the_ling_pilot_implies_more_compute_than_it_had() -> None:
    """Its 3.78e-4 is the formula's value at 6.3e22 FLOPs; 0.855e9 active parameters on 1e12 tokens are about 5e21."""
    law, constants = published("compute_learning_rate@ling-moe")
    flops = (constants.values["A"] / 3.78e-4) ** (1 / constants.values["b"])
    assert flops == pytest.approx(6.3e22, rel=0.02)
    assert law.evaluate(constants.values, {"flops": np.array([flops])}) == pytest.approx(3.78e-4)
    assert flops > 10 * 6 * 0.855e9 * 1e12
