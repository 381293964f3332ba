"""What choices beyond size and tokens cost: streams, loops, vocabulary, experts, samples, longer answers, a datastore."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from allometry.costs.rule import SERVING_FLOPS_PER_PARAMETER_AND_TOKEN
from allometry.notices import Refused

# Published: Contriever and three passages of 256 words (Shao et al. 2024, arXiv 2407.12854); 4 tokens for 3 words (assumed).
RETRIEVER_PARAMS, PASSAGES, PASSAGE_TOKENS = 177e6, 3, 341

WHOLE = ("streams", "loops", "test_loops", "samples")


@dataclass(frozen=True, kw_only=True)
class Choices:
    """One value of each choice, as the rule of 6 FLOPs in training and 2 in serving for each parameter sees it.

    A token meets all that is stored, the looped part `loops` times (`test_loops` when serving, by default the same),
    and that in each of `streams`; `fixed_params` are not looped; `vocab_params` are embeddings and head, where the size
    leaves them out. An answer is drawn `samples` times, each behind one pass over the prompt that they share, or has
    `generated_tokens` in all. A datastore of `datastore_tokens` is embedded once, by a retriever of `RETRIEVER_PARAMS`, and
    then adds `PASSAGES` of `PASSAGE_TOKENS` to every prompt.
    Source: ParScale (arXiv 2505.10475) and Parcae (arXiv 2604.12946) for streams and loops.

    >>> Choices(streams=4).times, Choices(loops=3, fixed_params=1e8).extra
    (4, 100000000.0)
    >>> Choices(samples=8).tokens(prompt=512, generated=256)
    2560
    """

    streams: int = 1
    loops: int = 1
    test_loops: int | None = None
    fixed_params: float = 0.0
    vocab_params: float = 0.0
    samples: int = 1
    generated_tokens: float | None = None
    datastore_tokens: float = 0.0

    @property
    def once(self) -> float:
        """FLOPs spent once besides training: a pass of the retriever over the datastore; a flat index adds none."""
        return SERVING_FLOPS_PER_PARAMETER_AND_TOKEN * RETRIEVER_PARAMS * self.datastore_tokens

    @property
    def times(self) -> int:
        """Parameters that a training token meets for each one of the size."""
        return self.streams * self.loops

    @property
    def served_times(self) -> int:
        """The same of a token that is served."""
        return self.streams * (self.loops if self.test_loops is None else self.test_loops)

    @property
    def extra(self) -> float:
        """Parameters that a token meets besides, whatever the size."""
        return self.streams * self.fixed_params + self.vocab_params

    def answer(self, generated: int) -> float:
        """Tokens of one sample."""
        return generated if self.generated_tokens is None else self.generated_tokens

    @property
    def retrieved(self) -> int:
        """Tokens of the passages in front of a prompt."""
        return PASSAGES * PASSAGE_TOKENS if self.datastore_tokens else 0

    def tokens(self, prompt: int, generated: int) -> float:
        """Tokens that a request is charged for: its prompt once, and all that is generated."""
        return prompt + self.retrieved + self.samples * self.answer(generated)


def _straight(name: str) -> Callable[[Mapping[str, float]], dict[str, float]]:
    return lambda at: {name: at[name]}


def _embeddings(at: Mapping[str, float]) -> dict[str, float]:
    if not {"vocab", "width"} <= at.keys():
        raise Refused("cost-unknown", "what a vocabulary costs hangs on the width, and the law has only one of the two",
                      "vocab, width", "plan with a law of both, such as vocabulary")  # fmt: skip
    return {"vocab_params": at["vocab"] * at["width"]}


def _free(at: Mapping[str, float]) -> dict[str, float]:
    return {}


COSTS_OF_AXES: Mapping[str, Callable[[Mapping[str, float]], dict[str, float]]] = MappingProxyType({
    **{name: _straight(name) for name in (*WHOLE, "fixed_params", "generated_tokens", "datastore_tokens")},
    "vocab": _embeddings, "width": _embeddings,
    # The FLOPs of a mixture are those of its active parameters, which are then the size.
    "activation": _free, "granularity": _free, "experts": _free,
})  # fmt: skip
"""Axes whose cost is known, and what each is in `Choices`."""

SPARSE_AXES = ("activation", "granularity", "experts")


def choices_of(at: Mapping[str, float]) -> Choices:
    """The choices that a point of a law's further axes makes.

    Errors: `Refused` for an axis whose cost is not known, and for counts that are not whole.

    >>> choices_of({"streams": 8.0}).times
    8
    """
    found: dict[str, float] = {}
    for name, value in at.items():
        if name not in COSTS_OF_AXES:
            known = ", ".join(COSTS_OF_AXES)
            raise Refused("cost-unknown", f"what {name} costs is not known, so no value of it is the cheapest", name,
                          f"give it one value by --fix; costs are known of {known}")  # fmt: skip
        found |= COSTS_OF_AXES[name](at)
        if name in WHOLE and not (math.isfinite(value) and value >= 1 and value == round(value)):
            raise Refused("bad-count", f"{name} cannot be {value:g}", name, "give whole numbers from 1 on")
    return Choices(**{name: int(value) if name in WHOLE else value for name, value in found.items()})  # type: ignore[arg-type]
