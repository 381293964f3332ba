"""How many pools to keep, by the constants that were released."""

from __future__ import annotations

import pytest

from allometry.fits import published_fit
from allometry.notices import Refused
from allometry.plans.questions import filtering


def test_pools_are_kept_as_the_released_constants_say() -> None:
    """Goyal et al. 2024, arXiv 2404.07177: filter hard at little compute, less at more; the values of its released code."""
    found = filtering(published_fit("quality_mixture_early_floor@tmars"), 1.28e7, [3.2e7, 1.28e8])
    assert [row["pools"] for row in found.rows] == [1, 2]
    assert [found.rows[1][f"error of {count}"].value for count in (1, 2, 3)] == pytest.approx(
        [0.7127100, 0.7040003, 0.7323404], abs=1e-7
    )
    for wrong in (("chinchilla@epoch", 1e7), ("quality_mixture_early_floor@tmars", 0.0)):
        with pytest.raises(Refused):
            filtering(published_fit(wrong[0]), wrong[1], [1e8])
