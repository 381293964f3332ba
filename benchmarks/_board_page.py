"""The board as Markdown, and the five splits as lines of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from _board import OFF_BOARD
from _board_case import Case
from _board_peer import PEERS
from _board_scores import HINDSIGHT, LEVEL, RECOMMENDED, STACK, STRANGER_RECOMMENDED, STRANGER_STACK, WAYS, Scored, Told

HEAD = f"""# Forecast board

Every law of the catalogue that applies, fitted to the smaller runs of a published table and scored on its larger ones.
A law applies when it predicts the metric, all its axes are in the table and the table has the runs that it asks for.
Error and bias are the mean |relative error| and the mean relative error of the held-out rows, in percent (of the
vocabulary table, whose metric is negative, in hundredths of a nat). Inside is the share of held-out rows within nominal
{LEVEL:.0%} new-run intervals, which hold fit noise and the scatter of the runs only. A line with several cases averages
over them, cases alike. Seconds are process time of the fit with its intervals, or of the choice, in all cases together.

Lines with = choose among the laws from the smaller runs alone: the tournament's recommended law, and its stack. "No law
of this source" leaves out the laws whose form or constants come from a paper of the same runs, as their declarations
say. Best in hindsight is what nobody can know beforehand.
"""


class Line(NamedTuple):
    """One law or way in one group of cases."""

    name: str
    cases: int
    of: int
    error: float
    bias: float
    inside: float
    seconds: float
    note: str


# further columns go here: a title and what it shows of a line
COLUMNS: tuple[tuple[str, Callable[[Line], str]], ...] = (
    ("forecast", lambda line: line.name),
    ("cases", lambda line: str(line.cases) if line.cases == line.of else f"{line.cases} of {line.of}"),
    ("error", lambda line: _percent(line.error, 2)),
    ("bias", lambda line: _percent(line.bias, 2)),
    (f"inside {LEVEL:.0%}", lambda line: _percent(line.inside, 0)),
    ("seconds", lambda line: f"{line.seconds:.1f}"),
    ("", lambda line: line.note),
)


def page(found: Sequence[Scored], made: str, seconds: float) -> str:
    """The whole board."""
    groups: dict[str, list[Scored]] = {}
    for scored in found:
        groups.setdefault(scored.group, []).append(scored)
    parts = [
        HEAD,
        f"Made by `benchmarks/forecasts.py`; {made}; {len(found)} cases in {seconds:.0f} s on two processes, "
        f"{sum(scored.seconds for scored in found):.0f} s of process time.\n",
        _summary(groups),
    ]
    parts += [_section(name, cases) for name, cases in groups.items()]
    parts.append("## Not on the board\n\n" + "\n".join(f"- {name}: {why}." for name, why in OFF_BOARD.items()) + "\n")
    return "\n".join(parts)


def _summary(groups: Mapping[str, Sequence[Scored]]) -> str:
    """Errors of the ways to choose, one row a table."""
    names = (RECOMMENDED, STACK, STRANGER_RECOMMENDED, STRANGER_STACK, "chinchilla", HINDSIGHT)
    titles = ("table", "held out", "cases", "rows", *(name.removeprefix("= ") for name in names), "best law")
    rows = []
    for group, cases in groups.items():
        lines = {name: _line(name, cases) for name in names}
        held = sum(len(case.measured) for case in cases)
        shown = [_percent(lines[name].error, 2) for name in names]
        rows.append((group, cases[0].held, str(len(cases)), str(held), *shown, lines[HINDSIGHT].note))
    return "## All tables\n\nMean error on held-out larger runs, %.\n\n" + _table(titles, rows)


def _section(group: str, cases: Sequence[Scored]) -> str:
    first = cases[0]
    laws = list(dict.fromkeys(name for case in cases for name in case.told if name not in WAYS))
    lines = [_line(name, cases) for name in (*laws, *(way for way in WAYS if any(way in case.told for case in cases)))]
    fitted, held = [case.fitted for case in cases], [len(case.measured) for case in cases]
    text = (
        f"## {group}\n\n`{first.table}`, runs of {first.source}; held out: {first.held}; {_span(fitted)} rows fitted, "
    )
    text += f"{_span(held)} held out" + (" in each case.\n\n" if len(cases) > 1 else ".\n\n")
    text += _table([title for title, _ in COLUMNS], [[show(line) for _, show in COLUMNS] for line in lines])
    if len(cases) == 1 and first.verdict:
        text += f"\nBelow the hold-out: {first.verdict}.\n"
    return text


def _span(sizes: Sequence[int]) -> str:
    return str(sizes[0]) if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)}"


def _line(name: str, cases: Sequence[Scored]) -> Line:
    """A law or way over the cases where it forecasts; the note says why elsewhere not, or which laws it chose."""
    have = [case for case in cases if np.isfinite(case.error(name))]
    told = [case.told[name] for case in cases if name in case.told]
    why = Counter(one.why for one in told if one.why)
    chosen = Counter(one.law for one in told if one.law)
    note = ", ".join(law if len(cases) == 1 else f"{law} {count}" for law, count in chosen.most_common())
    note = "; ".join([*([note] if note else []), *(reason for reason, _ in why.most_common(1))])
    return Line(
        name, len(have), len(cases), _mean([case.error(name) for case in have]),
        _mean([float(case.told[name].error(case.measured, case.nats).mean()) for case in have]),
        _mean([_inside(case, name) for case in have]), sum(one.seconds for one in told), note,
    )  # fmt: skip


def _inside(case: Scored, name: str) -> float:
    inside = case.told[name].inside(case.measured)
    return float(np.nanmean(inside)) if np.isfinite(inside).any() else np.nan


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else np.nan


def _percent(value: float, digits: int) -> str:
    return "-" if not np.isfinite(value) else f"{100 * value:.{digits}f}"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def five_lines(found: Sequence[Scored], five: Sequence[Case], others: Sequence[Mapping[str, Told]]) -> Iterator[str]:
    """The five splits: each law, each way to choose, and the peers, errors and coverage side by side."""
    by_case = {(scored.group, scored.name): scored for scored in found}
    splits = [by_case[case.group, case.name] for case in five]
    for split in splits:
        yield f"{split.group} {split.name}: {split.fitted} rows fitted, {len(split.measured)} held out; {split.verdict}"
        shares = sorted(split.weights.items(), key=lambda pair: -pair[1])
        yield "   stack weights: " + ", ".join(f"{name} {share:.2f}" for name, share in shares if share >= 0.005)
    yield ""
    yield (
        "mean |relative error| of held-out larger runs, %, and inside: the share of rows within nominal "
        f"{LEVEL:.0%} new-run intervals"
    )
    yield (
        f"{'':40s}"
        + "".join(f"{split.group + ' ' + split.name:>20s}" for split in splits)
        + f"{'mean':>8s}{'inside':>8s}"
    )
    laws = dict.fromkeys(name for split in splits for name in split.told if name not in WAYS)
    for name in (*laws, *WAYS):
        yield _five(name, [(split, split.told.get(name)) for split in splits])
    for name in PEERS:
        yield _five(name, [(split, told.get(name)) for split, told in zip(splits, others, strict=True)])


def _five(name: str, told: Sequence[tuple[Scored, Told | None]]) -> str:
    if all(one is None for _, one in told):
        return f"{name:40s}{'not run':>20s}"
    errors = [
        np.nan if one is None else 100 * float(np.abs(one.error(split.measured, False)).mean()) for split, one in told
    ]
    inside = [np.nan if one is None else float(np.mean(one.inside(split.measured))) for split, one in told]
    shown = "".join(f"{error:20.2f}" if np.isfinite(error) else f"{'-':>20s}" for error in errors)
    return f"{name:40s}{shown}{np.mean(errors):8.2f}{100 * np.mean(inside):7.0f}%"
