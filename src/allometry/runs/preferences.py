"""Preference pairs: how much of a reward model's agreement with people is the style of the replies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, ndtri

from allometry.notices import Interval, Refused
from allometry.runs.columns import Floats

_STEPS, _CLOSE = 50, 1e-10
_LARGEST = 30.0  # log odds beyond which the labels are separated and no finite coefficient is best


@dataclass(frozen=True)
class StyleControl:
    """The logistic fit of labels to the reward margin and to style.

    `alpha` weighs the margin, `beta` each feature; `loss` in nats per pair and `accuracy` are those of the fit, `bare`
    the loss with the margin alone, which is rescaled too, so that it lies below the raw test loss.
    """

    alpha: float
    beta: Mapping[str, float]
    loss: float
    accuracy: float
    bare: float


def style_controlled(
    margin: ArrayLike, features: Mapping[str, tuple[ArrayLike, ArrayLike]], first_chosen: ArrayLike
) -> StyleControl:
    """Test loss and accuracy of a reward model once the style of the replies is accounted for.

    Use it where longer or more decorated replies are preferred for that: a model that only learned length gains
    nothing. Not as a correction of the labels: style and quality may go together for good reasons.

    Arguments: `margin` (n,) rewards of the first reply minus those of the second; `features` name to the counts (n,)
    of the first and of the second replies (tokens, headers, lists, bold spans), each used as their difference over
    their sum, divided by its root mean square; `first_chosen` (n,) true or false.
    Errors: `Refused` for other lengths, values that are not finite, counts below 0 and labels that a margin or a
    feature separates without a mistake.
    Source: Wang et al. 2025, arXiv 2505.10527 (WorldPM), R = D*alpha + Z.beta. Dividing by the root mean square,
    without a shift, is our reading of its "normalize": swapping the replies then only turns the sign.

    >>> generator = np.random.default_rng(0)
    >>> margin, tokens = generator.normal(size=40_000), generator.integers(50, 500, (2, 40_000))
    >>> longer = (tokens[0] - tokens[1]) / tokens.sum(axis=0)
    >>> odds = 1.5 * margin + 0.8 * longer / np.sqrt(np.mean(longer**2))
    >>> found = style_controlled(margin, {"tokens": tuple(tokens)}, generator.random(40_000) < 1 / (1 + np.exp(-odds)))
    >>> round(found.alpha, 1), round(found.beta["tokens"], 1), found.loss < found.bare
    (1.5, 0.8, True)
    """
    columns = [_finite(margin, "margin"), *(_contrast(name, *counts) for name, counts in features.items())]
    chosen = _finite(first_chosen, "first_chosen")
    if any(column.shape != chosen.shape for column in columns) or chosen.ndim != 1 or not len(chosen):
        raise Refused(
            "bad-pairs", "margins, features and labels are not columns of one length", "pairs", "give one a pair"
        )
    design, sign = np.stack(columns, axis=1), np.where(chosen > 0, 1.0, -1.0)
    weights, odds = _logistic(design, sign)
    _, bare = _logistic(design[:, :1], sign)
    return StyleControl(
        alpha=float(weights[0]),
        beta=dict(zip(features, weights[1:].tolist(), strict=True)),
        loss=float(np.logaddexp(0, -sign * odds).mean()),
        accuracy=float(np.mean((sign * odds > 0) + 0.5 * (odds == 0))),
        bare=float(np.logaddexp(0, -sign * bare).mean()),
    )


def _finite(values: ArrayLike, name: str) -> Floats:
    column = np.asarray(values, float)
    if not np.isfinite(column).all():
        raise Refused("bad-pairs", f"{name} holds a value that is not finite", name, "leave the pair out")
    return column


def _contrast(name: str, first: ArrayLike, second: ArrayLike) -> Floats:
    """The difference over the sum, 0 where both are 0, at a root mean square of 1."""
    one, other = _finite(first, name), _finite(second, name)
    if one.shape != other.shape or (one < 0).any() or (other < 0).any():
        raise Refused("bad-pairs", f"{name} is not two columns of counts of 0 or more", name, "give one a reply")
    contrast = (one - other) / np.maximum(one + other, 1e-300)
    size = float(np.sqrt(np.mean(contrast**2)))
    if size == 0:
        raise Refused("bad-pairs", f"{name} is the same in both replies of every pair", name, "leave it out")
    return contrast / size


def _logistic(design: Floats, sign: Floats) -> tuple[Floats, Floats]:
    """Weights (p,) and log odds (n,) of least logistic loss, by Newton's method; labels are +1 and -1."""
    weights = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        odds = design @ weights
        miss = expit(-sign * odds)
        curvature = (design * (miss * (1 - miss))[:, None]).T @ design
        step = np.linalg.lstsq(curvature, design.T @ (sign * miss), rcond=None)[0]
        weights = weights + step
        if np.abs(design @ step).max() < _CLOSE:
            return weights, design @ weights
        if np.abs(design @ weights).min() > _LARGEST:
            break
    raise Refused("separable", "the labels are separated, so no finite weights are best", "pairs", "give more pairs")


def style_reliance(choice: ArrayLike, style: ArrayLike, *, level: float = 0.9) -> Interval:
    """The phi coefficient of which reply was chosen and which has more of a style, from -1 to 1, with an interval.

    Use it for a model's choices and for the people's labels: a model above the labels relies on the style, and labels
    far from 0, such as -0.6 for length, are biased themselves and no test of a model.

    Arguments: `choice` and `style` (n,) true where it is the first reply; leave out pairs that are equal in style.
    The interval is Fisher's. Errors: `Refused` for other lengths, fewer than 4 pairs, and a column that never changes.
    Source: Wang et al. 2025, arXiv 2505.10527 (WorldPM).

    >>> round(style_reliance([1, 1, 1, 0, 0, 0, 1, 0], [1, 1, 1, 1, 0, 0, 0, 0]).value, 3)
    0.5
    """
    chosen, more = np.asarray(choice, bool), np.asarray(style, bool)
    if chosen.shape != more.shape or chosen.ndim != 1 or len(chosen) < 4:
        raise Refused(
            "bad-pairs", "choices and styles are not columns of one length, 4 or more", "pairs", "give one a pair"
        )
    if chosen.all() or more.all() or not (chosen.any() and more.any()):
        raise Refused(
            "bad-pairs", "it is the first reply, or the second, in every pair", "pairs", "swap half of the pairs"
        )
    phi = float(np.corrcoef(chosen, more)[0, 1])
    half = float(ndtri(0.5 + level / 2)) / np.sqrt(len(chosen) - 3)
    middle = np.arctanh(np.clip(phi, -1 + 1e-15, 1 - 1e-15))
    return Interval(phi, float(np.tanh(middle - half)), float(np.tanh(middle + half)))
