"""Two test-time strategies measured at budgets: which is better at an equal budget, and from where on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from allometry.notices import Interval, Notice, Refused, Step
from allometry.plans.questions.answer import Answer, Value

Array = NDArray[np.float64]
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Measured:
    """Accuracies (n,), as shares, of one strategy at rising budgets (n,) of any one unit, over so many problems."""

    name: str
    budgets: tuple[float, ...]
    accuracy: tuple[float, ...]
    problems: int

    def __post_init__(self) -> None:
        cost, share = np.array(self.budgets, float), np.array(self.accuracy, float)
        fine = len(cost) == len(share) >= 2 and np.all(np.diff(cost) > 0) and cost[0] > 0
        if not (fine and np.isfinite(cost).all() and ((share >= 0) & (share <= 1)).all() and self.problems > 0):
            raise Refused("bad-value", f"{self.name} needs two or more rising budgets, and a share of problems right at each", self.name,
                          "sort by budget, give shares from 0 to 1, and the number of problems")  # fmt: skip

    def at(self, budgets: ArrayLike) -> tuple[Array, Array]:
        """Accuracy and its standard error at budgets (k,), on straight lines over the logarithm of the budget."""
        p = np.interp(np.log(np.asarray(budgets, float)), np.log(self.budgets), self.accuracy)
        return p, np.sqrt(p * (1 - p) / self.problems)


def compare_strategies(first: Measured, second: Measured, *, level: float = 0.9) -> Answer:
    """The gap between two strategies at every measured budget that both cover, with intervals, and where it turns.

    Use it for sequential against parallel search, or any two strategies in one unit of cost such as `generation_macs`. Not
    beyond the budgets of either: nothing is extrapolated. Problems are taken as different draws; on the same problems the
    intervals are too wide.
    Arguments: both measured; `level` of the intervals of the gap, from the binomial error of both.
    Errors: `Refused` where the budgets do not overlap.
    Source: Qin et al. 2025, arXiv 2504.07052, compares so at matched FLOPs.

    >>> found = compare_strategies(Measured("a", (1, 10), (0.2, 0.8), 200), Measured("b", (1, 10), (0.4, 0.5), 200))
    >>> found.sentence
    'b is better up to a budget of 2.512, a beyond'
    """
    low, high = max(first.budgets[0], second.budgets[0]), min(first.budgets[-1], second.budgets[-1])
    if low >= high:
        raise Refused(
            "no-overlap", f"{first.name} ends where {second.name} begins", "the budgets", "measure both at common ones"
        )
    places = np.unique([low, high, *(b for one in (first, second) for b in one.budgets if low < b < high)])
    (p, p_error), (q, q_error) = first.at(places), second.at(places)
    half = norm.ppf(0.5 + level / 2) * np.hypot(p_error, q_error)
    rows: list[dict[str, Value]] = [
        {"budget": float(b), first.name: float(one), second.name: float(other), "gap": Interval(float(one - other), float(one - other - w), float(one - other + w)),
         "better": _word(first.name, second.name, float(one - other), float(w))}
        for b, one, other, w in zip(places, p, q, half, strict=True)
    ]  # fmt: skip
    turns = _turns(places, p - q)
    return Answer(
        question="two strategies at equal budgets", sentence=_sentence(first.name, second.name, p - q, turns) + ("" if (np.abs(p - q) > half).any() else "; at none can they be told apart"), rows=tuple(rows),
        figures={f"turn {i + 1}": turn for i, turn in enumerate(turns)},
        steps=(
            Step("accuracies", f"{first.name} over {first.problems} problems, {second.name} over {second.problems}", "measured"),
            Step("between budgets", "straight lines over the logarithm of the budget; nothing beyond those measured", "assumed"),
            Step("intervals", f"{level:.0%}, binomial errors of both, problems taken as different", "assumed"),
        ),
        notices=tuple(Notice("not-distinguishable", f"at a budget of {row['budget']:.4g} the two cannot be told apart")
                      for row in rows if row["better"] == "not distinguishable"),
    )  # fmt: skip


def _word(first: str, second: str, gap: float, half: float) -> str:
    return "not distinguishable" if abs(gap) <= half else first if gap > 0 else second


def _turns(places: Array, gap: Array) -> list[float]:
    """Budgets at which the gap changes sign; places without any are passed over."""
    some = np.abs(gap) > _ROUNDING
    x, gap = np.log(places[some]), gap[some]
    cells = np.flatnonzero(gap[:-1] * gap[1:] < 0)
    return [float(np.exp(x[i] + (x[i + 1] - x[i]) * gap[i] / (gap[i] - gap[i + 1]))) for i in cells]


def _sentence(first: str, second: str, gap: Array, turns: Sequence[float]) -> str:
    apart = gap[np.abs(gap) > _ROUNDING]
    if not len(apart):
        return "the two are equal at all budgets that both cover"
    names = (first, second) if apart[0] > 0 else (second, first)
    if not turns:
        return f"{names[0]} is better at all budgets that both cover"
    words = [f"{names[0]} is better up to a budget of {turns[0]:.4g}"]
    words += [f"{names[(i + 1) % 2]} up to {turn:.4g}" for i, turn in enumerate(turns[1:])]
    return ", ".join([*words, f"{names[len(turns) % 2]} beyond"])
