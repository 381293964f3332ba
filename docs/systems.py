"""The page of published systems: what answers each, and what that answer was held to.

Laws say in their own declaration which papers they answer; published tables name theirs. Everything else is declared in
docs/systems/*.toml, where one more room is one more file: a `[[system]]` has `paper` (title and arXiv number), `answer`
(a command, `allometry NAME`, or a public Python name), `does`, `held` (what the answer was held to) and `test` (where).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from allometry.laws import Law, list_laws
from allometry.reproduction import find_table, table_names
from allometry.reproduction.figures import figure_checks

FOLDER = Path(__file__).parent / "systems"
_NUMBER = re.compile(r",? ?arXiv (\d{4}\.\d{4,5})")
_AUTHORS = re.compile(r"^(?:[A-Z][\w'-]+(?: and [A-Z][\w'-]+| et al\.)? \d{4}), arXiv \d{4}\.\d{4,5}")
INTRODUCTION = """\
# Published systems

Every published system that the project answers, with what answers it and what that was held to. Made from the
declarations of laws, tables and commands. *Printed figures* are numbers that a source prints and our code gives again
from the published constants; *by hand* are values that follow from its formulas, where it prints none. A *table* is one
that its authors published: `allometry reproduce NAME --data DIR` fits it again and shows our figures beside theirs."""


class Answer(NamedTuple):
    """One answer to a published system, in Markdown."""

    paper: str
    by: str
    does: str
    held: str


class System(NamedTuple):
    """A published system with all its answers; `number` is of arXiv, empty where it has none."""

    title: str
    number: str
    answers: tuple[Answer, ...]


def systems() -> list[System]:
    """Every system by title, each once."""
    found: dict[str, list[Answer]] = {}
    for answer in (*declared(), *_tables(), *_laws()):
        found.setdefault(_key(answer.paper), []).append(answer)
    named = [System(_title([a.paper for a in each]), _number(each[0].paper), tuple(each)) for each in found.values()]
    return sorted(named, key=lambda system: system.title.lower())


def systems_page() -> str:
    """All of them as one table."""
    every = systems()
    rows = [line for system in every for line in _rows(system)]
    table = ["| system | answered by | which does | held to |", "|---|---|---|---|", *rows]
    return "\n\n".join([INTRODUCTION, f"{len(every)} systems.", "\n".join(table)]) + "\n"


def declared() -> Iterator[Answer]:
    """The answers that are no law and no table."""
    for entry in entries():
        by = f"`{entry['answer']}`"
        yield Answer(entry["paper"], by, entry["does"], f"{entry['held']} (`{entry['test']}`)")


def entries() -> Iterator[dict[str, str]]:
    """Every `[[system]]` of docs/systems/."""
    for path in sorted(FOLDER.glob("*.toml")):
        yield from tomllib.loads(path.read_text(encoding="utf-8"))["system"]


def _laws() -> Iterator[Answer]:
    for law in list_laws():
        for paper in _papers(law):
            yield Answer(paper, f"law [{law.name}](laws.md#{law.name})", _escaped(law.title), _held(law))


def _papers(law: Law) -> Iterable[str]:
    """What a law says it answers, and the source of its form where that is another paper."""
    source = _AUTHORS.match(" ".join(law.source.split()))
    known = {_number(paper) for paper in law.papers}
    return (*law.papers, *([source[0]] if source and _number(source[0]) not in known else []))


def _held(law: Law) -> str:
    checks = list(figure_checks(law))
    printed, own = ([c for c in checks if (c.published is None) == by_hand] for by_hand in (False, True))
    parts = [f"{len(printed)} printed figure{'s' * (len(printed) > 1)}"] if printed else []
    parts += [f"{len(own)} by hand"] if own else []
    unmet = [check.quantity for check in checks if not check.met]
    parts += [f"not met: {', '.join(unmet)}"] if unmet else []
    parts += ["provisional: only an abstract was seen"] if law.provisional else []
    return "; ".join(parts) or "the contract of every law"


def _tables() -> Iterator[Answer]:
    for name in table_names():
        table = find_table(name)
        yield Answer(
            table.paper, f"table `{name}`", _escaped(table.title), f"{table.rows:,} rows; `allometry reproduce {name}`"
        )


def _key(paper: str) -> str:
    return _number(paper) or paper


def _number(paper: str) -> str:
    found = _NUMBER.search(paper)
    return found[1] if found else ""


def _title(papers: Iterable[str]) -> str:
    """The title where one is known, else authors and year; without the number."""
    named = [_NUMBER.sub("", paper).strip() for paper in papers]
    return max([name for name in named if " et al. 20" not in name] or named, key=len)


def _rows(system: System) -> Iterator[str]:
    """A line for each answer, the first with the system's name."""
    link = f" [{system.number}](https://arxiv.org/abs/{system.number})" if system.number else ""
    name = _escaped(system.title) + link
    for answer in system.answers:
        yield f"| {name} | {answer.by} | {answer.does} | {answer.held} |"
        name = ""


def _escaped(text: str) -> str:
    """Prose in a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", r"\|").replace("*", r"\*").replace("<", "&lt;")
