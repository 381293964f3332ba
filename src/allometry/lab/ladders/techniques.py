"""The tables `[growth]` and `[regulariser]` of a ladder file, whose values are crossed with sizes, budgets and seeds."""

from __future__ import annotations

from dataclasses import dataclass

from allometry.costs import Shape, training_flops
from allometry.lab.tables import as_list, as_table, check_above_zero, check_keys, check_type
from allometry.lab.techniques import LoopRegulariser, Stacking, check_period
from allometry.notices import Notice, Refused, Step

_GROWTH, _REGULARISER = "[growth]", "[regulariser]"
REGULARISERS = ("loop",)


@dataclass(frozen=True)
class Growth:
    """`[growth]`: factors, 1 being a run from scratch, and when a grown run is stacked.

    That is after `base_tokens` of the shallow model, or after a share of the run's FLOPs, or, with neither, by the
    published rule.
    """

    factors: tuple[int, ...] = (1,)
    base_tokens: int | None = None
    base_share: float | None = None

    def run(
        self, factor: int, shape: Shape, tokens: int, context: int, batch: int
    ) -> tuple[Stacking | None, int, tuple[Notice, ...]]:
        """How a run is stacked that costs what one from scratch on `tokens` does, its tokens in all, what is to be said.

        Both phases are whole steps, so that its FLOPs are within half a step of the deep model of those from scratch.
        Errors: `Refused` as `growth.plan_growth` does, and where a phase would be less than a step.
        """
        from allometry.lab.growth import plan_growth

        if factor == 1:
            return None, tokens, ()
        flops = training_flops(shape, tokens, context)
        try:
            found = plan_growth(
                shape, flops, context, factor=factor, base_tokens=self._before(factor, shape, flops, context)
            )
        except Refused as refused:
            raise Refused(refused.code, refused.message, _GROWTH, refused.mend) from None
        base_tokens = round(found.base_tokens / batch) * batch
        left = flops - training_flops(found.base, base_tokens, context)
        steps = round(left / training_flops(shape, batch, context))
        if not base_tokens or steps < 1:
            raise Refused("no-step", f"of a budget of {tokens} tokens a phase would be less than a step of {batch}", _GROWTH,
                          "give larger budgets, or stack at another time")  # fmt: skip
        return Stacking(factor, base_tokens, self.when), base_tokens + steps * batch, found.notices

    def _before(self, factor: int, shape: Shape, flops: float, context: int) -> float | None:
        """Tokens of the shallow model before stacking; None where the published rule says."""
        if self.base_share is None:
            return self.base_tokens
        base = Stacking(factor, 0).base(shape)
        return self.base_share * flops / training_flops(base, 1.0, context)

    @property
    def when(self) -> str:
        """When grown runs are stacked.

        >>> Growth(base_share=0.125).when
        'after 12.5% of the FLOPs'
        """
        if self.base_tokens is not None:
            return f"after {self.base_tokens} tokens"
        return (
            "when eq. 2 of arXiv 2405.15319 says"
            if self.base_share is None
            else f"after {100 * self.base_share:g}% of the FLOPs"
        )

    def grounds(self) -> tuple[Step, ...]:
        """When grown runs are stacked, and on what ground."""
        if self.factors == (1,):
            return ()
        if self.base_tokens is None and self.base_share is None:
            return (Step("growth", f"stacked {self.when}, fitted far above these sizes", "published"),)
        return (Step("growth", f"stacked {self.when}; given in the ladder file", "assumed"),)


def read_growth(given: object) -> Growth:
    """The table `[growth]`; without one, every run is from scratch.

    >>> read_growth({"factor": [1, 2], "base_share": 0.2}).factors
    (1, 2)
    """
    if given is None:
        return Growth()
    table = as_table(given, _GROWTH)
    check_keys(table, ("factor", "base_tokens", "base_share"), _GROWTH)
    if "factor" not in table:
        raise Refused("missing-key", "`factor` is missing", _GROWTH, "add factor = [1, 2] for runs from scratch and grown ones")  # fmt: skip
    factors = as_list("factor", table["factor"], int, _GROWTH)
    for factor in factors:
        if not 1 <= factor <= 4:
            raise Refused("bad-value", f"`factor` must be from 1 (from scratch) to 4, not {factor}", _GROWTH)
    if "base_tokens" in table and "base_share" in table:
        raise Refused("given-twice", "`base_tokens` and `base_share` both say when to stack", _GROWTH, "give one")
    for key, kind in (("base_tokens", int), ("base_share", float)):
        if key in table:
            check_type(key, table[key], kind, _GROWTH)
            check_above_zero(key, table[key], _GROWTH)
    if table.get("base_share", 0) >= 1:
        raise Refused("bad-value", f"`base_share` must be below 1, not {table['base_share']:g}", _GROWTH)
    return Growth(tuple(factors), table.get("base_tokens"), table.get("base_share"))


def read_regularisers(given: object) -> tuple[LoopRegulariser | None, ...]:
    """The table `[regulariser]`: one for each weight, none for a weight of zero and without a table.

    >>> read_regularisers({"name": "loop", "period": 2, "weight": [0.0, 0.1]})
    (None, LoopRegulariser(period=2, weight=0.1))
    """
    if given is None:
        return (None,)
    table = as_table(given, _REGULARISER)
    check_keys(table, ("name", "period", "weight"), _REGULARISER)
    for key in ("name", "period", "weight"):
        if key not in table:
            raise Refused("missing-key", f"`{key}` is missing", _REGULARISER, f"add {key} = ...")
    if table["name"] not in REGULARISERS:
        raise Refused("unknown-name", f"there is no regulariser {table['name']!r}", _REGULARISER, f"use {', '.join(REGULARISERS)}")  # fmt: skip
    check_type("period", table["period"], int, _REGULARISER)
    check_above_zero("period", table["period"], _REGULARISER)
    weights = as_list("weight", table["weight"], float, _REGULARISER)
    for weight in weights:
        check_above_zero("weight", weight, _REGULARISER, zero=True)
    return tuple(LoopRegulariser(table["period"], float(weight)) if weight else None for weight in weights)


def check_regulariser(regulariser: LoopRegulariser | None, stacking: Stacking | None, shape: Shape) -> None:
    """Refuse a regulariser whose period is no part of the layers, before stacking too, or blocks that are looped or not dense."""
    if regulariser is None:
        return
    if shape.loops > 1:
        raise Refused("looped-already", "the loop regulariser is for blocks that are not looped", _REGULARISER,
                      "leave it out, or take the plain mechanism")  # fmt: skip
    if shape.experts or shape.structure != "dense":
        raise Refused("no-matrices", "the loop regulariser compares dense matrices, not experts or structured ones", _REGULARISER,
                      "leave it out, or take the plain mechanism")  # fmt: skip
    for phase in (shape, *([stacking.base(shape)] if stacking else [])):
        check_period(phase.layers, regulariser.period, _REGULARISER)
