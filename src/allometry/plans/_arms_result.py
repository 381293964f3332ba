"""The answer of a comparison of two recipes, in numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from allometry.fits import Fit
from allometry.notices import Interval, Notice
from allometry.plans._arms_curves import Gap, Order, Turn
from allometry.plans._arms_scale import Scale
from allometry.plans.ends import ends_json
from allometry.plans.terms import RISING_METRICS


@dataclass(frozen=True)
class Arms:
    """Two arms, the first the baseline, at a target and on the way there.

    `values` are both arms' metric at the target, `difference` the second minus the first there; `multiplier` how many
    times the FLOPs of the target the first needs to match the second there (above 1: the second is the better);
    `turn` where the difference changes sign; `order` whether the order at the largest common rung holds; `gaps` the
    difference over scale. `common` and `alone` count the rungs of both arms and of one only, `rungs` those of each;
    `decades` is how far the target lies beyond the largest common rung (where there is none, the largest scale both cover).
    """

    by: str
    names: tuple[str, str]
    fits: tuple[Fit, Fit]
    scale: Scale
    values: tuple[Interval, Interval]
    difference: Interval
    multiplier: Interval
    turn: Turn
    order: Order
    gaps: tuple[Gap, ...]
    common: int
    rungs: tuple[int, int]
    splits: tuple[Mapping[str, float], Mapping[str, float]]
    decades: float
    level: float
    interval: str
    notices: tuple[Notice, ...]

    @property
    def distinguishable(self) -> bool:
        """Whether the interval of the difference at the target leaves zero out."""
        low, high = self.difference.low, self.difference.high
        return low is not None and high is not None and not low <= 0 <= high

    @property
    def verdict(self) -> str:
        """The answer in a sentence or two: which is ahead at the target, or that they cannot be told apart."""
        metric, difference = self.fits[0].law.metric, self.difference
        where = f"{self.scale.name} = {self.scale.target:.3g}"
        ends = "" if difference.low is None else f" [{difference.low:.3g}, {difference.high:.3g}]"
        if difference.value is None or difference.low is None:
            return f"no answer at {where}: {difference.why.removeprefix('none: ')}"
        if not self.distinguishable:
            return (
                f"not distinguishable at {where}: {self.names[1]} minus {self.names[0]} is {difference.value:.3g}{ends}"
            )
        rising = metric in RISING_METRICS
        best = self.names[int((difference.value < 0) != rising)]
        ahead = f"{best} has the {'higher' if rising else 'lower'} {metric} at {where}"
        return f"{ahead}: {self.names[1]} minus {self.names[0]} is {difference.value:.3g}{ends}{self._worth()}"

    def _worth(self) -> str:
        times = self.multiplier
        if times.value is None:
            least = f"over {times.low:.3g} times these FLOPs" if times.low is not None and times.low > 1 else ""
            return f"; {self.names[0]} needs {least} to match it, if it ever does" if least else ""
        ends = f" [{_end(times.low)}, {_end(times.high)}]" if times.low is not None or times.high is not None else ""
        return f"; {self.names[0]} needs {times.value:.3g}{ends} times these FLOPs to match it"

    @property
    def order_sentence(self) -> str:
        """Who is lower at the largest common rung, and in how many paired draws that is so at the target."""
        order = self.order
        seen = "by fit alone" if order.measured is None else f"measured {order.measured:+.3g}"
        fitted = "" if order.fitted.value is None else f"; by fit {order.fitted.value:+.3g}"
        holds = (
            "" if order.holds is None else f": the same order at the target in {order.holds:.0%} of the paired draws"
        )
        return f"at {self.scale.name} = {order.place:.3g} {order.lower} is lower ({seen}{fitted}){holds}"

    @property
    def distance(self) -> str:
        """How far the target lies beyond what both arms measured, and what the intervals hold, in words."""
        side = "beyond" if self.decades >= 0 else "below"
        seen = "the largest common rung" if self.common else "what both arms cover"
        holds = "there are no intervals" if self.interval == "none" else f"intervals hold {self.interval}"
        return f"the target lies {abs(self.decades):.2f} decades {side} {seen}; {holds}"

    def as_json(self) -> dict[str, object]:
        """Everything in plain values; intervals as `value`, `low`, `high`, `why`."""
        one, other = self.names
        arms = [
            {"name": name, "runs": len(found.rows), "rungs": rungs, "metric": ends_json(value),
             "parameters": {key: ends_json(p) for key, p in found.parameters.items()}, "allocation": dict(split)}
            for name, found, rungs, value, split in zip(
                self.names, self.fits, self.rungs, self.values, self.splits, strict=True)
        ]  # fmt: skip
        return {
            "by": self.by, "baseline": one, "against": other, "law": self.fits[0].law.name,
            "metric": self.fits[0].law.metric, "provenance": "fitted",
            "at": {"scale": self.scale.name, "value": self.scale.target, "point": dict(self.scale.point), "along": self.scale.words},
            "arms": arms, "difference": ends_json(self.difference), "distinguishable": self.distinguishable,
            "compute_multiplier": ends_json(self.multiplier), "crossover": self.turn.as_json(),
            "order_holds": self.order.holds, "order": self.order.as_json(), "over_scale": [gap.as_json() for gap in self.gaps],
            "paired": {"common": self.common, "only": [count - self.common for count in self.rungs]},
            "decades": self.decades, "verdict": self.verdict, "distance": self.distance,
            "interval": self.interval, "level": self.level,
            "warnings": [{"code": notice.code, "message": notice.message} for notice in self.notices], "complete": True,
        }  # fmt: skip


def _end(value: float | None) -> str:
    return "open" if value is None else f"{value:.3g}"
