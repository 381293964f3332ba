"""The selectors of a sweep, watched on every engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from allometry.cli.sweeping.posing import Posed
from allometry.inference.calls import MAIN, Engine
from allometry.inference.records import Records
from allometry.inference.strategies import Strategy
from allometry.inference.sweeps import Selected, selector_errors, watch_selectors
from allometry.notices import Refused


class Watch:
    """What to run in place of the strategies, and what was seen of their selectors.

    Errors: `Refused` where nothing scores the answers, or none of the strategies has a selector to watch.
    """

    def __init__(
        self, strategies: Sequence[Strategy], engines: Sequence[Mapping[str, Engine]], posed: Posed, level: float
    ) -> None:
        if posed.scorer is None:
            raise Refused("no-scorer", "errors are against a scorer, and nothing scores the answers",
                          "--selector-errors", "give --grader")  # fmt: skip
        self._engines, self._posed, self._level = engines, posed, level
        self._scorer = posed.scorer
        self._of_engine = [watch_selectors(strategies, posed.scorer) for _ in engines]
        if not self._of_engine[0][1]:
            raise Refused("nothing-to-watch", "no strategy is a best-of-N whose selector can err against the scorer",
                          "--selector-errors", "add one, such as 'best_of_n(selector=reward)'")  # fmt: skip

    def strategies(self, engine: int) -> Sequence[Strategy]:
        """What to run on the engine of a number."""
        return self._of_engine[engine][0]

    def found(self, kept: Records) -> tuple[Selected, ...]:
        """The errors of each watched selector on each engine, by all samples that it chose among."""
        return tuple(
            Selected(
                one.strategy.label, roles[MAIN].profile.identity,
                selector_errors(one.graded(self._posed.problems, roles, self._scorer, kept), level=self._level),
            )
            for roles, (_, watched) in zip(self._engines, self._of_engine, strict=True)
            for one in watched
        )  # fmt: skip
