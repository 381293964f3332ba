"""One figure of a source, held against ours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One figure: what it is, ours, the published one, and how far apart they may be.

    `published` is what the source prints, None where it prints none; `expected` is what ours is held to: the published
    figure, or what the published data give by the stated procedure where that is another, and then `why` says why the
    two differ. `tolerance` is absolute, in the figure's own unit. `name` is set when the suite runs it.

    >>> Check("exponent", 0.3121, 0.31, 0.005, 0.31).met
    True
    """

    quantity: str
    ours: float
    published: float | None
    tolerance: float
    expected: float
    why: str = ""
    name: str = ""

    @property
    def met(self) -> bool:
        """Whether ours is within the tolerance of what it is held to; what is not a number never is."""
        return abs(self.ours - self.expected) <= self.tolerance

    @property
    def kind(self) -> str:
        """published (held to the printed figure), differs (to what the data give), measured (nothing is printed)."""
        if self.published is None:
            return "measured"
        return "published" if self.published == self.expected else "differs"

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name, "quantity": self.quantity, "kind": self.kind, "ours": self.ours, "published": self.published,
            "difference": None if self.published is None else self.ours - self.published, "expected": self.expected,
            "tolerance": self.tolerance, "met": self.met, "why": self.why,
        }  # fmt: skip


def published(quantity: str, ours: float, figure: float, tolerance: float, why: str = "") -> Check:
    """A figure that the source prints and that its data give."""
    return Check(quantity, float(ours), figure, tolerance, figure, why)


def differs(quantity: str, ours: float, figure: float, given: float, tolerance: float, why: str) -> Check:
    """A figure that the source prints but its data do not give by the stated procedure; they give `given`."""
    return Check(quantity, float(ours), figure, tolerance, given, why)


def measured(quantity: str, ours: float, given: float, tolerance: float, why: str = "") -> Check:
    """A figure that no source prints; `given` was found once from the same data by another program."""
    return Check(quantity, float(ours), None, tolerance, given, why)
