"""A typed budget of one problem, and the ledger that keeps every call within it.

The ledger reserves a call's worst case before it is made and settles what was used after, so calls that run at the
same time never exceed it together. Time cannot be reserved: after its end no call starts and running ones are stopped.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from allometry.axes import nearest_names
from allometry.inference.calls.clock import Clock
from allometry.inference.calls.engine import Profile
from allometry.inference.calls.meter import Meter
from allometry.notices import Refused

UNITS = ("generated_tokens", "calls", "flops", "money", "seconds")
RESERVED = UNITS[:-1]
# Sums of floats differ in their last digits with the order of the calls.
ROUNDING = 1e-12


class Exhausted(Exception):
    """The worst case of a call does not fit into what is left of the budget of its problem."""


class Halted(Exception):
    """The worst case of a call does not fit into what is left for the whole sweep. Strategies never see it."""


class Budget(Mapping[str, float]):
    """What one problem may cost, in one unit or several; a bare number is generated tokens, reasoning included.

    Units: generated_tokens, calls, flops, money (tokens at the declared price), seconds.
    Errors: `Refused` for unknown units and for limits that are no positive numbers.

    >>> Budget(generated_tokens=256)
    Budget(generated_tokens=256)
    >>> Budget(64)["generated_tokens"]
    64
    """

    def __init__(self, tokens: float | None = None, /, **limits: float) -> None:
        given = limits if tokens is None else {"generated_tokens": tokens, **limits}
        if not given:
            raise Refused("no-budget", "a budget needs a limit", mend="give generated_tokens=256, or another unit")
        for unit, limit in given.items():
            _check_limit(unit, limit)
        self._limits = {unit: given[unit] for unit in UNITS if unit in given}

    def __getitem__(self, unit: str) -> float:
        return self._limits[unit]

    def __iter__(self) -> Iterator[str]:
        return iter(self._limits)

    def __len__(self) -> int:
        return len(self._limits)

    def __hash__(self) -> int:
        return hash(tuple(self._limits.items()))

    def __repr__(self) -> str:
        return f"Budget({', '.join(self._words())})"

    def as_text(self) -> str:
        """The budget as `read_budgets` reads it.

        >>> Budget(seconds=2.5, calls=8).as_text()
        'calls=8,seconds=2.5'
        """
        return ",".join(self._words())

    def _words(self) -> list[str]:
        return [f"{unit}={limit:.12g}" for unit, limit in self._limits.items()]

    def check(self, profile: Profile) -> None:
        """Refuse a budget that cannot be kept on an engine, before anything is spent."""
        if "flops" in self and profile.shape is None:
            raise Refused("no-shape", "a budget in FLOPs needs the model's shape", profile.identity, "give its shape")
        if "money" in self and (profile.price is None or profile.price.generated is None):
            raise Refused("no-price", "a budget in money needs a price of tokens", profile.identity, "declare one")


def _check_limit(unit: str, limit: float) -> None:
    if unit not in UNITS:
        near = ", ".join(nearest_names(unit, UNITS))
        raise Refused("unknown-unit", f"{unit!r} is no unit of a budget", mend=f"the nearest are {near}")
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 < limit < math.inf:
        raise Refused("bad-budget", f"{unit}={limit} is no limit", mend="give a number above 0")


_SERIES = re.compile(r"(?P<low>[^:]+)(?::(?P<high>[^:]+):(?P<sign>[x+])(?P<step>[^:]+))?")


def read_budgets(text: str) -> tuple[Budget, ...]:
    """The budgets that a text names: one, or a series from a low to a high end.

    `256` or `generated_tokens=256` is one, `generated_tokens=256:8192:x2` doubles up to 8192, `calls=1:9:+2` adds two
    at a time; further limits, the same for all, follow after commas.
    Errors: `Refused` for anything else.

    >>> [b.as_text() for b in read_budgets("generated_tokens=64:256:x2,seconds=9")][-1]
    'generated_tokens=256,seconds=9'
    """
    words = [word.strip() for word in text.split(",")]
    ranges = dict(_read_word(word, text) for word in words)
    longest = max(map(len, ranges.values()))
    if sum(len(values) > 1 for values in ranges.values()) > 1 or len(ranges) < len(words):
        raise Refused("bad-budget", "only one limit may be a series, and each unit stands once", text)
    return tuple(Budget(**{u: v[i] if len(v) > 1 else v[0] for u, v in ranges.items()}) for i in range(longest))


def _read_word(word: str, text: str) -> tuple[str, list[float]]:
    unit, sign, value = word.rpartition("=")
    found = _SERIES.fullmatch(value)
    if found is None:
        raise Refused("bad-budget", f"{word!r} is no limit", text, "write UNIT=VALUE or UNIT=LOW:HIGH:x2")
    low = _number(found["low"], text)
    if found["high"] is None:
        return unit if sign else "generated_tokens", [low]
    return unit if sign else "generated_tokens", _series(low, _number(found["high"], text), found, text)


def _series(low: float, high: float, found: re.Match[str], text: str) -> list[float]:
    step, times = _number(found["step"], text), found["sign"] == "x"
    if not (step > 1 if times else step > 0) or not 0 < low <= high:
        raise Refused("bad-budget", "the series never ends or never begins", text, "write LOW:HIGH:x2 or LOW:HIGH:+2")
    values = [low]
    while (after := values[-1] * step if times else values[-1] + step) <= high and len(values) < 1000:
        values.append(after)
    return values


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise Refused("bad-budget", f"{text!r} is no number", where) from None
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


@dataclass
class Ledger:
    """One budget, shared by all calls of one problem that it is to bound."""

    budget: Budget | None
    spent: Meter = field(default_factory=Meter)
    closed: bool = False
    _open: dict[int, Meter] = field(default_factory=dict)
    _count: int = 0

    def __post_init__(self) -> None:
        self._units = () if self.budget is None else tuple(unit for unit in self.budget if unit in RESERVED)

    def fits(self, worst: Meter) -> bool:
        """Whether a call could be made now."""
        if self.closed:
            return False
        return all(_amount(worst, unit) <= self.left(unit) for unit in self._units)

    def left(self, unit: str) -> float:
        """What is neither spent nor reserved; infinite where this unit has no limit."""
        if self.budget is None or unit not in self.budget:
            return math.inf
        if self.closed:
            return 0.0
        limit, held = self.budget[unit], _amount(self.spent, unit)
        return limit * (1 + ROUNDING) - held - sum(_amount(worst, unit) for worst in self._open.values())

    def multiples(self, one: Meter, two: Meter) -> int | None:
        """How many samples more than one fit, from the worst cases of one and two; None where nothing bounds them."""
        steps = {unit: _amount(two, unit) - _amount(one, unit) for unit in self._units}
        bounds = [math.floor((self.left(u) - _amount(one, u)) / step) for u, step in steps.items() if step > 0]
        return min(bounds) if bounds else None

    def reserve(self, worst: Meter) -> int:
        """Set the worst case of a call aside; `Exhausted` where it does not fit."""
        if not self.fits(worst):
            raise Exhausted(self._why(worst))
        self._count += 1
        self._open[self._count] = worst
        return self._count

    def settle(self, reserved: int, used: Meter) -> None:
        """Book what a call used, and give the rest of what was reserved back."""
        del self._open[reserved]
        self.spent += used

    @property
    def deadline(self) -> float:
        """When the time is over, on the clock; infinite where it has no limit or is over already."""
        if self.budget is None or self.closed:
            return math.inf
        return float(self.budget.get("seconds", math.inf))

    def _why(self, worst: Meter) -> str:
        if self.closed:
            return "the time is over"
        unit = next(unit for unit in self._units if _amount(worst, unit) > self.left(unit))
        return f"{unit}: {_amount(worst, unit):.6g} may be needed and {self._rest(unit):.6g} are left"

    def _rest(self, unit: str) -> float:
        """What is left, as people read it: without what was added for rounding."""
        added = 0.0 if self.budget is None else ROUNDING * self.budget[unit]
        left = self.left(unit)
        return 0.0 if left <= 2 * added else left


def _amount(meter: Meter, unit: str) -> float:
    return float(getattr(meter, unit) or 0.0)


@dataclass(frozen=True)
class Allowance:
    """What a strategy sees of its budget: it may look and plan, never book."""

    _ledger: Ledger
    _clock: Clock

    @property
    def budget(self) -> Budget | None:
        """The limits as they were set; None for none."""
        return self._ledger.budget

    @property
    def spent(self) -> Meter:
        """What was settled so far."""
        return self._ledger.spent

    def left(self, unit: str = "generated_tokens") -> float:
        """What is neither spent nor reserved in a unit; infinite where it has no limit."""
        passed = self._clock.now if unit == "seconds" else 0.0
        return max(0.0, self._ledger.left(unit) - passed)
