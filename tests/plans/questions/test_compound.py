"""Compound scaling of convolutional networks: counted exponents against predicted ones."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.costs import Convolutional
from allometry.notices import Refused
from allometry.plans.questions import NETWORKS, compound, exponents, factors, scaled


@pytest.mark.parametrize("alpha", [1 / 3, 0.5, 0.8, 1.0])
def test_counted_activations_grow_as_predicted(alpha: float) -> None:
    """Dollar et al. 2021, arXiv 2103.06877: s**((2-alpha)/2), to 2% of the exponent where stages are deep.

    The first block of a stage runs at twice the resolution and has a projection, and depth does not repeat it: on RegNetX of
    1 to 12 blocks a stage the counted exponents of activations are up to 8% lower.
    """
    deep = Convolutional((40, 80, 280, 480), (320, 640, 1600, 3840), (160,) * 4, 896)
    for base, least in ((deep, 0.98), (NETWORKS["regnetx-400mf"], 0.92)):
        counted = [scaled(base, s, alpha).counts() for s in 2.0 ** np.arange(0, 9)]
        flops, activations, params = (
            np.log([getattr(c, n) for c in counted]) for n in ("flops", "activations", "params")
        )
        assert least <= np.polyfit(flops, activations, 1)[0] / exponents(alpha)["activations"] <= 1.02
        assert np.polyfit(flops, params, 1)[0] == pytest.approx(exponents(alpha)["params"], rel=0.02)


def test_fast_scaling_is_the_published_split() -> None:
    """Its code's d1_w8_g8_r1: depth s**0.1, width and groups s**0.4, resolution s**0.05."""
    found = factors(50, 0.8)
    assert found == pytest.approx({"depth": 50**0.1, "width": 50**0.4, "group": 50**0.4, "resolution": 50**0.05})
    assert found["depth"] * found["width"] ** 2 * found["resolution"] ** 2 == pytest.approx(50)
    assert scaled(NETWORKS["regnetx-400mf"], 1.0, 0.8) == NETWORKS["regnetx-400mf"]
    assert len(compound(NETWORKS["regnetx-200mf"], 4).rows) == 4
    for times, alpha in ((0.0, 0.5), (2.0, 1.5)):
        with pytest.raises(Refused):
            factors(times, alpha)
