"""What `sweep --dry-run` says: what it would take, and how many problems it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allometry.cli.output import number, print_json, print_lines, print_table, working
from allometry.cli.sweeping.posing import Posed
from allometry.inference.calls import MAIN, Budget, Engine, Meter
from allometry.inference.records import read_lines
from allometry.inference.strategies import Strategy
from allometry.inference.sweeps import AT_ONCE, Estimate, estimate, measured_length, measured_pace, problems_to_detect

POWER, DISCORDANT = 0.8, 0.5
_NUMBERS = ("calls", "prompt_tokens", "generated_tokens", "flops", "money")
NO_PACE = "not known: nothing of this engine is on record; run a few --problems with --records first"


@dataclass(frozen=True)
class _Dry:
    """What one engine would be asked, and how long its answers took per token when it ran before."""

    engine: str
    found: Estimate
    pace: float | None
    at_once: int

    def seconds(self, meter: Meter) -> float | None:
        return None if self.pace is None else meter.generated_tokens * self.pace / self.at_once

    def numbers(self, meter: Meter) -> dict[str, float | None]:
        return {**{name: getattr(meter, name) for name in _NUMBERS}, "seconds": self.seconds(meter)}

    def as_json(self) -> dict[str, Any]:
        length = {"share": self.found.length.share, "why": self.found.length.why}
        return {
            "engine": self.engine, "expected": self.numbers(self.found.expected), "length": length,
            "worst": self.numbers(self.found.worst), "why": NO_PACE if self.pace is None else "",
        }  # fmt: skip


def show_estimate(
    posed: Posed, strategies: Sequence[Strategy], budgets: Sequence[Budget], engines: Sequence[Mapping[str, Engine]],
    seeds: int, records: str | None, detect: float | None, level: float, *, json: bool,
) -> None:  # fmt: skip
    """Print what each engine would be asked, expected and at worst, and what can be told apart."""
    lines = list(read_lines(records)) if records is not None and Path(records).is_dir() else []
    found = []
    with working("running the strategies against an engine that pretends"):
        for roles in engines:
            name = roles[MAIN].profile.identity
            made = estimate(
                posed.problems, strategies, budgets, roles, scorer=posed.scorer, seeds=seeds,
                length=measured_length(lines, name),
            )  # fmt: skip
            found.append(_Dry(name, made, measured_pace(lines, name), min(AT_ONCE, len(posed.problems))))
    differ = DISCORDANT if detect is None else max(DISCORDANT, detect / 100)
    needed = None if detect is None else problems_to_detect(detect / 100, differ, level, POWER)
    if json:
        told = {"dry_run": [each.as_json() for each in found], "detect": _told(detect, needed, level, differ)}
        print_json({"task": posed.name, "problems": len(posed.problems), "rows": [], "complete": False, **told})
        return
    for each in found:
        _show(each, len(posed.problems))
    if needed is not None:
        print_lines(
            f"{needed} problems tell {detect:g} points apart in {POWER:.0%} of cases at the {level:.0%} level, should two "
            f"strategies differ on {differ:.0%} of the problems (assumed); here are {len(posed.problems)}"
        )


def _show(each: _Dry, problems: int) -> None:
    expected, worst = each.numbers(each.found.expected), each.numbers(each.found.worst)
    rows = [(name, number(expected[name]), number(worst[name])) for name in expected]
    print_table(f"{each.engine}: {problems} problems; nothing was asked", ("", "expected", "at worst"), rows)
    print_lines(
        f"expected: {each.found.length.why}",
        "at worst: answers as long as they may be; shorter ones leave room for more calls and their prompts",
        *([f"seconds: {NO_PACE}"] if each.pace is None else []),
    )


def _told(points: float | None, needed: int | None, level: float, differ: float) -> dict[str, float] | None:
    if points is None or needed is None:
        return None
    return {"points": points, "problems": needed, "power": POWER, "level": level, "discordant": differ}
