"""What is trained: a shape, a batch of sequences, a precision and what the optimiser keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from allometry.costs._checks import check_choice, check_count, check_positive
from allometry.costs.hardware import PRECISIONS
from allometry.costs.shapes import Shape
from allometry.notices import Refused

WIDE = ("fp64", "fp32", "tf32")


@dataclass(frozen=True)
class States:
    """Bytes kept for each parameter: `weights` and `gradients` that passes use, `optimizer` the rest."""

    weights: float
    gradients: float
    optimizer: float
    source: str

    @property
    def total(self) -> float:
        return self.weights + self.gradients + self.optimizer


STATES: Mapping[str, States] = MappingProxyType({
    "adam": States(2, 2, 12, "16-bit weights and gradients; 32-bit weights and two moments (Rajbhandari et al. 2020, arXiv 1910.02054, sec. 3.1)"),
    "adam-fp32-gradients": States(2, 4, 12, "as adam, gradients summed in 32 bits (Megatron-LM with bf16)"),
    "adam-fp32": States(4, 4, 8, "everything in 32 bits"),
    "adam-bf16": States(2, 2, 4, "everything in 16 bits, without a 32-bit copy of the weights"),
    "momentum": States(2, 2, 8, "16-bit weights and gradients; 32-bit weights and one moment, as SGD with momentum or Muon keep"),
    "zero-infinity": States(2, 2, 16, "as adam, with 32-bit gradients among the optimiser's (Rajbhandari et al. 2021, arXiv 2104.07857)"),
})  # fmt: skip
"""What common recipes keep, by name."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training step: `batch` sequences of `context` tokens of a shape.

    Arguments: `precision` of the products ("bf16"); `states` names what is kept for each parameter (see `STATES`);
    `flash`: attention without the square of scores in memory; `dropout`: masks are kept for it; `fused`: norms,
    activations and the loss as production systems run them, where plain PyTorch under autocast keeps more.
    Errors: `Refused` for counts that cannot be and names that are not known.

    >>> from allometry.costs import find_shape
    >>> Job(shape=find_shape("llama-3-8b"), batch=512, context=8192).tokens
    4194304
    """

    shape: Shape
    batch: int
    context: int
    precision: str = "bf16"
    states: str = "adam"
    flash: bool = True
    dropout: bool = False
    fused: bool = True

    def __post_init__(self) -> None:
        check_count("batch", self.batch, where="the job")
        check_count("context", self.context, where="the job")
        check_choice("precision", self.precision, PRECISIONS, "the job")
        check_choice("states", self.states, tuple(STATES), "the job")
        if self.shape.positions and self.context > self.shape.positions:
            message = f"a context of {self.context} is longer than the {self.shape.positions} learned positions"
            raise Refused("bad-context", message, "the job", f"give at most context={self.shape.positions}")

    @property
    def tokens(self) -> int:
        """Tokens in a step."""
        return self.batch * self.context

    @property
    def bytes_per_parameter(self) -> States:
        return STATES[self.states]

    @property
    def activation_bytes(self) -> int:
        """Bytes of a stored activation: 4 where products are in 32 bits, else 2 (8-bit products store 16)."""
        return 4 if self.precision in WIDE else 2

    def steps(self, tokens: float) -> float:
        """Steps that `tokens` tokens take."""
        check_positive("tokens", tokens, "the job")
        return tokens / self.tokens
