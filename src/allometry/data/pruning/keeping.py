"""The part of a pool to keep: hardest or easiest by how much data there is, with a floor for every class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allometry.data.pruning.theory import student_error
from allometry.notices import Refused, Step

Side: TypeAlias = Literal["hardest", "easiest"]

BALANCE = 0.5  # Sorscher et al. 2022, sec. 5: at least half of what a class would keep if all kept alike


@dataclass(frozen=True)
class Pruned:
    """What is kept: `rows` (sorted), of a pool of `height`, on which `side`, and the `steps` that it rests on.

    `threshold` is the score of the last example that is kept by rank alone; for its floor a class may be kept beyond it.
    `classes` gives, of each class, how many are kept and how many there were.
    """

    rows: NDArray[np.int64]
    height: int
    side: Side
    classes: Mapping[str, tuple[int, int]]
    steps: tuple[Step, ...]
    threshold: float

    @property
    def fraction(self) -> float:
        return len(self.rows) / self.height


def prune(
    scores: ArrayLike,
    keep: float,
    side: Side | Literal["auto"] = "auto",
    *,
    parameters: float | None = None,
    labels: ArrayLike | None = None,
    balance: float = BALANCE,
) -> Pruned:
    """The examples to keep of a pool, by their difficulty.

    Use it with the scores of any metric. Not as proof that pruning pays: train on what is kept and on as many random
    examples, and ask `pruning_curve`.

    Arguments: `scores` (rows,) difficulty, higher is harder; equal scores are taken in the order of rows. `keep` the
    fraction, in (0, 1]. `side` "hardest", "easiest", or "auto": the one whose error is less for a perceptron with as
    many examples per parameter, which needs `parameters`, those of the model to be trained. `labels` (rows,) classes,
    each of which keeps `balance` of the fraction at least, rounded up as far as what is kept goes round.
    Errors: `Refused` for a fraction outside (0, 1], scores that are not finite, and "auto" without parameters.
    Source: Sorscher et al. 2022, arXiv 2206.14486: the rule from the theory of sec. 2, the floor of 50% from sec. 5.

    >>> prune([0.1, 0.9, 0.5, 0.7], 0.5, "hardest").rows.tolist()
    [1, 3]
    >>> prune([0.1, 0.9, 0.5, 0.7], 0.5, parameters=2).side  # two examples per parameter are few
    'easiest'
    """
    values = np.asarray(scores, dtype=np.float64)
    _check(values, keep, balance)
    count = max(1, round(keep * len(values)))
    steps: tuple[Step, ...] = ()
    if side == "auto":
        side, steps = _chosen(len(values), keep, parameters)
    order = np.argsort(-values if side == "hardest" else values, kind="stable")
    threshold = float(values[order[count - 1]])
    if labels is None:
        return Pruned(np.sort(order[:count]), len(values), side, {}, steps, threshold)
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise Refused("bad-labels", "the labels are lists", "labels", "give one class an example (--label)")
    names, classes = np.unique(labels, return_inverse=True)
    if len(classes) != len(values):
        raise Refused(
            "ragged", f"there are {len(classes)} labels and {len(values)} scores", "labels", "give one an example"
        )
    floors, short = _floors(np.bincount(classes), balance * count / len(values), count)
    rows, held = _balanced(order, classes, count, floors)
    kept, whole = (np.bincount(found, minlength=len(names)) for found in (classes[rows], classes))
    told = {str(name): (int(a), int(b)) for name, a, b in zip(names, kept, whole, strict=True)}
    return Pruned(rows, len(values), side, told, (*steps, _floor_step(balance, short, held, count)), threshold)


def _floor_step(balance: float, short: int, held: int, count: int) -> Step:
    but = f" but for {short}, less by a part of an example, as {count} do not go round" if short else ""
    says = (
        f"each class keeps at least {balance:.0%} of its share{but}: {held} of {count} examples are kept for that alone"
    )
    return Step("balance", says, "published")


def _floors(sizes: NDArray[np.intp], share: float, count: int) -> tuple[NDArray[np.int64], int]:
    """How many each class keeps at least, whole examples, and how many classes get less than their share.

    Rounded up; where that asks for more than are kept, the largest remainders are rounded up and the others down.
    """
    exact = np.round(sizes * share, 9)  # 0.1 * 30 is above 3
    floors: NDArray[np.int64] = np.ceil(exact).astype(np.int64)
    if (over := int(floors.sum()) - count) <= 0:
        return floors, 0
    rounded = np.argsort(np.where(floors > exact, exact - np.floor(exact), np.inf), kind="stable")[:over]
    floors[rounded] -= 1
    return floors, len(rounded)


def _balanced(
    order: NDArray[np.int64], classes: NDArray[np.intp], count: int, floors: NDArray[np.int64]
) -> tuple[NDArray[np.int64], int]:
    """The rows kept, and how many of them would not be without the floor: first each class's floor, then by rank."""
    own = classes[order]
    by_class = np.argsort(own, kind="stable")
    sizes = np.bincount(own)
    within = np.empty(len(order), dtype=np.int64)
    within[by_class] = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    floor = within < floors[own]
    rest = np.flatnonzero(~floor)[: count - int(floor.sum())]
    places = np.concatenate([np.flatnonzero(floor), rest])
    return np.sort(order[places]), int((places >= count).sum())


def _chosen(height: int, keep: float, parameters: float | None) -> tuple[Side, tuple[Step, ...]]:
    if parameters is None or not parameters > 0:
        mend = "give --params, those of the model to be trained, or say --side hardest or easiest"
        raise Refused("no-parameters", "which side to keep depends on examples per parameter", "--params", mend)
    each = height / parameters
    if not 1e-3 <= each <= 1e4:
        mend = "say --side hardest or easiest"
        raise Refused(
            "outside-theory",
            f"{each:.3g} examples per parameter are outside what the theory is solved for",
            "--params",
            mend,
        )
    error = {name: student_error(each, keep, keep=cast(Any, name)).error for name in ("hardest", "easiest", "random")}
    side: Side = "hardest" if error["hardest"] < error["easiest"] else "easiest"
    says = (
        f"at {each:.3g} examples per parameter a perceptron errs {error['hardest']:.3g} on the hardest, "
        f"{error['easiest']:.3g} on the easiest and {error['random']:.3g} on as many random examples; that other models "
        "do alike is assumed"
    )
    return side, (Step("side", says, "assumed"),)


def _check(values: NDArray[np.float64], keep: float, balance: float) -> None:
    if not 0 < keep <= 1:
        raise Refused("bad-fraction", f"a fraction of {keep:g} cannot be kept", "--keep", "keep above 0 and at most 1")
    if not 0 <= balance <= 1:
        raise Refused("bad-balance", f"a floor of {balance:g} cannot be held", "--balance", "give 0 to 1")
    if values.ndim != 1 or not len(values):
        raise Refused("bad-scores", "there are no scores", "scores", "give one number an example")
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise Refused(
            "not-finite", f"the score is {values[wrong[0]]} in row {wrong[0]}", "scores", "score that row again"
        )
