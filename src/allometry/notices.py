"""What the tool says about input and results: refusals, coded notices, intervals, and the steps that results stand on.

The lowest layer beside the axes: every room speaks through these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


class Refused(ValueError):
    """Input that cannot be used, said in one sentence: what is wrong, where, and how to mend it.

    Raised before any cost is spent; the command line prints it and ends with status 2.

    >>> str(Refused("few-runs", "4 runs for 5 parameters", "runs.csv", "fix a parameter or add runs"))
    '4 runs for 5 parameters (runs.csv): fix a parameter or add runs'
    """

    def __init__(self, code: str, message: str, where: str = "", mend: str = "") -> None:
        self.code, self.message, self.where, self.mend = code, message, where, mend
        place = f" ({where})" if where else ""
        super().__init__(f"{message}{place}: {mend}" if mend else f"{message}{place}")

    def __reduce__(self) -> tuple[type[Refused], tuple[str, str, str, str]]:
        return type(self), (self.code, self.message, self.where, self.mend)


@dataclass(frozen=True)
class Notice:
    """A warning in plain words under a stable code; results with notices are still results."""

    code: str
    message: str


@dataclass(frozen=True)
class Interval:
    """A value with a two-sided interval; an end that is not known is None and `why` says so."""

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str = ""


Mark: TypeAlias = Literal["measured", "fitted", "published", "assumed"]


@dataclass(frozen=True)
class Step:
    """One statement that a result stands on: its name, what it says, and where that comes from."""

    name: str
    says: str
    mark: Mark

    def as_json(self) -> dict[str, str]:
        return {"name": self.name, "says": self.says, "mark": self.mark}
