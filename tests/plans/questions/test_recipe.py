"""Learning rates and batches, as their laws say."""

from __future__ import annotations

import pytest

from allometry.notices import Refused
from allometry.plans.questions import recipe


def test_recipes_are_the_laws_side_by_side() -> None:
    found = recipe(1e9, 1e11)
    assert found.rows[0]["learning rate"] == pytest.approx(1.79 * 1e9**-0.713 * 1e11**0.307)
    assert [row["by"] for row in found.rows] == ["steplaw", "deepseek", "ling-moe"]
    assert found.rows[0]["steps"] * found.rows[0]["batch, tokens"] == pytest.approx(1e11)
    with pytest.raises(Refused):
        recipe(0.0, 1e11)
