"""Train bigger or think longer: a larger model against more samples or thinking tokens of a smaller one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.costs import FLOPS_PER_PARAMETER_AND_TOKEN, SERVING_FLOPS_PER_PARAMETER_AND_TOKEN
from allometry.fits import Fit
from allometry.forecasts import metric_at
from allometry.notices import Interval, Refused
from allometry.plans.crossover import paired_draws
from allometry.plans.ends import ends_json, open_percentiles
from allometry.plans.terms import RISING_METRICS

Array: TypeAlias = NDArray[np.float64]

_MOST_TIMES = 1e12  # times the axis that is searched: more samples than anyone draws
_HALVINGS = 60


def exchange_rate(larger: float, served_over_trained: float) -> float:
    """How many times its inference a model may spend for the cost of one `larger` times its size on the same data.

    `served_over_trained` is the ratio of inference tokens to training tokens, counted at one answer each.
    Source: Snell et al. 2024, arXiv 2408.03314, section 7: M + 3 (M - 1) / R.

    >>> [round(exchange_rate(14, ratio), 2) for ratio in (0.16, 0.79, 22)]
    [257.75, 63.37, 15.77]
    """
    if not (math.isfinite(larger) and larger >= 1):
        raise Refused("bad-value", f"{larger:g} times the size is not larger", "larger", "give 1 or more")
    if not (math.isfinite(served_over_trained) and served_over_trained > 0):
        raise Refused("bad-value", f"{served_over_trained:g} is no ratio of tokens", "served_over_trained",
                      "give inference tokens over training tokens, above 0")  # fmt: skip
    passes = FLOPS_PER_PARAMETER_AND_TOKEN / SERVING_FLOPS_PER_PARAMETER_AND_TOKEN
    return larger + passes * (larger - 1) / served_over_trained


@dataclass(frozen=True)
class Exchange:
    """Whether a smaller model that thinks longer, or a larger one, has a quality at less total cost.

    `times` is how many times the larger's samples (or thinking tokens) the smaller needs to match it; `affordable` what
    it may spend at equal cost with the tokens served; `break_even` the inference tokens up to which thinking longer is
    cheaper, infinite ends being empty. `share` is the share of the draws in which thinking longer is cheaper, None without.
    """

    axis: str
    metric: str
    quality: float
    times: Interval
    affordable: float
    break_even: Interval
    share: float | None

    @property
    def longer(self) -> bool:
        """Whether thinking longer is cheaper, by the estimates."""
        return self.times.value is not None and self.times.value <= self.affordable

    @property
    def sentence(self) -> str:
        if self.times.value is None:
            return f"train bigger: the smaller never has the {self.metric} {self.quality:.4g}, however many {self.axis}"
        word = "think longer" if self.longer else "train bigger"
        sure = (
            "" if self.share is None else f"; {self.share if self.longer else 1 - self.share:.0%} of the draws say so"
        )
        return (
            f"{word}: the smaller needs {self.times.value:.4g} times the {self.axis}, and may spend "
            f"{self.affordable:.4g} times at equal total cost{sure}"
        )

    def as_json(self) -> dict[str, object]:
        return {
            "axis": self.axis,
            "metric": self.metric,
            "quality": self.quality,
            "times": ends_json(self.times),
            "affordable": self.affordable,
            "break_even": ends_json(self.break_even),
            "share_of_draws": self.share,
            "longer": self.longer,
            "sentence": self.sentence,
        }


def exchange(
    small: Fit, large: Fit, *, larger: float, tokens: float, inference_tokens: float, at: float = 1.0,
    level: float | None = None,
) -> Exchange:  # fmt: skip
    """A larger model at `at` samples (or thinking tokens) against a smaller one with as many as it needs to match it.

    Use it with fits of one law of test-time compute, such as coverage over samples, to either model. Not where the
    two spend differently for each sample: all samples are taken to be of one length, and prompts as read anew for each.

    Arguments: `larger` is the larger's size over the smaller's; both are trained on `tokens`; `inference_tokens` are what
    the larger serves. Draws are paired as `crossover` pairs them.
    Errors: `Refused` where either law has another axis than one, they differ in axis or metric, or numbers are none.

    >>> from dataclasses import replace
    >>> from allometry.fits import published_fit
    >>> from allometry.laws import find_law
    >>> base = replace(published_fit("chinchilla@epoch"), law=find_law("coverage"))
    >>> small, large = (replace(base, estimate=np.array([a, 0.5]), draws=np.empty((0, 2))) for a in (3.0, 1.0))
    >>> exchange(small, large, larger=8, tokens=1e12, inference_tokens=1e12).sentence
    'think longer: the smaller needs 9 times the samples, and may spend 29 times at equal total cost'
    """
    axis = _axis(small, large)
    affordable = exchange_rate(larger, inference_tokens / tokens)
    rising = small.law.metric in RISING_METRICS
    one, other = paired_draws(small, large)
    first = _times(small, small.estimate[None], large, large.estimate[None], axis, at, rising)[0]
    times = _times(small, one, large, other, axis, at, rising)
    level = small.settings.level if level is None else level
    quality = float(metric_at(large.law, large.estimate[None], {axis: np.array([at])})[0, 0])
    return Exchange(
        axis=axis, metric=small.law.metric, quality=quality,
        times=_interval(first, times, level, small.interval_kind), affordable=affordable,
        break_even=_interval(_even(first, larger, tokens), _even(times, larger, tokens), level, small.interval_kind),
        share=float(np.mean(times <= affordable)) if len(times) else None,
    )  # fmt: skip


def _axis(small: Fit, large: Fit) -> str:
    if len(small.law.axes) != 1 or small.law.axes != large.law.axes or small.law.metric != large.law.metric:
        raise Refused("laws-differ", f"{small.law.name} and {large.law.name} are not two laws of one metric over one axis",
                      "the fits", "fit one law of samples, such as coverage, to either model")  # fmt: skip
    return small.law.axes[0]


def _times(small: Fit, one: Array, large: Fit, other: Array, axis: str, at: float, rising: bool) -> Array:
    """Times (B,) the axis at which the smaller is as good as the larger `at`; 1 where it is before, infinite never."""
    sign = 1.0 if rising else -1.0
    wanted = metric_at(large.law, other, {axis: np.array([at])})[:, 0]

    def reached(log_times: Array) -> NDArray[np.bool_]:
        found = metric_at(small.law, one, {axis: at * np.exp(log_times)[:, None]})[:, 0]
        return np.asarray(sign * (found - wanted) >= 0)

    low, high = np.zeros(len(one)), np.full(len(one), np.log(_MOST_TIMES))
    never, at_once = ~reached(high), reached(low)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = reached(middle)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(never, np.inf, np.where(at_once, 1.0, np.exp(high)))


def _even(times: Array | np.float64, larger: float, tokens: float) -> Array:
    """Inference tokens (B,) at which both cost the same; infinite where thinking longer is always cheaper."""
    passes = FLOPS_PER_PARAMETER_AND_TOKEN / SERVING_FLOPS_PER_PARAMETER_AND_TOKEN
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(times > larger, passes * tokens * (larger - 1) / (times - larger), np.inf))


def _interval(value: Array | np.float64, draws: Array, level: float, none: str) -> Interval:
    first = float(value) if np.isfinite(value) else None
    if not len(draws):
        return Interval(first, None, None, none)
    found = open_percentiles(draws, level)
    return Interval(first, found.low, found.high, found.why)
