"""The ledger section in words and tables; strings only, escaped by the template."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from allometry.fits import Fit
from allometry.history import Check, Ledger, Said, maker
from allometry.reports.numbers import between, counted, shown

MOST_LISTED = 20
_HYPHEN = "\u2011"  # does not break: a date stays on one line
HEADS = ["said", "by", "what", "expected", "interval for one run", "run", "measured", "error", "", "rank"]


@dataclass(frozen=True)
class LedgerWords:
    """What was said and how it came out; one line a check, then one line for each thing still open."""

    lead: str
    heads: list[str]
    rows: list[tuple[str, ...]]
    more: str
    note: str


def scored(ledger: Ledger) -> list[tuple[Said, Check]]:
    """Every check beside what was said, the last said first."""
    return [(said, check) for said in reversed(ledger.said) for check in ledger.checks_of(said)]


def ledger_words(fit: Fit, ledger: Ledger) -> LedgerWords | None:
    """None for a ledger that holds nothing."""
    if not ledger.said:
        return None
    known, pairs = maker(fit).id, scored(ledger)
    done, other = {said.id for said, _ in pairs}, any(said.fit.id != known for said in ledger.said)
    rows = [(*_said(known, said), *_came(check)) for said, check in pairs]
    rows += [_open(known, said) for said in reversed(ledger.said) if said.id not in done]
    rows = rows if other else [(row[0], *row[2:]) for row in rows]
    more = f"The last {MOST_LISTED} of {len(rows)} lines." if len(rows) > MOST_LISTED else ""
    note = (
        "A run answers a forecast made for its place to within rounding; expected is the forecast moved to the run's own size "
        "by the law's slopes, error is expected / measured − 1, rank the share of the draws for one run below the measurement."
    )
    return LedgerWords(
        _lead(ledger, [check for _, check in pairs]),
        HEADS if other else [HEADS[0], *HEADS[2:]],
        rows[:MOST_LISTED],
        more,
        note,
    )


def _lead(ledger: Ledger, checks: Iterable[Check]) -> str:
    kinds = [said.kind for said in ledger.said]
    named = (("forecast", kinds.count("forecast")), ("plan", kinds.count("plan")))
    said = " and ".join(counted(count, noun) for noun, count in named if count)
    found = list(checks)
    if not found:
        return f"{said} on record; no run that would test them has finished yet."
    errors = [abs(check.error) for check in found if check.error is not None]
    judged = [check.inside for check in found if check.inside is not None]
    mean = f", mean error {np.mean(errors):.2%}" if errors else ""
    inside = f", {sum(judged)} of {len(judged)} inside the interval for one run" if judged else ""
    runs = len({check.run or check.mark for check in found})
    scores = "" if runs == len(found) else f", {counted(len(found), 'score')}"
    return f"{said} on record; {counted(runs, 'run')} finished since{scores}{mean}{inside}."


def _said(known: str, said: Said) -> tuple[str, ...]:
    by = "this fit" if said.fit.id == known else f"an earlier fit, {counted(said.fit.rows, 'row')}"
    return said.made[:10].replace("-", _HYPHEN), by, f"{said.kind}: {said.metric} at {place(said)}"


def place(said: Said) -> str:
    """Where it was said of."""
    return ", ".join(f"{name} {shown(value, 3)}" for name, value in said.at.items())


def _came(check: Check) -> tuple[str, ...]:
    verdict = {True: "inside", False: "outside", None: "no interval"}[check.inside]
    error = "–" if check.error is None else f"{check.error:+.2%}"
    rank = "–" if check.rank is None else f"{check.rank:.0%}"
    run = check.run or "–"
    return shown(check.value), between(check.low, check.high), run, shown(check.measured), error, verdict, rank


def _open(known: str, said: Said) -> tuple[str, ...]:
    ends = between(said.run.low, said.run.high) or said.run.why
    return (*_said(known, said), shown(said.value), ends, "–", "–", "–", "open", "–")
