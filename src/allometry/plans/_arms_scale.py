"""The line along which two arms are compared: compute where the law knows it, and what the law predicts on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.costs import compute_of, size_axis
from allometry.forecasts import metric_at
from allometry.laws import Law
from allometry.notices import Refused
from allometry.plans.allocation import Allocation, best_split
from allometry.plans.terms import TOKENS, Space, Terms, space_of

Array: TypeAlias = NDArray[np.float64]
FLOPS = "flops"


@dataclass(frozen=True)
class Scale:
    """`name` is "flops" or an axis, `target` the place on it that is asked about, `point` the axes given there.

    `space` is set where each arm chooses its own split of the FLOPs; otherwise `moves` says with which power of the
    scale each axis moves, the others stay as they are at the target.
    """

    name: str
    target: float
    point: Mapping[str, float]
    moves: Mapping[str, float]
    space: Space | None

    @property
    def words(self) -> str:
        """How the curve is followed, in words."""
        fixed = [f"{name} = {value:g}" for name, value in self.point.items() if name not in self.moves]
        if self.space is not None:
            free = "each arm at its own compute-optimal allocation"
            return ", ".join([free, *fixed] if self.space.free else ["the split is given", *fixed])
        ratio = ["tokens per parameter as at the target"] if len(self.moves) > 1 else []
        return ", ".join([*ratio, *fixed]) or "along the law's own axis"

    def values(self, law: Law, draws: Array, places: Array) -> Array:
        """The metric (B, k) of draws (B, P) at places (k,) or, each draw having its own, (B, k)."""
        places = np.broadcast_to(places, (len(draws), np.shape(places)[-1]))
        if self.space is not None:
            return np.stack([best_split(law, draws, column, self.space).loss for column in places.T], axis=1)
        columns: dict[str, Array] = {name: np.array([value]) for name, value in self.point.items()}
        for name, power in self.moves.items():
            columns[name] = self.point[name] * (places / self.target) ** power
        return metric_at(law, draws, columns)

    def places(self, axes: Mapping[str, Array]) -> Array:
        """Where settings (k,) of the law's axes stand on the scale."""
        found = compute_of(axes) if self.name == FLOPS else None
        return np.asarray(axes[self.name] if found is None else found, float)

    def split(self, law: Law, estimate: Array) -> Allocation | None:
        """How an estimate (P,) splits the target's FLOPs; None where nothing is split."""
        return None if self.space is None else best_split(law, estimate[None], self.target, self.space)


def scale_of(law: Law, at: Mapping[str, float]) -> Scale:
    """The scale on which a point of the law's axes, or FLOPs to be split, is the target.

    Errors: `Refused` for axes that are missing, unknown or not positive, and for FLOPs where the law cannot place them.
    """
    for name, value in at.items():
        if not (np.isfinite(value) and (value > 0 or (name in law.axes and not law.axis(name).positive))):
            raise Refused("bad-value", f"{name} cannot be {value:g}", "--at", "give a positive number")
    if FLOPS in at and FLOPS not in law.axes:
        return _split_scale(law, at)
    _check_point(law, at)
    size = size_axis(law.axes)
    if FLOPS not in law.axes and size is not None and TOKENS in law.axes:
        target = compute_of({size: at[size], TOKENS: at[TOKENS]})
        return Scale(FLOPS, float(target if target is not None else np.nan), at, {size: 0.5, TOKENS: 0.5}, None)
    name = next(name for name in (FLOPS, size, TOKENS, *law.axes) if name in law.axes)
    return Scale(str(name), float(at[str(name)]), at, {str(name): 1.0}, None)


def _split_scale(law: Law, at: Mapping[str, float]) -> Scale:
    if size_axis(law.axes) is None or TOKENS not in law.axes:
        has, example = ", ".join(law.axes), " ".join(f"{name}=..." for name in law.axes)
        raise Refused("no-allocation", f"{law.name} is a law of {has}, which FLOPs alone do not place", "--at",
                      f"give --at '{example}', or a law of flops or of params and tokens")  # fmt: skip
    fixed = {name: value for name, value in at.items() if name != FLOPS}
    space = space_of(law, Terms(flops=at[FLOPS], fixed=fixed))
    return Scale(FLOPS, float(at[FLOPS]), fixed, {}, space)


def _check_point(law: Law, at: Mapping[str, float]) -> None:
    names = ", ".join(law.axes)
    unknown = [name for name in at if name not in law.axes]
    if unknown:
        raise Refused("unknown-axis", f"{law.name} has no axis {unknown[0]}", "--at", f"it has {names}")
    missing = [name for name in law.axes if name not in at]
    if missing:
        compute = size_axis(law.axes) is not None and TOKENS in law.axes
        other = ", or flops=... for each arm's own best split" if compute else ""
        raise Refused("missing-axis", f"the target has no {missing[0]}", "--at", f"{law.name} needs {names}{other}")
