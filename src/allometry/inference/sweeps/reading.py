"""The outcomes that a folder of records holds."""

from __future__ import annotations

from pathlib import Path

from allometry.inference.records import Line, read_lines
from allometry.inference.sweeps.episode import Outcome, outcome_of
from allometry.notices import Refused


def read_outcomes(folder: str | Path) -> list[Outcome]:
    """The outcomes of all episodes in a folder, the last of each, without texts; nothing is locked or changed.

    Use it to plan from a sweep, also while one runs. Where graders or strategies were changed since, the last outcome
    is the one of the newer code only if that was run.
    Errors: `Refused` where there are none, and for files that are no records.
    """
    found: dict[str, Outcome] = {}
    for line in read_lines(folder, ("episode",)):
        found[line["key"]] = _outcome(line, str(folder))
    if not found:
        raise Refused("no-outcomes", "no strategy was run to an end here", str(folder),
                      "name a folder that `allometry sweep --records` wrote")  # fmt: skip
    return list(found.values())


def _outcome(line: Line, where: str) -> Outcome:
    try:
        return outcome_of(line["result"], line["strategy"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Refused("damaged-records", "an outcome cannot be read", where, "run the sweep again on these records: it "
                      "asks for no sample twice") from None  # fmt: skip
