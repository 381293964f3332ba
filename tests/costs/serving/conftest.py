"""Deployments with a cache of a chosen size, and times that make queues with known answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from allometry.costs import find_hardware, find_shape
from allometry.costs.serving import Deployment
from allometry.costs.serving.step_times import Pace, Prefill
from allometry.costs.training.memory import WORKSPACE

SMALL = "layers=4 width=64 heads=4 ffn=128 vocab=256"


def _small(cache_tokens: int = 10_000, shape: str = SMALL, **options: Any) -> Deployment:
    """A small model on a device whose cache holds just this many tokens."""
    hardware = find_hardware("bf16=1e13 memory=1e12 bandwidth=1e11 link_bandwidth=1e10 devices_per_node=8")
    made = Deployment(shape=find_shape(shape), hardware=hardware, **options)
    used = made.weight_bytes + WORKSPACE + (cache_tokens + 0.5) * made.token_cache_bytes / made.pipeline
    return replace(made, hardware=replace(hardware, memory=used / made.memory_share))


class Constant:
    """A prompt pass takes `prefill` seconds, an iteration of decoding `decode` seconds, whatever is in it."""

    def __init__(self, prefill: float, decode: float) -> None:
        self.prefill, self.decode = prefill, decode

    def step_seconds(self, prefill: Prefill, batch: float, attended: float) -> float:
        return self.prefill if prefill.tokens else self.decode

    def pace(self, batch: float, attended: float) -> Pace:
        return Pace(self.decode, 0.0)


@pytest.fixture(scope="session")
def small() -> Callable[..., Deployment]:
    """Makes a deployment of a small model with a cache of so many tokens: `small(cache_tokens, shape, **options)`."""
    return _small


@pytest.fixture(scope="session")
def constant() -> type[Constant]:
    """Times that do not depend on the batch: `constant(prefill, decode)`."""
    return Constant
