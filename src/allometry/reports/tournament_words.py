"""The tournament section in words and tables; strings only, escaped by the template."""

from __future__ import annotations

from dataclasses import dataclass

from allometry.fits import Fit
from allometry.forecasts import Standing, Tournament
from allometry.reports.numbers import between, shown


@dataclass(frozen=True)
class TournamentWords:
    """The verdict, one line a law, how to read them, and which laws are missing."""

    verdict: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str
    missed: tuple[str, ...]


def tournament_words(fit: Fit, found: Tournament | None) -> TournamentWords | None:
    """None where no tournament was held."""
    if found is None:
        return None
    level = f"{fit.settings.level:.0%}"
    heads = (
        "law",
        "",
        "unknowns",
        "mean error",
        "largest",
        "bias",
        f"inside {level}",
        "behind × 100",
        "share in the stack",
    )
    return TournamentWords(
        verdict=f"{found.verdict}.", heads=heads,
        rows=tuple(_row(found, standing) for standing in found.standings), note=_note(found, level), missed=found.missed,
    )  # fmt: skip


def _row(found: Tournament, standing: Standing) -> tuple[str, ...]:
    behind = standing.behind
    low, high = (None if end is None else 100 * end for end in (behind.low, behind.high))
    ends = between(low, high, 2)
    is_best = standing is found.standings[0]
    return (
        standing.law, _said(found, standing), str(standing.parameters), f"{standing.error_mean:.2%}",
        f"{standing.error_max:.1%}", f"{standing.bias:+.1%}", "–" if standing.coverage is None else f"{standing.coverage:.0%}",
        "–" if is_best else f"{shown(100 * (behind.value or 0.0), 2)}" + (f" ({ends})" if ends else ""),
        f"{standing.weight:.0%}",
    )  # fmt: skip


def _said(found: Tournament, standing: Standing) -> str:
    if standing.law == found.recommended:
        return "recommended"
    if standing is found.standings[0]:
        return "least error"
    if standing.behind.low is None:
        return "too few runs to tell"
    return "worse" if standing.distinguishable else "not distinguishable"


def _note(found: Tournament, level: str) -> str:
    told = found.stack_sentence
    stack = f" {told[0].upper()}{told[1:]}." if told else ""
    return (
        f"{found.rows:,} forecasts of {found.groups:,} held-out runs, every cut counting alike. Behind: mean |ln error| above the best "
        f"law's; its {level} interval resamples held-out runs whole, in pairs, and a law is worse where it lies above zero.{stack}"
    )
