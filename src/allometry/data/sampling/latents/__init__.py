"""Latent-thought bootstrapping on a generator with known latents: weights, bounds, the loop, what it saves in data."""

from allometry.data.sampling.latents.bootstrap import (
    Iteration,
    Proposal,
    bootstrap,
    data_gain,
    draw_latents,
    learn_proposal,
)
from allometry.data.sampling.latents.importance import elbo, resample
from allometry.data.sampling.latents.model import LatentModel, draw_model, estimate

__all__ = [
    "Iteration", "LatentModel", "Proposal", "bootstrap", "data_gain", "draw_latents", "draw_model", "elbo", "estimate",
    "learn_proposal", "resample",
]  # fmt: skip
