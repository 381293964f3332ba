"""The forward pass in NumPy, of any tokens at any positions over a cache, each token alike whatever it is batched with.

Floating-point sums hang on how they are grouped, and libraries group them by the shapes of the operands. So each
product here has one shape: rows go through the weights in blocks of `ROWS`, and the keys of a row are padded to a
multiple of `KEYS`, whose padding adds exact zeros. A token then gets the same bits alone, in a batch of any size, and
when its text is computed again as a prefix (on one machine with one BLAS; tested).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from allometry.inference.engines.embedded.weights import Weights

Floats = NDArray[np.float32]
Integers = NDArray[np.integer[Any]]
# Blocks of 8 rows cost 1.1 to 2.2 times one product of 128 rows on the machine this was written on; wider were no faster.
ROWS = 8
KEYS = 32
ROPE_BASE = 10000.0
EPSILON = float(np.finfo(np.float32).eps)  # of torch.nn.RMSNorm by default


class Cache(NamedTuple):
    """Keys and values of one layer (rows, heads, positions, head size)."""

    keys: Floats
    values: Floats


class _Block(NamedTuple):
    norm_attention: Floats
    qkv: Floats
    mix: Floats
    norm_feed_forward: Floats
    up: Floats
    down: Floats


class Network:
    """A Llama-style decoder: RMS norms, rotary positions, gated feed-forward, the head tied to the embedding."""

    def __init__(self, weights: Weights) -> None:
        self.config = weights.config
        arrays = {name: np.asarray(array, np.float32) for name, array in weights.arrays.items()}
        self._embedding, self._norm = arrays["embedding.weight"], arrays["norm.weight"]
        self._head = np.ascontiguousarray(self._embedding.T)
        self._blocks = [_block(arrays, f"blocks.{i}.") for i in range(self.config.layers)]
        frequency = ROPE_BASE ** (-np.arange(0, self.config.head_size, 2) / self.config.head_size)
        angle = np.outer(np.arange(self.config.context), frequency)
        self._cosine, self._sine = (f(angle).astype(np.float32)[:, None, :] for f in (np.cos, np.sin))
        self._scale = np.float32(self.config.head_size**-0.5)

    def cache(self, rows: int) -> list[Cache]:
        """An empty cache; memory is taken as it is filled."""
        positions = -(-self.config.context // KEYS) * KEYS
        shape = (rows, self.config.heads, positions, self.config.head_size)
        return [Cache(np.zeros(shape, np.float32), np.zeros(shape, np.float32)) for _ in self._blocks]

    def states(self, tokens: Integers, positions: Integers, cache: list[Cache], rows: Integers | int) -> Floats:
        """What the model makes of tokens (n), each at its position; their keys and values go into the cache.

        `rows` is `arange(n)` where each token goes on with a row of its own, or one row that all of them belong to.
        """
        n = len(tokens)
        x = np.zeros((-(-n // ROWS) * ROWS, self.config.width), np.float32)
        x[:n] = self._embedding[tokens]
        bound = -(-(int(positions.max()) + 1) // KEYS) * KEYS
        visible = np.arange(bound) <= positions[:, None]
        for block, layer in zip(self._blocks, cache, strict=True):
            x += self._attend(block, _rms(x, block.norm_attention), positions, layer, rows, visible)
            gate, value = np.split(_product(_rms(x, block.norm_feed_forward), block.up), 2, axis=-1)
            x += _product(gate / (1 + np.exp(-gate)) * value, block.down)
        return x[:n]

    def logits(self, states: Floats) -> Floats:
        """The logits (n, vocabulary) of the tokens that come next."""
        n = len(states)
        x = np.zeros((-(-n // ROWS) * ROWS, self.config.width), np.float32)
        x[:n] = _rms(states, self._norm)
        return _product(x, self._head)[:n]

    def _attend(
        self,
        block: _Block,
        x: Floats,
        positions: Integers,
        layer: Cache,
        rows: Integers | int,
        visible: NDArray[np.bool_],
    ) -> Floats:
        n, bound = visible.shape
        heads, size = self.config.heads, self.config.head_size
        qkv = _product(x, block.qkv)[:n].reshape(n, 3, heads, size)
        turn = self._cosine[positions], self._sine[positions]
        query, key = _rotate(qkv[:, 0], turn), _rotate(qkv[:, 1], turn)
        layer.keys[rows, :, positions], layer.values[rows, :, positions] = key, qkv[:, 2]
        held = slice(rows, rows + 1) if isinstance(rows, int) else slice(0, n)
        keys, values = layer.keys[held, :, :bound], layer.values[held, :, :bound]
        scores = np.matmul(query[:, :, None], keys.swapaxes(-1, -2))[:, :, 0] * self._scale
        scores = np.where(visible[:, None], scores, np.float32(-np.inf))
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        # in groups of one size, group after group: a longer padding adds zeros and changes no other sum
        groups = weights.reshape(n, heads, -1, 1, KEYS)
        mixed = np.matmul(groups, values.reshape(len(values), heads, -1, KEYS, size)).sum(2)[:, :, 0]
        total = groups.sum(2).sum(-1)
        out = np.zeros((len(x), heads * size), np.float32)
        out[:n] = (mixed / total).reshape(n, -1)
        return _product(out, block.mix)


def _block(arrays: dict[str, Floats], prefix: str) -> _Block:
    def matrix(name: str) -> Floats:
        return np.ascontiguousarray(arrays[f"{prefix}{name}.weight"].T)

    norms = arrays[f"{prefix}norm_attention.weight"], arrays[f"{prefix}norm_feed_forward.weight"]
    return _Block(norms[0], matrix("attention.qkv"), matrix("attention.out"), norms[1], matrix("feed_forward.up"),
                  matrix("feed_forward.out"))  # fmt: skip


def _product(x: Floats, weight: Floats) -> Floats:
    """Rows, a multiple of `ROWS` of them, times a matrix, by products of one shape."""
    return np.matmul(x.reshape(-1, ROWS, x.shape[-1]), weight).reshape(len(x), -1)


def _rms(x: Floats, weight: Floats) -> Floats:
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + np.float32(EPSILON)) * weight


def _rotate(x: Floats, turn: tuple[Floats, Floats]) -> Floats:
    """Rotary positions (Su et al. 2021): the two halves of the last axis, turned by position."""
    cosine, sine = turn
    first, second = np.split(x, 2, axis=-1)
    return np.concatenate((first * cosine - second * sine, second * cosine + first * sine), axis=-1)
