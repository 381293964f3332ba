"""One budget over items with diminishing returns: sub-questions, stages, or questions, in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from allometry.notices import Refused, Step
from allometry.plans.ends import percent
from allometry.plans.questions.answer import Answer, Value

Array = NDArray[np.float64]

SCHEDULES: Mapping[str, Callable[[Array], Array]] = MappingProxyType({
    "uniform": lambda i: np.ones_like(i),
    "linear": lambda i: len(i) - i,
    "polynomial": lambda i: (len(i) - i) ** 2,
    "exponential": lambda i: 0.9**i,
    "cosine": lambda i: np.ones_like(i) if len(i) == 1 else 0.5 * (1 + np.cos(np.pi * i / (len(i) - 1))) + 0.1,
})  # fmt: skip
"""Weights by position in a chain of sub-questions (Lin et al. 2025, arXiv 2505.16122)."""


def best_shares(need: ArrayLike, ease: ArrayLike, total: float) -> Array:
    """The split (n,) of a total that makes the sum of need / b**ease least, exactly: b = (need ease / l)**(1 / (ease + 1)).

    Arguments: `need` (n,), the uncertainty at one token; `ease` (n,), the exponents with which tokens reduce it.
    Errors: `Refused` for what is not positive.
    Source: Lin et al. 2025, arXiv 2505.16122, the conditions of Karush, Kuhn and Tucker.

    >>> best_shares([1.0, 16.0], [1.0, 1.0], 100).round(9).tolist()
    [20.0, 80.0]
    """
    c, beta = np.broadcast_arrays(np.atleast_1d(np.asarray(need, float)), np.asarray(ease, float))
    for name, values in (("need", c), ("ease", beta), ("total", np.array([total]))):
        if not len(values) or not (np.isfinite(values) & (values > 0)).all():
            raise Refused("bad-value", f"{name} must be positive numbers", name, "give what each item needs, how easily it is "
                          "reduced, and the budget, all above 0")  # fmt: skip

    def logs(price: float) -> Array:
        return (np.log(c * beta) - price) / (beta + 1)

    def over(price: float) -> float:
        top = float(logs(price).max())
        return top + math.log(float(np.exp(logs(price) - top).sum())) - math.log(total)

    reach = (float(beta.max()) + 1) * (abs(math.log(total)) + math.log(len(c)) + 1)
    ends = np.log(c * beta)
    price = float(brentq(over, float(ends.min()) - reach - 1, float(ends.max()) + reach + 1, xtol=1e-13, rtol=8.9e-16))
    shares = np.exp(logs(price))
    return np.asarray(shares * (total / shares.sum()))


def scheduled(total: int, schedule: str, credits: ArrayLike) -> NDArray[np.int64]:
    """Whole tokens (n,) by a schedule over the positions, times a credit for each item; they sum to the total exactly.

    Shares are cut to whole tokens, and what is left goes one each to the largest weights.
    Source: Lin et al. 2025, arXiv 2505.16122, and its released code.

    >>> scheduled(100, "linear", [1, 1, 1]).tolist()
    [51, 33, 16]
    """
    if schedule not in SCHEDULES:
        raise Refused("bad-option", f"no schedule is called {schedule!r}", "schedule", f"use {', '.join(SCHEDULES)}")
    weights = np.asarray(credits, float) * SCHEDULES[schedule](np.arange(len(np.atleast_1d(credits)), dtype=float))
    return whole(weights / weights.sum(), total)


def whole(shares: Array, total: int) -> NDArray[np.int64]:
    """Whole numbers (n,) in the proportion of shares that sum to the total; the rest goes to the largest shares."""
    cut = np.floor(shares * total + 1e-9).astype(np.int64)
    order = np.argsort(-shares, kind="stable")
    cut[order[: int(total - cut.sum())]] += 1
    return cut


def efficiency(accuracy: float, tokens: float) -> float:
    """E3, accuracy squared over the mean tokens of an answer (Lin et al. 2025, arXiv 2505.16122).

    >>> efficiency(0.5, 1000.0)
    0.00025
    """
    return accuracy**2 / tokens


def split_budget(
    need: Sequence[float], ease: Sequence[float], total: int, names: Sequence[str] | None = None
) -> Answer:
    """The split of a token budget over sub-questions that leaves the least uncertainty, beside five schedules.

    Use it where each item's uncertainty falls as need / tokens**ease, fitted or judged. Not where items depend on each
    other, or where further tokens make an answer worse.
    Arguments: `need` and `ease`, one of each item, `total` whole tokens, at least one for each item.
    Errors: `Refused` for numbers that cannot be.

    >>> split_budget([1.0, 16.0], [1.0, 1.0], 100).sentence
    'the best split leaves an uncertainty of 0.25, 26.5% below an even one'
    """
    if total < len(need) or len(need) != len(ease):
        raise Refused("bad-value", f"{total} tokens cannot be split over {len(need)} items with {len(ease)} exponents", "the budget",
                      "give at least one token for each item, and one exponent each")  # fmt: skip
    c, beta = np.asarray(need, float), np.asarray(ease, float)
    best = 1 + whole(best_shares(c, beta, total) / total, total - len(c))  # an item without a token stays unknown
    tried = {"best": best, **{name: scheduled(total, name, np.ones(len(c))) for name in SCHEDULES}}
    left = {name: float((c / np.maximum(tokens, 1) ** beta).sum()) for name, tokens in tried.items()}
    saved = 1 - left["best"] / left["uniform"]
    titles = names or [str(i + 1) for i in range(len(c))]
    rows: list[dict[str, Value]] = [
        {
            "item": title,
            "need": float(c[i]),
            "ease": float(beta[i]),
            **{f"{name}, tokens": float(t[i]) for name, t in tried.items()},
        }
        for i, title in enumerate(titles)
    ]
    return Answer(
        question="one budget over items",
        sentence=f"the best split leaves an uncertainty of {left['best']:.4g}, {percent(saved)} below an even one",
        rows=tuple(rows), figures={"total": total, **{f"uncertainty, {name}": value for name, value in left.items()}},
        steps=(
            Step("uncertainty", "the sum of need / tokens**ease over items, each on its own", "assumed"),
            Step("best split", "b = (need ease / l)**(1 / (ease + 1)), with l such that all tokens are spent; cut to whole "
                 "tokens (Lin et al. 2025, arXiv 2505.16122)", "published"),
            Step("schedules", "by position alone, as that paper compares them", "published"),
        ),
    )  # fmt: skip
