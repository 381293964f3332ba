"""Bytes of activations that one micro-batch leaves in a layer for its backward pass.

The general form of Korthikanti et al. 2022, arXiv 2205.05198, section 4: each term is an input that some operation
needs again. For their GPT (plain feed-forward of 4 x width, dropout, no flash attention) the sum is their equation 1,
s b h (34 + 5 a s / h) bytes.
"""

from __future__ import annotations

from allometry.costs.shapes import Shape
from allometry.costs.training.job import Job
from allometry.costs.training.parallel import Parallelism

MASK_BYTES = 1  # a dropout mask is a byte an element (section 4.1)
STATISTIC_BYTES = 4  # flash attention keeps one 32-bit log-sum for each head and token (Dao et al. 2022, 2205.14135)
LOGIT_BYTES = 4  # logits are kept in 32 bits for the loss (section 4.3)
# Plain PyTorch under autocast: the stream between layers and softmax are in 32 bits, a gate's activation is kept
# besides its input, and the loss holds logits in 16 and 32 bits, their log-softmax and its gradient.
PLAIN_STREAM_BYTES, PLAIN_SOFTMAX_BYTES, PLAIN_LOGIT_BYTES = 4, 4, 2 + 4 + 4 + 4


def tokens_here(job: Job, spread: Parallelism) -> float:
    """Tokens of a micro-batch that a device of a context-parallel group holds."""
    return spread.micro_batch * job.context / spread.context


def layer_activations(job: Job, spread: Parallelism) -> float:
    """Bytes that one layer keeps of one micro-batch on one device.

    Arguments: `spread.recompute` says what is dropped: with "full" only the layer's input stays.
    Of a shape with experts this is a layer with experts; of one with loops, one run of the layer.

    >>> from allometry.costs.shapes import Shape
    >>> gpt = Shape(layers=1, width=64, heads=4, head_size=16, ffn=256, vocab=1, gated=False)
    >>> job = Job(shape=gpt, batch=1, context=32, flash=False, dropout=True)
    >>> layer_activations(job, Parallelism()) == 32 * 64 * (34 + 5 * 4 * 32 / 64)
    True
    """
    tokens = tokens_here(job, spread) * job.shape.streams
    if spread.recompute == "full":
        return checkpoint_bytes(job, spread)
    shared = _width_bytes(job) * tokens / (spread.tensor if spread.sequence else 1)
    split = (_projection_bytes(job) + _feed_forward_bytes(job)) * tokens / spread.tensor
    return shared + split + _square_bytes(job, spread) * tokens / spread.tensor


def checkpoint_bytes(job: Job, spread: Parallelism) -> float:
    """Bytes of a layer's input, all that a fully recomputed layer keeps."""
    tokens = tokens_here(job, spread) * job.shape.streams
    whole = job.activation_bytes * job.shape.width * tokens
    return whole / (spread.tensor if spread.sequence else 1)


def embedding_activations(job: Job, spread: Parallelism) -> float:
    """Bytes kept by the embedding of one micro-batch: a dropout mask where there is one."""
    tokens = tokens_here(job, spread)
    return job.dropout * MASK_BYTES * job.shape.width * tokens / (spread.tensor if spread.sequence else 1)


def head_activations(job: Job, spread: Parallelism) -> float:
    """Bytes kept by the last norm, the head and the loss of one micro-batch (section 4.3)."""
    tokens = tokens_here(job, spread)
    inputs = 2 * job.activation_bytes * job.shape.width * tokens / (spread.tensor if spread.sequence else 1)
    return inputs + (LOGIT_BYTES if job.fused else PLAIN_LOGIT_BYTES) * job.shape.vocab * tokens / spread.tensor


def _width_bytes(job: Job) -> float:
    """A token's bytes of the whole width: inputs of norms, of the projections and of the feed-forward; masks."""
    shape, size = job.shape, job.activation_bytes
    stream = shape.norms_per_layer * (size if job.fused else PLAIN_STREAM_BYTES)
    inputs = (1 + _copies(shape)) * size
    router = size * shape.experts if shape.experts else 0
    return (stream + inputs + 2 * job.dropout * MASK_BYTES) * shape.width + router


def _copies(shape: Shape) -> float:
    """Inputs of the feed-forward: one, or one for each expert that a token goes to, and its output to be weighed."""
    return 1 if not shape.experts else 2 * shape.active_experts + (1 if shape.shared_experts else 0)


def _projection_bytes(job: Job) -> float:
    """A token's queries, keys, values and the input of the output projection."""
    shape = job.shape
    heads = (shape.heads + shape.key_value_heads) * (shape.query_size + shape.values)
    latents = (shape.latent or 0) + (shape.query_latent or 0)
    return job.activation_bytes * (heads + latents)


def _feed_forward_bytes(job: Job) -> float:
    """Inputs of the activation (two where it is gated) and of the last matrix; factors of structured ones besides."""
    shape = job.shape
    each = (3 if job.fused else 4) if shape.gated else 2
    inner = (shape.active_experts + shape.shared_experts) * shape.expert_ffn if shape.experts else shape.ffn
    return job.activation_bytes * (each * inner + _factor_entries(shape))


def _factor_entries(shape: Shape) -> int:
    """Numbers between the two factors of each structured matrix."""
    if shape.structure == "dense":
        return 0
    between = min(shape.width, shape.expert_ffn) if shape.structure == "block-shuffle" else shape.rank or 0
    uses = shape.active_experts + shape.shared_experts if shape.experts else 1
    return uses * (3 if shape.gated else 2) * between


def _square_bytes(job: Job, spread: Parallelism) -> float:
    """A token's scores after softmax, and with dropout their mask and what it leaves; little with flash attention."""
    shape = job.shape
    if job.flash:
        return STATISTIC_BYTES * shape.heads
    if spread.recompute == "selective":
        return 0.0
    near = min(job.context, shape.window or job.context)
    seen = (1 - shape.window_layers / shape.layers) * job.context + shape.window_layers / shape.layers * near
    size, softmax = job.activation_bytes, 0 if job.fused else PLAIN_SOFTMAX_BYTES + MASK_BYTES
    return shape.heads * seen * (softmax + (2 * size + MASK_BYTES if job.dropout else size))
