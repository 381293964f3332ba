"""Model shapes, and the one counter of parameters of the whole project.

A shape is a flat value object; `parameters` is a pure function from it to exact integers by component, so that
every counting convention (with or without embeddings, all experts or the active ones) is a sum over named parts and
never a rule of thumb. FLOPs of a shape are in `flops`, what it caches in `cache`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache

from allometry.costs._checks import check_choice, check_count, check_multiple
from allometry.notices import Refused

BIASES = ("none", "qkv", "all")
NORMS = ("rms", "layer")
QK_NORMS = ("none", "head", "full")
STRUCTURES = ("dense", "low-rank", "block-shuffle", "block-dense")
INJECTIONS = ("none", "diagonal", "dense")
COUNTS = ("layers", "width", "heads", "head_size", "ffn", "vocab", "granularity", "loops", "streams", "blocks")
OPTIONAL_COUNTS = ("kv_heads", "context", "window", "looped_layers", "rank", "latent", "query_latent", "value_size")
COUNTS_FROM_ZERO = ("positions", "norms_per_layer", "window_layers", "experts", "active_experts", "shared_experts",
                    "dense_layers", "rope_size", "other")  # fmt: skip
# Published: ParScale learns 48 keys and values in front of each stream and layer (Chen et al. 2025, 2505.10475).
STREAM_PREFIX = 48


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A decoder-only transformer as a flat value object; what is not given is absent.

    Use it wherever a count, a cost or a memory need is asked for. By default: dense, gated, without biases, RMS norms,
    rotary positions, the head tied to the embedding. Not for encoders, convolutions or recurrent mixers.

    Arguments are counts unless they say otherwise.

    - `layers`, `width`, `heads`, `head_size`, `ffn` (inner width of a dense feed-forward), `vocab`.
    - `kv_heads` defaults to `heads`; `gated` feed-forwards have three matrices, not two; `tied` heads are the
      embedding; `context` is the longest it is made for; `positions` is learned position vectors.
    - `biases`: "none", "qkv" or "all" linear layers of the blocks; `norm`: "rms" or "layer" (with a bias);
      `norms_per_layer` of the whole width; `qk_norm`: "none", over each "head", or over the "full" width.
    - `latent`: keys and values are made from a vector of this size, which alone is cached, with `rope_size` numbers for
      positions; `query_latent` likewise for queries; heads then have head_size + rope_size in queries and keys and
      `value_size` (by default head_size) in values (multi-head latent attention, arXiv 2405.04434).
    - `window` tokens that the attention of `window_layers` layers sees; the others see everything.
    - `experts` in each layer, of which a token uses `active_experts`; `shared_experts` are used by all tokens; each is
      ffn / `granularity` wide; the first `dense_layers` layers have a dense feed-forward instead.
    - `loops`: times that the `looped_layers` (by default all) are run, with the same weights; `recursive`: tokens
      leave after 1 to `loops` rounds, evenly, as a router decides (mixture of recursions).
    - `injection` of what the loops were given into each of them, by a "diagonal" or "dense" matrix, beside a state that
      decays by itself (the stable loop, arXiv 2604.12946); nothing where there is one loop.
    - `streams` run side by side over the same weights and mixed at the end, each with `STREAM_PREFIX` learned keys and
      values a layer (ParScale).
    - `structure` of the feed-forward's matrices: "dense", "low-rank", "block-shuffle" or "block-dense", with `rank`
      and `blocks`.
    - `other` parameters that take part in no matrix product, such as biases of routers and sinks of attention.

    Errors: `Refused` for counts that are not whole and positive and for parts that do not divide, with the nearest
    that do.

    >>> Shape(layers=1, width=32, heads=2, head_size=16, ffn=128, vocab=256).parameters().total
    24672
    """

    layers: int
    width: int
    heads: int
    head_size: int
    ffn: int
    vocab: int
    kv_heads: int | None = None
    gated: bool = True
    tied: bool = True
    context: int | None = None
    positions: int = 0
    biases: str = "none"
    norm: str = "rms"
    norms_per_layer: int = 2
    qk_norm: str = "none"
    latent: int | None = None
    query_latent: int | None = None
    rope_size: int = 0
    value_size: int | None = None
    window: int | None = None
    window_layers: int = 0
    experts: int = 0
    active_experts: int = 0
    shared_experts: int = 0
    granularity: int = 1
    dense_layers: int = 0
    loops: int = 1
    looped_layers: int | None = None
    recursive: bool = False
    injection: str = "none"
    streams: int = 1
    structure: str = "dense"
    rank: int | None = None
    blocks: int = 1
    other: int = 0
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for name in COUNTS:
            check_count(name, getattr(self, name))
        for name in OPTIONAL_COUNTS:
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))
        for name in COUNTS_FROM_ZERO:
            check_count(name, getattr(self, name), least=0)
        check_choice("biases", self.biases, BIASES)
        check_choice("norm", self.norm, NORMS)
        check_choice("qk_norm", self.qk_norm, QK_NORMS)
        check_choice("structure", self.structure, STRUCTURES)
        check_choice("injection", self.injection, INJECTIONS)
        check_multiple("heads", self.heads, "kv_heads", self.key_value_heads)
        self._check_layers()
        self._check_latents()
        self._check_experts()
        self._check_structure()

    def _check_layers(self) -> None:
        for name in ("window_layers", "dense_layers", "looped_layers"):
            if (getattr(self, name) or 0) > self.layers:
                raise Refused("bad-shape", f"{name} ({getattr(self, name)}) is more than layers ({self.layers})",
                              "the shape", f"give at most {name}={self.layers}")  # fmt: skip
        if self.window_layers and self.window is None:
            raise Refused("bad-shape", f"window_layers is {self.window_layers} but no window is given", "the shape",
                          "give window, the number of tokens those layers see")  # fmt: skip

    def _check_latents(self) -> None:
        if self.latent is None and (self.query_latent or self.rope_size or self.value_size):
            raise Refused("bad-shape", "query_latent, rope_size and value_size belong to latent attention", "the shape",
                          "give latent, the size of what is cached")  # fmt: skip
        if self.latent is not None and (self.key_value_heads != self.heads or self.biases != "none"):
            raise Refused("bad-shape", "latent attention has as many key as query heads and no biases", "the shape",
                          f"give kv_heads={self.heads} biases=none")  # fmt: skip

    def _check_experts(self) -> None:
        check_multiple("ffn", self.ffn, "granularity", self.granularity)
        if self.experts and not 1 <= self.active_experts <= self.experts:
            raise Refused("bad-shape", f"a token cannot use {self.active_experts} of {self.experts} experts",
                          "the shape", f"give active_experts from 1 to {self.experts}")  # fmt: skip
        if not self.experts and (self.active_experts or self.shared_experts or self.dense_layers):
            raise Refused("bad-shape", "there are active or shared experts or dense layers, but no experts",
                          "the shape", "give experts, the number in each layer")  # fmt: skip

    def _check_structure(self) -> None:
        if self.structure in ("low-rank", "block-dense") and self.rank is None:
            raise Refused("bad-shape", f"a {self.structure} feed-forward needs a rank", "the shape",
                          f"give rank, such as {max(1, min(self.width, self.ffn) // 2)}")  # fmt: skip
        if self.blocks > 1:
            sizes = {"width": self.width, "ffn": self.expert_ffn, **({"rank": self.rank} if self.rank else {})}
            for name, size in sizes.items():
                check_multiple(name, size, "blocks", self.blocks)

    @property
    def key_value_heads(self) -> int:
        return self.heads if self.kv_heads is None else self.kv_heads

    @property
    def query_size(self) -> int:
        """Size of a head's queries and keys."""
        return self.head_size + self.rope_size

    @property
    def values(self) -> int:
        """Size of a head's values."""
        return self.head_size if self.value_size is None else self.value_size

    @property
    def cache_width(self) -> int:
        """Numbers that one token leaves in the cache of one layer."""
        return 2 * self.key_value_heads * self.head_size if self.latent is None else self.latent + self.rope_size

    @property
    def expert_ffn(self) -> int:
        """Inner width of one expert."""
        return self.ffn // self.granularity

    @property
    def expert_layers(self) -> int:
        return self.layers - self.dense_layers if self.experts else 0

    @property
    def loop_layers(self) -> int:
        """Layers that are run again in each loop."""
        return self.layers if self.looped_layers is None else self.looped_layers

    @cached_property
    def loop_shares(self) -> tuple[float, ...]:
        """Share of the tokens that take part in each loop: all of them, or one step fewer each time when recursive."""
        return tuple(1 - done / self.loops if self.recursive else 1.0 for done in range(self.loops))

    @cached_property
    def depth(self) -> float:
        """Layers that a token passes through on average, loops counted."""
        return self.layers - self.loop_layers + self.loop_layers * sum(self.loop_shares)

    def parameters(self) -> Parameters:
        """Exact parameter count by component."""
        return count_parameters(self)

    def as_json(self) -> dict[str, object]:
        """Every field that differs from its default, by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}

    def as_text(self) -> str:
        """The text that `find_shape` reads back.

        >>> Shape(layers=1, width=32, heads=2, head_size=16, ffn=128, vocab=256, tied=False).as_text()
        'layers=1 width=32 heads=2 head_size=16 ffn=128 vocab=256 tied=false'
        """
        words = {name: str(value).lower() for name, value in self.as_json().items() if name != "name"}
        return " ".join(f"{name}={word}" for name, word in words.items())


@dataclass(frozen=True)
class Parameters:
    """Parameters of a shape by component; the counting conventions are sums of these.

    `idle_experts` is the part of `experts` that one token does not use.
    """

    embedding: int
    head: int
    attention: int
    feed_forward: int
    norms: int
    positions: int = 0
    experts: int = 0
    router: int = 0
    streams: int = 0
    injection: int = 0
    other: int = 0
    idle_experts: int = 0

    @property
    def total(self) -> int:
        return self.embedding + self.positions + self.head + self.non_embedding

    @property
    def non_embedding(self) -> int:
        """Without the embedding, learned positions and the head (Kaplan et al. 2020)."""
        layers = self.attention + self.feed_forward + self.experts + self.router + self.norms
        return layers + self.streams + self.injection + self.other

    @property
    def active(self) -> int:
        """The total without the experts that a token does not use."""
        return self.total - self.idle_experts

    @property
    def active_non_embedding(self) -> int:
        return self.non_embedding - self.idle_experts


@lru_cache(maxsize=256)  # a search asks for the same few shapes many times
def count_parameters(shape: Shape) -> Parameters:
    """Exact parameters of a shape by component."""
    expert = _feed_forward_with_biases(shape, shape.expert_ffn)
    return Parameters(
        embedding=shape.vocab * shape.width,
        head=0 if shape.tied else shape.vocab * shape.width,
        attention=shape.layers * (attention_parameters(shape) + _attention_biases(shape)),
        feed_forward=(shape.layers - shape.expert_layers) * _feed_forward_with_biases(shape, shape.ffn),
        norms=_norm_parameters(shape),
        positions=shape.positions * shape.width,
        experts=shape.expert_layers * (shape.experts + shape.shared_experts) * expert,
        router=(shape.expert_layers * shape.experts + shape.recursive * shape.loops) * shape.width,
        streams=_stream_parameters(shape),
        injection=_injection_parameters(shape),
        other=shape.other,
        idle_experts=shape.expert_layers * (shape.experts - shape.active_experts) * expert,
    )


def attention_parameters(shape: Shape) -> int:
    """Entries of the projections of one layer: query, key, value, output, and what latents are made with."""
    if shape.latent is None:
        return 2 * shape.width * (shape.heads + shape.key_value_heads) * shape.head_size
    queries, inputs = shape.heads * shape.query_size, shape.query_latent or shape.width
    made = shape.width * (shape.query_latent or 0) + shape.width * (shape.latent + shape.rope_size)
    keys_and_values = shape.latent * shape.heads * (shape.head_size + shape.values)
    return made + inputs * queries + keys_and_values + shape.heads * shape.values * shape.width


def feed_forward_parameters(shape: Shape, inner: int) -> int:
    """Entries of the matrices of one feed-forward of this inner width, structured or dense.

    Source of the structured counts: Wei et al. 2024, arXiv 2406.16450, section 2.
    """
    up, down = matrix_parameters(shape, shape.width, inner), matrix_parameters(shape, inner, shape.width)
    return (2 if shape.gated else 1) * up + down


def matrix_parameters(shape: Shape, inputs: int, outputs: int) -> int:
    """Entries that stand for one feed-forward matrix from `inputs` to `outputs`."""
    rank = shape.rank or 0
    if shape.structure == "low-rank":
        return rank * (inputs + outputs)
    if shape.structure == "block-dense":
        return rank * inputs // shape.blocks + rank * outputs
    if shape.structure == "block-shuffle":
        return min(inputs, outputs) * (inputs + outputs) // shape.blocks
    return inputs * outputs


def _attention_biases(shape: Shape) -> int:
    inner = (shape.heads + 2 * shape.key_value_heads) * shape.head_size
    return {"none": 0, "qkv": inner, "all": inner + shape.width}[shape.biases]


def _feed_forward_with_biases(shape: Shape, inner: int) -> int:
    biases = (2 if shape.gated else 1) * inner + shape.width
    return feed_forward_parameters(shape, inner) + (biases if shape.biases == "all" else 0)


def _norm_parameters(shape: Shape) -> int:
    full = (shape.heads + shape.key_value_heads) * shape.head_size
    of_heads = {"none": 0, "head": 2 * shape.head_size, "full": full}[shape.qk_norm]
    of_width = (shape.norms_per_layer * shape.layers + 1) * shape.width
    of_latents = (shape.latent or 0) + (shape.query_latent or 0)
    return (2 if shape.norm == "layer" else 1) * of_width + shape.layers * (of_heads + of_latents)


def _stream_parameters(shape: Shape) -> int:
    """Learned prefixes, and the two layers that weigh the streams (ParScale, arXiv 2505.10475)."""
    if shape.streams == 1:
        return 0
    prefixes = shape.layers * 2 * shape.key_value_heads * shape.head_size * STREAM_PREFIX
    mixer = (shape.streams * shape.width + 1) * shape.width + (shape.width + 1) * shape.streams
    return shape.streams * prefixes + mixer


def _injection_parameters(shape: Shape) -> int:
    """A norm, the state's decay and step, and the matrix of the stable loop (arXiv 2604.12946)."""
    if shape.loops == 1 or shape.injection == "none":
        return 0
    norm = (2 if shape.norm == "layer" else 1) * shape.width
    return norm + 2 * shape.width + injection_matrix(shape) + shape.width * (shape.injection == "diagonal")


def injection_matrix(shape: Shape) -> int:
    """Entries of the matrix that a dense injection multiplies by, once a pass: what is injected is the same in each loop."""
    return shape.width**2 if shape.loops > 1 and shape.injection == "dense" else 0
