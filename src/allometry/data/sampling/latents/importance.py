"""Importance weights of drawn latents: the bound they give, and the latent that is kept."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from allometry.data.sampling.latents.model import Array, Codes
from allometry.notices import Refused


def elbo(log_weights: Array) -> Array:
    """The bound of K draws on log p(x), of each text (n,), from log w = log p(x, z) - log q(z | x) (n, K).

    logsumexp(log w) - log K: in expectation it never falls with K and goes to log p(x); K = 1 is the ELBO.
    Source: Burda et al. 2016, arXiv 1509.00519, eq. 8; used in Ruan et al. 2025, arXiv 2503.18866.

    >>> elbo(np.log([[0.2, 0.4]])).round(4).tolist() == np.log([0.3]).round(4).tolist()
    True
    """
    return np.asarray(logsumexp(_checked(log_weights), axis=1)) - np.log(log_weights.shape[1])


def resample(log_weights: Array, rng: np.random.Generator) -> Codes:
    """Which of K draws is kept of each text (n,), drawn in proportion to the weights (n, K).

    As K grows, what is kept is distributed as the posterior, whatever the proposal.
    Source: Ruan et al. 2025, arXiv 2503.18866, the E-step of BoLT, by the authors' code (ryoungj/BoLT).

    >>> resample(np.log([[1e-9, 1.0, 1e-9]]), np.random.default_rng(0)).tolist()
    [1]
    """
    weights = _checked(log_weights)
    # the largest of log-weights with Gumbel noise is a draw in proportion to the weights
    return np.asarray(np.argmax(weights + rng.gumbel(size=weights.shape), axis=1))


def _checked(log_weights: Array) -> Array:
    if log_weights.ndim != 2 or not log_weights.shape[1] or np.isnan(log_weights).any():
        raise Refused("bad-weights", "log-weights must be (texts, draws), with one draw or more and no NaN",
                      "importance weights", "give log p(x, z) - log q(z | x) of each draw")  # fmt: skip
    return log_weights
