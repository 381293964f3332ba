"""How to train what is planned: learning rate and batch, and how often the data are repeated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from allometry.laws import published
from allometry.notices import Interval, Step
from allometry.plans.chain import shown
from allometry.plans.terms import TOKENS

RATE_LAW, BATCH_LAW = "step_learning_rate@steplaw", "step_batch@steplaw"
UNIQUE = "unique_tokens"


def recipe_steps(size: str, at: Mapping[str, Interval]) -> Iterable[Step]:
    """Peak learning rate and batch by the Step Law, and epochs where the law counts unique tokens.

    Source: Li et al. 2025, arXiv 2503.04715. Its parameters are counted without embeddings; here the plan's own count is
    used.
    """
    counted = "" if size == "non_embedding_params" else f"; {size} taken for parameters without embeddings"
    rate, batch = _by_law(RATE_LAW, size, at), _by_law(BATCH_LAW, size, at)
    yield Step("recipe", f"peak learning rate {shown(rate, 3)}, batch of {shown(batch, 3)} tokens at the plan, by the Step Law "
               f"({RATE_LAW}, {BATCH_LAW}); a schedule that decays to 1e-5{counted}; beyond the sizes "
               "swept there it is an extrapolation", "published")  # fmt: skip
    unique, tokens = at.get(UNIQUE), at[TOKENS].value
    if unique is not None and unique.value and tokens:
        epochs = tokens / unique.value
        text = "the data are not repeated" if epochs <= 1 else f"the data are repeated: {epochs:.3g} epochs"
        yield Step("data", f"{text} of {unique.value:.4g} unique tokens", "assumed")


def _by_law(name: str, size: str, at: Mapping[str, Interval]) -> Interval:
    """The law's published constants at the plan."""
    law, constants = published(name)
    point = {"params": at[size].value or 0.0, TOKENS: at[TOKENS].value or 0.0}
    return Interval(float(law.evaluate(constants.values, {axis: [point[axis]] for axis in law.axes})[0]))
