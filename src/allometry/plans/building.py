"""The nearest decoder that can be built for a planned size."""

from __future__ import annotations

from allometry.costs import Buildable, nearest_shape
from allometry.fits import Fit
from allometry.notices import Refused


def buildable(fit: Fit, axis: str, size: float, vocab: int | None) -> tuple[Buildable | None, str]:
    """The nearest buildable decoder of a `size` on that axis, in the fit's own convention, or why there is none."""
    if vocab is None:
        return None, "no vocabulary was given"
    if axis == "active_params":
        return None, "the law counts active parameters, which do not say what a dense decoder has"
    counted = fit.conventions.get("params", "")
    without = axis == "non_embedding_params" or "non" in counted.lower()
    try:
        return nearest_shape(size, vocab, "non-embedding" if without else "total"), ""
    except Refused as refused:
        return None, str(refused)
