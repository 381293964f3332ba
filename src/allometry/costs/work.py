"""Work of one device in the units that a roofline divides: FLOPs, bytes, and counts of what takes time by itself.

A pass over a prompt and the decoding behind it are each one `Work`; works add up. Counted are matrices once a pass, activations as each operator writes and reads them (scores never leave the chip), and the cache
as each step reads it. The exact FLOPs by component are in `flops`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from allometry.costs.cache import cache_entries, cache_reads
from allometry.costs.execution import Execution
from allometry.costs.flops import attended_in, attention_rounds, decoding_scores, forward_flops
from allometry.costs.formats import FULL, Format
from allometry.costs.hardware import Hardware
from allometry.costs.shapes import Shape, attention_parameters, feed_forward_parameters

ALL_REDUCES = 2  # a layer: behind the attention and behind the feed-forward (Shoeybi et al. 2019, arXiv 1909.08053)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one device does, by the limit it runs into; all zero by default.

    `matrix_*` are the products of a prompt's pass, `decode_*` those of decoding; `score_flops` attention over a
    prompt, `cache_*` attention to the cache in decoding, `cache_keys` cached tokens times layers that one processor
    goes through, a key and value head of one sequence at a time; `layer_passes` layers started; `link_bytes` and `collectives` what devices exchange.

    >>> (Work(matrix_flops=1.0) + Work(matrix_flops=2.0, matrix_bytes=3.0)).flops
    3.0
    """

    matrix_flops: float = 0.0
    matrix_bytes: float = 0.0
    decode_flops: float = 0.0
    decode_bytes: float = 0.0
    activation_bytes: float = 0.0
    score_flops: float = 0.0
    cache_flops: float = 0.0
    cache_bytes: float = 0.0
    cache_keys: float = 0.0
    layer_passes: float = 0.0
    link_bytes: float = 0.0
    collectives: float = 0.0

    def __add__(self, other: Work) -> Work:
        return Work(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    @property
    def flops(self) -> float:
        return self.matrix_flops + self.decode_flops + self.score_flops + self.cache_flops

    @property
    def bytes(self) -> float:
        """Bytes through the device's memory."""
        return self.matrix_bytes + self.decode_bytes + self.activation_bytes + self.cache_bytes


def prefill_work(shape: Shape, how: Execution, tokens: float, cached: float = 0, sequences: float = 1) -> Work:
    """One pass over `tokens` new tokens of each of `sequences` sequences that have `cached` tokens in the cache.

    >>> from allometry.costs.finding import find_shape
    >>> work = prefill_work(find_shape("qwen3-8b"), Execution(), 128)
    >>> round(work.matrix_flops / work.matrix_bytes)
    118
    """
    if not tokens or not sequences:
        return Work()
    logits = tokens if how.all_logits else 1
    counted = forward_flops(shape, tokens, cached, logits=logits)
    new = sequences * tokens
    kept = sequences * (cache_entries(shape, tokens) + cache_entries(shape, cached)) * how.cache.bytes_each
    moved = activation_bytes(shape, new, sequences * logits)
    return Work(
        matrix_flops=sequences * (counted.total - counted.scores) / how.devices,
        matrix_bytes=read_weight_bytes(shape, new, how.weights) / how.devices,
        score_flops=sequences * counted.scores / how.devices,
        activation_bytes=moved / how.devices + kept / how.cache_devices(shape),
        layer_passes=shape.depth,
        **_exchanged(shape, how, new, 1),
    )


def decode_work(
    shape: Shape, how: Execution, hardware: Hardware, tokens: float, cached: float = 0,
    requests: float = 1, samples: float = 1, passes: float | None = None, width: float = 1,
) -> Work:  # fmt: skip
    """Decoding of `tokens` tokens by each of `samples` sequences of each of `requests` requests, behind `cached` tokens.

    The `samples` of a request share the cached tokens. In speculative decoding `passes` steps of `width` positions
    each yield those tokens; otherwise there is one pass a token.
    """
    if not tokens:
        return Work()
    passes = tokens if passes is None else passes
    sequences = requests * samples
    positions = passes * width * sequences
    counted = forward_flops(shape, tokens, cached, budget=how.attention.budget)
    reads = _cache_traffic(shape, how, tokens, cached, requests, samples) * passes / tokens
    search = 0.0 if how.attention.block is None else decoding_scores(shape, tokens, cached) / 2
    scores = decoding_scores(shape, tokens, cached, how.attention.budget) + search / (how.attention.block or 1)
    heads = sequences * (1 if shape.latent else shape.key_value_heads / how.cache_devices(shape))
    rounds = max(1.0, heads / (hardware.processors or heads))
    keys = attended_in(shape, tokens, cached, how.attention.budget) * attention_rounds(shape) * passes / tokens
    written = sequences * cache_entries(shape, tokens) * how.cache.bytes_each / how.cache_devices(shape)
    return Work(
        decode_flops=positions * (counted.total - counted.scores) / tokens / how.devices,
        decode_bytes=passes * read_weight_bytes(shape, width * sequences, how.weights) / how.devices,
        activation_bytes=activation_bytes(shape, positions, positions) / how.devices + written,
        cache_flops=positions * scores / tokens / how.devices,
        cache_bytes=reads / how.cache_devices(shape),
        cache_keys=keys * rounds,
        layer_passes=passes * shape.depth,
        **_exchanged(shape, how, positions, passes),
    )


def read_weight_bytes(shape: Shape, tokens: float, weights: Format = FULL) -> float:
    """Bytes of the weights that one pass over `tokens` tokens reads: every matrix once a loop, and the head.

    Of experts those are read that any token is sent to, evenly: n (1 - (1 - k/n)^tokens) of n, k for each token.

    >>> from allometry.costs.finding import find_shape
    >>> mixture = find_shape("mixtral-8x7b")
    >>> round(read_weight_bytes(mixture, 1) / 1e9, 1), round(read_weight_bytes(mixture, 256) / 1e9, 1)
    (25.5, 93.1)
    """
    dense = shape.layers - shape.expert_layers
    layer = shape.layers * attention_parameters(shape) + dense * feed_forward_parameters(shape, shape.ffn)
    touched = 0.0
    if shape.experts:
        missed = (1 - shape.active_experts / shape.experts) ** (tokens * shape.streams)
        touched = shape.experts * (1 - missed) + shape.shared_experts
    expert = shape.expert_layers * touched * feed_forward_parameters(shape, shape.expert_ffn)
    rounds = shape.depth / shape.layers
    return rounds * (layer + expert) * weights.bytes_each + shape.vocab * shape.width * FULL.bytes_each


def activation_bytes(shape: Shape, tokens: float, logits: float) -> float:
    """Bytes that pass between operators for `tokens` tokens, `logits` of which get a head: 16-bit, written and read.

    Each norm, projection, rotation, activation function and residual sum reads its input and writes its output once;
    attention reads queries, keys and values and writes one value for each query, for its scores stay on the chip.
    """
    heads, kv = shape.heads * shape.query_size, shape.key_value_heads * shape.values
    inner = shape.ffn
    if shape.experts:
        inner = (shape.active_experts + shape.shared_experts) * shape.expert_ffn
    # width: a read and a write a norm, input and output of attention and feed-forward, three for each residual sum
    of_width = shape.width * (2 * shape.norms_per_layer + 4 + 6)
    of_layer = of_width + 6 * heads + 6 * kv + (6 if shape.gated else 4) * inner
    numbers = shape.streams * shape.depth * of_layer + shape.width
    return FULL.bytes_each * (tokens * numbers + 2 * logits * shape.vocab)


def _cache_traffic(
    shape: Shape, how: Execution, tokens: float, cached: float, requests: float, samples: float
) -> float:
    """Bytes of the cache that all requests read while they decode, the prompt's once a request where it is shared.

    Samples under sparse attention choose different tokens of the prompt, so each reads its own; the block means of the
    search, of keys alone, are shared like a cache.
    """
    attention, each = how.attention, how.cache.bytes_each
    if attention.kind != "dense":
        chosen = requests * samples * cache_reads(shape, tokens, cached, attention.budget)
        return each * (chosen + (_dense_reads(shape, how, tokens, cached, requests, samples) / (2 * attention.block)
                                 if attention.block else 0.0))  # fmt: skip
    return each * _dense_reads(shape, how, tokens, cached, requests, samples)


def _dense_reads(shape: Shape, how: Execution, tokens: float, cached: float, requests: float, samples: float) -> float:
    own = cache_reads(shape, tokens, 0)
    prompt = cache_reads(shape, tokens, cached) - own
    return requests * (prompt * (samples if how.reread else 1) + own * samples)


def _exchanged(shape: Shape, how: Execution, tokens: float, passes: float) -> dict[str, float]:
    """Bytes and counts of the all-reduces of tensor parallelism; each device sends 2 (n - 1)/n of what is reduced."""
    if how.devices == 1:
        return {}
    share = 2 * (how.devices - 1) / how.devices
    reduced = ALL_REDUCES * shape.depth * shape.streams * tokens * shape.width * FULL.bytes_each
    return {"link_bytes": share * reduced, "collectives": ALL_REDUCES * shape.depth * passes}
