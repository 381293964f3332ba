"""Which cached tokens a step of decoding attends to: all of them, the best few, or the best few blocks."""

from __future__ import annotations

from dataclasses import dataclass

from allometry.costs._checks import check_choice, check_count
from allometry.costs._texts import whole_number
from allometry.notices import Refused

ATTENTIONS = ("dense", "topk", "blocktopk")


@dataclass(frozen=True)
class Attention:
    """Dense attention, or sparse attention of a budget of tokens for each step.

    Use it to price a decoder that reads part of its cache. `topk` attends to the `budget` best tokens and finds them
    for nothing (a bound, not a kernel); `blocktopk` attends to the best blocks of `block` tokens, `budget` tokens in
    all with the local ones, and finds them by a score of every block's mean key. Prompts are read densely.

    Errors: `Refused` for a budget or block below one, and for a block larger than the budget.
    Source: Sadhukhan et al. 2025, arXiv 2506.05333, section 4.

    >>> Attention.parse("blocktopk:1024:16")
    Attention(kind='blocktopk', budget=1024, block=16)
    """

    kind: str = "dense"
    budget: int | None = None
    block: int | None = None

    def __post_init__(self) -> None:
        where = "the attention"
        check_choice("the attention", self.kind, ATTENTIONS, where)
        wanted = {"dense": (), "topk": ("budget",), "blocktopk": ("budget", "block")}[self.kind]
        for name in ("budget", "block"):
            value = getattr(self, name)
            if (value is None) == (name in wanted):
                message = f"{self.kind} attention has {'no' if name in wanted else 'a'} {name}"
                raise Refused("bad-attention", message, where, "write dense, topk:B or blocktopk:B:SIZE")
            if value is not None:
                check_count(name, value, where=where)
        if self.block is not None and self.budget is not None and self.block > self.budget:
            raise Refused("bad-attention", f"a block of {self.block} tokens is more than the budget of {self.budget}",
                          where, f"give blocktopk:{self.budget}:{self.budget} or smaller blocks")  # fmt: skip

    @classmethod
    def parse(cls, text: str) -> Attention:
        """The attention that `dense`, `topk:B` or `blocktopk:B:SIZE` names."""
        kind, *numbers = text.strip().split(":")
        if len(numbers) > 2:
            raise Refused("bad-attention", f"{text!r} is no attention", "the attention",
                          "write dense, topk:B or blocktopk:B:SIZE")  # fmt: skip
        names = ("the budget", "the block")
        values = [whole_number(name, number, "the attention") for name, number in zip(names, numbers, strict=False)]
        return cls(kind, *values)

    def as_text(self) -> str:
        """The text that `parse` reads back."""
        return ":".join([self.kind, *(str(value) for value in (self.budget, self.block) if value is not None)])
