"""How a model is run: devices, precision, stored formats, attention, and a draft that runs ahead."""

from __future__ import annotations

from dataclasses import dataclass, field

from allometry.costs._checks import check_count
from allometry.costs.attention import Attention
from allometry.costs.formats import Format
from allometry.costs.hardware import Hardware
from allometry.costs.shapes import Shape
from allometry.notices import Refused


@dataclass(frozen=True)
class Draft:
    """Speculative decoding: a small model proposes `tokens` tokens, which the large one checks in one pass.

    `acceptance` is the chance that a proposed token is accepted, each on its own.
    Errors: `Refused` for no tokens, and for an acceptance outside 0 to 1.
    Source: Leviathan et al. 2023, arXiv 2211.17192, eq. 1.

    >>> from allometry.costs.finding import find_shape
    >>> round(Draft(find_shape("qwen3-0.6b"), 4, 0.8).tokens_per_pass, 4)
    3.3616
    """

    shape: Shape
    tokens: int
    acceptance: float

    def __post_init__(self) -> None:
        check_count("tokens", self.tokens, where="the draft")
        if not 0 <= self.acceptance < 1:
            message = f"an acceptance of {self.acceptance:g} is no chance below 1"
            raise Refused("bad-draft", message, "the draft", "give the measured share, such as 0.7")

    @property
    def tokens_per_pass(self) -> float:
        """Tokens that one pass of the large model yields on average, its own among them."""
        return (1 - self.acceptance ** (self.tokens + 1)) / (1 - self.acceptance)


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How requests are run.

    - `batch` requests run together, of one length, from start to end.
    - `devices` share every layer (tensor parallelism within a node).
    - `precision` of the products; `weights` and `cache` are the formats they are stored in.
    - `attention` of decoding; with `reread` each sample reads the prompt's keys and values for itself, as kernels
      without shared prefixes do, where otherwise a request reads them once a step for all its samples.
    - `draft` runs ahead; `all_logits` computes the head at every position of a prompt, not at the last alone.
    - Of a step of training, `flash`: the square of scores is not written to memory; `fused`: norms, activations and
      loss are fused, not plain PyTorch.

    >>> Execution(batch=8, weights=Format(4, 128)).devices
    1
    """

    batch: int = 1
    devices: int = 1
    precision: str = "bf16"
    weights: Format = field(default_factory=Format)
    cache: Format = field(default_factory=Format)
    attention: Attention = field(default_factory=Attention)
    reread: bool = False
    draft: Draft | None = None
    all_logits: bool = False
    flash: bool = True
    fused: bool = True

    def __post_init__(self) -> None:
        for name in ("batch", "devices"):
            check_count(name, getattr(self, name), where="the execution")

    def check(self, shape: Shape, hardware: Hardware) -> None:
        """Refuse devices among which the heads do not divide, or that no node has."""
        heads, kv = shape.heads, shape.key_value_heads
        if heads % self.devices or (kv % self.devices and self.devices % kv):
            fit = [
                n for n in range(1, hardware.devices_per_node + 1) if heads % n == 0 and (kv % n == 0 or n % kv == 0)
            ]
            message = f"{heads} heads and {kv} key and value heads do not divide among {self.devices} devices"
            raise Refused("does-not-divide", message, "devices",
                          f"use one of {', '.join(str(n) for n in fit)}")  # fmt: skip
        if self.devices > hardware.devices_per_node:
            message = f"a node has {hardware.devices_per_node} of {hardware.name}, not {self.devices}"
            raise Refused("too-many-devices", message, "devices",
                          f"use up to {hardware.devices_per_node}, or say devices_per_node= of your own nodes")  # fmt: skip

    def cache_devices(self, shape: Shape) -> int:
        """Devices that hold different parts of the cache: beyond its heads they hold copies, and all of latents."""
        return 1 if shape.latent else min(self.devices, shape.key_value_heads)
