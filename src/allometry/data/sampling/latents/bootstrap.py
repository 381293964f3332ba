"""Bootstrapping on latents: draw them by what the model knows, keep by weight, train on text with latent, again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from allometry.data.sampling.latents.importance import elbo, resample
from allometry.data.sampling.latents.model import Array, Codes, LatentModel, estimate
from allometry.notices import Refused


@dataclass(frozen=True, eq=False)
class Proposal:
    """q(z | x) that looks at the first `seen` symbols of a text alone: `shares` (V**seen, L)."""

    shares: Array
    seen: int
    symbols: int

    def of(self, texts: Codes) -> Array:
        """q(z | x) of each text (n, L)."""
        return self.shares[_prefixes(texts, self.seen, self.symbols)]


def learn_proposal(
    latents: Codes, texts: Codes, states: int, symbols: int, seen: int = 2, smoothing: float = 0.5
) -> Proposal:
    """The proposal of pairs: how often each latent went with each beginning, `smoothing` added.

    >>> found = learn_proposal(np.array([0, 1]), np.array([[0, 0], [1, 0]]), 2, 2, seen=1)
    >>> found.of(np.array([[1, 1]])).tolist()
    [[0.25, 0.75]]
    """
    counts = np.full((symbols**seen, states), smoothing)
    np.add.at(counts, (_prefixes(texts, seen, symbols), latents), 1.0)
    return Proposal(counts / counts.sum(1, keepdims=True), seen, symbols)


def _prefixes(texts: Codes, seen: int, symbols: int) -> Codes:
    return np.asarray(texts[:, :seen] @ symbols ** np.arange(seen))


def draw_latents(
    texts: Codes, model: LatentModel, proposal: Proposal, draws: int, rng: np.random.Generator
) -> tuple[Codes, Array]:
    """`draws` latents of each text by the proposal (n, K), and the logarithms of their weights (n, K)."""
    if draws < 1:
        raise Refused("no-draws", f"{draws} draws give no latent", "draws", "give 1 or more")
    shares = proposal.of(texts)
    below = np.cumsum(shares, axis=1)[:, None, :-1]
    drawn = (rng.random((len(texts), draws, 1)) > below).sum(2)
    joint = np.take_along_axis(model.joint(texts), drawn, axis=1)
    return drawn, joint - np.log(np.take_along_axis(shares, drawn, axis=1))


@dataclass(frozen=True, eq=False)
class Iteration:
    """A model after a round of bootstrapping, its proposal, and the mean bound on the raw texts before it (None first)."""

    model: LatentModel
    proposal: Proposal
    bound: float | None


def bootstrap(
    latents: Codes, warm: Codes, raw: Codes, *, states: int, symbols: int, draws: int, rounds: int = 3, seed: int = 0
) -> list[Iteration]:
    """The model that pairs alone give, and that of each further round of expectation and maximisation on raw texts.

    Each round draws `draws` latents of every raw text by the proposal, keeps one by its weight, and estimates model and
    proposal anew from the given pairs and these. Use it to see what draws are worth where the truth is known, before
    the same loop is paid for with language models: compute at the E-step buys raw text.
    Arguments: `latents` (w,) of the texts `warm` (w, m), and texts `raw` (n, m) without.
    Source: Ruan et al. 2025, arXiv 2503.18866 (BoLT): proposal and model are one language model there.
    """
    rng = np.random.default_rng(seed)
    found = [Iteration(estimate(latents, warm, states, symbols), learn_proposal(latents, warm, states, symbols), None)]
    for _ in range(rounds):
        drawn, weights = draw_latents(raw, found[-1].model, found[-1].proposal, draws, rng)
        kept = np.take_along_axis(drawn, resample(weights, rng)[:, None], axis=1)[:, 0]
        pairs = np.concatenate([latents, kept]), np.concatenate([warm, raw])
        model, proposal = estimate(*pairs, states, symbols), learn_proposal(*pairs, states, symbols)
        found.append(Iteration(model, proposal, float(elbo(weights).mean())))
    return found


def data_gain(loss: float, used: float, sizes: ArrayLike, losses: ArrayLike) -> float | None:
    """How many times the raw data that was used training without latents would need for the same loss.

    `sizes` and `losses` (k,) are of training without, sizes rising; between them it is linear in the logarithm of the
    size, and the losses are taken to fall. None where the loss lies beyond them: then it is not known.

    >>> round(data_gain(2.0, 100, [100, 1000, 10000], [3.0, 2.0, 1.0]), 6)
    10.0
    """
    size, lost = np.asarray(sizes, dtype=float), np.minimum.accumulate(np.asarray(losses, dtype=float))
    if size.shape != lost.shape or not len(size) or (np.diff(size) <= 0).any() or used <= 0:
        raise Refused("bad-curve", "sizes must rise, with one loss each", "data_gain", "sort the runs by size")
    if not lost[-1] <= loss <= lost[0]:
        return None
    return float(np.exp(np.interp(-loss, -lost, np.log(size))) / used)
