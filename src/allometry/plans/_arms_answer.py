"""From the paired fits of two arms to the answer: the range compared, the order seen, what each builds, what to doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.fits import Fit
from allometry.forecasts import FIT_NOISE
from allometry.forecasts.extrapolation import FAR
from allometry.notices import Notice
from allometry.plans._arms_curves import Twins
from allometry.plans._arms_result import Arms
from allometry.plans._arms_rungs import SAME, Rungs
from allometry.plans._arms_scale import Scale

Array: TypeAlias = NDArray[np.float64]


def assembled(
    by: str, twins: Twins, rungs: tuple[Rungs, Rungs], pairs: Sequence[tuple[int, int]], notices: list[Notice]
) -> Arms:
    scale, fits = twins.scale, (twins.first, twins.second)
    places = [scale.places(own.points) for own in rungs]
    small, large = _common_range((places[0], places[1]), pairs)
    low, high = (small, scale.target) if scale.target > small * (1 + SAME) else (scale.target, large)
    gaps, turn = twins.gaps(low, high if high > low * (1 + SAME) else low * 10)
    top = [(i, j) for i, j in pairs if places[0][i] >= large * (1 - SAME)]
    settings = [
        tuple({n: float(v[k]) for n, v in own.points.items()} for own, k in zip(rungs, pair, strict=True))
        for pair in top
    ]
    means = [own.means(found.rows) for own, found in zip(rungs, fits, strict=True)]
    measured = float(np.mean([means[1][j] - means[0][i] for i, j in top])) if top else None
    splits = [_split(scale, found) for found in fits]
    decades = float(np.log10(scale.target / large))
    one, other = twins.target
    return Arms(
        by=by, names=twins.names, fits=fits, scale=scale, values=(twins.interval(one), twins.interval(other)),
        difference=twins.interval(other - one), multiplier=twins.multiplier(), turn=turn,
        order=twins.order([(s[0], s[1]) for s in settings], large, measured), gaps=gaps, common=len(pairs),
        rungs=(len(rungs[0]), len(rungs[1])), splits=(splits[0][0], splits[1][0]),
        decades=decades, level=twins.level,
        interval=FIT_NOISE if len(twins.draws[0]) > 1 else "none",
        notices=(*notices, *_distance_notices(decades, len(twins.draws[0])), *_overlap_notices(twins.names, (places[0], places[1]), scale.name), *_end_notices(twins.names, (splits[0][1], splits[1][1]))),
    )  # fmt: skip


def _distance_notices(decades: float, draws: int) -> list[Notice]:
    if decades <= FAR * (1 + 1e-9) or draws < 2:
        return []
    message = (
        f"the target lies {decades:.1f} decades beyond what both arms measured: shares of draws and intervals hold the noise "
        "of the fits, not the chance that the laws bend on the way"
    )
    return [Notice("far-beyond", message)]


def _overlap_notices(names: tuple[str, str], places: tuple[Array, Array], scale: str) -> list[Notice]:
    """That one arm ends before the other begins, so that nothing is compared without extrapolation."""
    for small, large in ((0, 1), (1, 0)):
        end, begin = float(places[small].max()), float(places[large].min())
        if end < begin * (1 - SAME):
            message = (
                f"{names[small]} ends at {scale} = {end:.3g} and {names[large]} begins at {begin:.3g}: at any scale one "
                "of the two is extrapolated"
            )
            return [Notice("no-overlap", message)]
    return []


def _common_range(places: tuple[Array, Array], pairs: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """The smallest and the largest common rung; without any, what both arms cover."""
    if pairs:
        common = places[0][[i for i, _ in pairs]]
        return float(common.min()), float(common.max())
    ends = max(float(p.min()) for p in places), min(float(p.max()) for p in places)
    return min(ends), ends[1]


def _split(scale: Scale, found: Fit) -> tuple[dict[str, float], bool]:
    """What an arm builds with the target's FLOPs, and whether that lies at an end of the search."""
    split = scale.split(found.law, found.estimate)
    if split is None or scale.space is None:
        return {}, False
    return {scale.space.size: float(split.size[0]), "tokens": float(split.tokens[0])}, bool(
        split.at_low[0] or split.at_high[0]
    )


def _end_notices(names: tuple[str, str], ends: tuple[bool, bool]) -> list[Notice]:
    return [
        Notice("no-optimum", f"{name}: its loss still falls at the end of the search for its allocation")
        for name, end in zip(names, ends, strict=True)
        if end
    ]
