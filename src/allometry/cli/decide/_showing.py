"""How an answer is printed, the same for every question."""

from __future__ import annotations

from allometry.cli.output import number, print_json, print_lines, print_notices, print_table
from allometry.notices import Interval
from allometry.plans.questions import Answer, Value

MOST_ROWS = 40


def show(found: Answer, json: bool) -> None:
    """The sentence, the table, single figures and the steps; or one JSON object."""
    if json:
        print_json(found.as_json())
        return
    rows = found.rows[:MOST_ROWS]
    left = f" ({len(found.rows) - len(rows)} more rows in --json)" if len(found.rows) > len(rows) else ""
    print_table(f"{found.question}{left}", tuple(rows[0]), [[_cell(value) for value in row.values()] for row in rows])
    print_lines(found.sentence)
    print_lines(*(f"{name}: {_cell(value)}" for name, value in found.figures.items()))
    print_lines(*(f"[{step.mark}] {step.name}: {step.says}" for step in found.steps))
    print_notices(found.notices)


def _cell(value: Value) -> str:
    if value is None or isinstance(value, str):
        return value or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Interval):
        if value.low is None and value.high is None:
            return number(value.value)
        return f"{number(value.value)} [{number(value.low)}, {number(value.high)}]"
    return number(float(value))
