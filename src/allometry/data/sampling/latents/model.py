"""A generator with latents that can be counted out: the truth that bootstrapping is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from allometry.notices import Refused

Array: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LatentModel:
    """Texts of m symbols, each drawn by the text's latent: `prior` (L,), `emission` (L, m, V).

    Use it where the exact likelihood and posterior are needed, for a latent of few states.
    """

    prior: Array
    emission: Array

    def __post_init__(self) -> None:
        if self.emission.ndim != 3 or len(self.prior) != len(self.emission):
            raise Refused("bad-model", "a prior (L,) and emissions (L, m, V) do not go together", "LatentModel",
                          "give one of each for every latent")  # fmt: skip
        for name in ("prior", "emission"):
            values = getattr(self, name)
            if not (values > 0).all() or not np.allclose(values.sum(-1), 1):
                raise Refused("bad-model", f"the {name} is no distribution above 0", "LatentModel", "smooth it")

    def sample(self, count: int, rng: np.random.Generator) -> tuple[Codes, Codes]:
        """Latents (n,) and their texts (n, m)."""
        latents = rng.choice(len(self.prior), size=count, p=self.prior)
        below = np.cumsum(self.emission[latents], axis=2)
        return latents, (rng.random((*below.shape[:2], 1)) > below[..., :-1]).sum(2)

    def joint(self, texts: Codes) -> Array:
        """log p(x, z) of each text and latent (n, L)."""
        each = np.log(self.emission)[:, np.arange(texts.shape[1]), texts]
        return np.log(self.prior) + each.sum(2).T

    def log_likelihood(self, texts: Codes) -> Array:
        """log p(x) (n,), exactly."""
        return np.asarray(logsumexp(self.joint(texts), axis=1))

    def posterior(self, texts: Codes) -> Array:
        """p(z | x) (n, L), exactly."""
        joint = self.joint(texts)
        return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))


def draw_model(states: int, length: int, symbols: int, rng: np.random.Generator, spread: float = 0.3) -> LatentModel:
    """A generator drawn at random: emissions are Dirichlet with concentration `spread`, small for latents that tell much.

    >>> draw_model(3, 4, 5, np.random.default_rng(0)).emission.shape
    (3, 4, 5)
    """
    emission = rng.dirichlet(np.full(symbols, spread), size=(states, length))
    return LatentModel(np.full(states, 1 / states), (emission + 1e-3) / (emission + 1e-3).sum(-1, keepdims=True))


def estimate(latents: Codes, texts: Codes, states: int, symbols: int, smoothing: float = 0.5) -> LatentModel:
    """The model that is likeliest by pairs of latents (n,) and texts (n, m), `smoothing` added to each count.

    >>> estimate(np.array([0, 0, 1]), np.array([[0], [0], [1]]), 2, 2, 0.5).emission[0, 0].round(3).tolist()
    [0.833, 0.167]
    """
    counts = np.full((states, texts.shape[1], symbols), smoothing)
    np.add.at(counts, (latents[:, None], np.arange(texts.shape[1]), texts), 1.0)
    prior = np.bincount(latents, minlength=states) + smoothing
    return LatentModel(prior / prior.sum(), counts / counts.sum(-1, keepdims=True))
