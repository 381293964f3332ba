"""From the log-probabilities of choices to accuracy, stage by stage, and how well each stage follows compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from allometry.notices import Refused
from allometry.runs.columns import Floats

Method: TypeAlias = Literal["pearson", "spearman", "kendall"]


@dataclass(frozen=True, eq=False)
class Stages:
    """Scores (M, S) of M models on S questions in the order in which each is computed from the one before.

    `log_p_vocab` of the correct choice over the whole vocabulary, `p_vocab` its exponential, `p_choices` its share among
    the choices, `brier` of those shares (lower is better), `accuracy` 1 where the correct choice has the largest share,
    an equal part of 1 where several have.
    """

    log_p_vocab: Floats
    p_vocab: Floats
    p_choices: Floats
    brier: Floats
    accuracy: Floats

    def scores(self) -> dict[str, Floats]:
        """All by name with higher being better: the Brier score turned round, as `minus_brier`."""
        return {"log_p_vocab": self.log_p_vocab, "p_vocab": self.p_vocab, "p_choices": self.p_choices,
                "minus_brier": -self.brier, "accuracy": self.accuracy}  # fmt: skip


def choice_stages(log_probabilities: ArrayLike, correct: ArrayLike) -> Stages:
    """Every score of multiple-choice questions, for every model and question.

    Use it to see at which stage a score stops following scale: what happens to the correct choice alone is smooth, and
    mass that moves among the wrong ones enters with the comparison. Predict question by question and average last.

    Arguments: `log_probabilities` (M, S, K) of each choice as a continuation, in nats and not normalised over the
    choices, minus infinity for a choice that a question lacks; `correct` (S,) the place of the right one.
    Errors: `Refused` for other shapes, values above 0 or not a number, and a correct choice that has no probability.
    Source: Schaeffer et al. 2024, arXiv 2406.04391, the chain of transformations (recalled).

    >>> half = np.log([[[0.4, 0.2, 0.2, 0.2], [0.4, 0.6, 1e-9, 1e-9]]])
    >>> found = choice_stages(half, [0, 0])
    >>> found.p_choices.round(6).tolist(), found.accuracy.tolist(), found.brier.round(6).tolist()
    ([[0.4, 0.4]], [[1.0, 0.0]], [[0.48, 0.72]])
    """
    logs, right = _checked(log_probabilities, correct)
    own = np.take_along_axis(logs, right[None, :, None], axis=2)[..., 0]
    # relative to the largest, since a long answer's probability may be below the smallest number
    top = logs.max(axis=2, keepdims=True)
    shares = np.exp(logs - top)
    shares /= shares.sum(axis=2, keepdims=True)
    hit = np.arange(logs.shape[2]) == right[:, None]
    best = logs == top
    return Stages(
        log_p_vocab=own,
        p_vocab=np.exp(own),
        p_choices=np.where(hit, shares, 0.0).sum(axis=2),
        brier=((hit - shares) ** 2).sum(axis=2),
        accuracy=(best & hit).sum(axis=2) / best.sum(axis=2),
    )


def _checked(log_probabilities: ArrayLike, correct: ArrayLike) -> tuple[Floats, NDArray[np.int64]]:
    logs, right = np.asarray(log_probabilities, float), np.asarray(correct)
    if logs.ndim != 3 or right.shape != logs.shape[1:2] or 0 in logs.shape or logs.shape[2] < 2:
        raise Refused("bad-choices", f"log-probabilities of shape {logs.shape} do not go with {right.shape} answers",
                      "choices", "give (models, questions, choices) and one answer a question")  # fmt: skip
    right = right.astype(np.int64)
    wrong = np.flatnonzero((right < 0) | (right >= logs.shape[2]))
    if wrong.size:
        raise Refused("bad-choices", f"there is no choice {right[wrong[0]]}", f"question {wrong[0]}", "count from 0")
    with np.errstate(invalid="ignore"):
        bad = np.flatnonzero((~(logs <= 0)).any(axis=(0, 2)))
    if bad.size:
        raise Refused("bad-choices", "a log-probability is above 0 or not a number", f"question {bad[0]}", "give nats")
    own = np.take_along_axis(logs, right[None, :, None], axis=2)[..., 0]
    lost = np.flatnonzero(np.isneginf(own).any(axis=0))
    if lost.size:
        raise Refused("bad-choices", "the correct choice has no probability", f"question {lost[0]}", "leave it out")
    return logs, right


def compute_correlations(score: ArrayLike, flops: ArrayLike, method: Method = "spearman") -> Floats:
    """The correlation (S,) of each question's score with the log of compute, over the models of one family.

    NaN for a question whose score is the same for every model, as accuracies often are: it follows nothing. Ties count
    as in Kendall's tau-b and in average ranks.

    Arguments: `score` (M, S), higher being better; `flops` (M,), at least 3 different; `method` the correlation.
    Errors: `Refused` for other shapes or methods, and for compute that is not positive.

    >>> compute_correlations([[0.1, 1, 0], [0.2, 0, 0], [0.4, 0, 0]], [1e18, 1e19, 1e20]).round(3).tolist()
    [1.0, -0.866, nan]
    """
    scores, compute = np.asarray(score, float), np.asarray(flops, float)
    if scores.ndim != 2 or compute.shape != scores.shape[:1] or not np.isfinite(scores).all():
        raise Refused("bad-scores", f"scores of shape {scores.shape} do not go with {compute.shape} models", "score",
                      "give (models, questions) of finite scores and one FLOPs a model")  # fmt: skip
    if not (np.isfinite(compute) & (compute > 0)).all() or len(np.unique(compute)) < 3:
        raise Refused("bad-scores", "compute is not positive, or of fewer than 3 different models", "flops", "give 3")
    if method not in ("pearson", "spearman", "kendall"):
        raise Refused("bad-option", f"no correlation is called {method!r}", "method", "pearson, spearman or kendall")
    x, y = _directions(np.log(compute)[:, None], method), _directions(scores, method)
    size = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(size > 0, (x * y).sum(axis=0) / size, np.nan))


def _directions(values: Floats, method: Method) -> Floats:
    """What the cosine of two columns is taken of: deviations, of ranks, or the signs of all pairs."""
    if method == "kendall":
        first, second = np.triu_indices(len(values), 1)
        return np.sign(values[second] - values[first])
    kept = np.asarray(rankdata(values, axis=0) if method == "spearman" else values, float)
    centred = kept - kept.mean(axis=0)
    # rounding of a mean is not a deviation
    return np.where(np.ptp(kept, axis=0) > 0, centred, 0.0)


def correlation_summary(correlations: Mapping[str, Floats], above: float = 0.75) -> dict[str, dict[str, float]]:
    """For each score: mean and median correlation, the share above a level, and the share that has none.

    The mean says the rest of what the source summarises: the area under the share above c, over c from -1 to 1, is
    1 + mean, and the Wasserstein distance to all correlations being 1 is 1 - mean. Questions without a correlation
    count in their own share only.

    >>> correlation_summary({"accuracy": np.array([1.0, 0.5, np.nan])})["accuracy"]["share_above"]
    0.5
    """
    found = {}
    for name, values in correlations.items():
        held = values[np.isfinite(values)]
        if not held.size:
            raise Refused(
                "no-correlation", f"{name} is the same for every model on every question", name, "leave it out"
            )
        found[name] = {"mean": float(held.mean()), "median": float(np.median(held)),
                       "share_above": float(np.mean(held > above)), "undefined": 1 - held.size / values.size}  # fmt: skip
    return found
