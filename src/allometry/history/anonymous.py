"""A fit without the names in it: run names, paths and addresses are replaced, numbers are not.

What stays by design are names of columns, of laws and of conventions, and the numbers. A reason for leaving a row out is
kept only where it is one of our own sentences; any other may quote a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from allometry.fits import Fit
from allometry.history.ledger import Ledger
from allometry.laws import Law, is_shipped, law_from_table, law_table
from allometry.notices import Notice
from allometry.runs import HIDDEN_PATH, HIDDEN_URL, NOT_STATED, STATES, Excluded, Reading, Rows

_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+|\bwww\.\S+|\b(?:wandb|mlflow|tensorboard|openai|records|s3|gs):\S+", re.I)
_FILE_KINDS = "csv|tsv|parquet|jsonl|ndjson|json|toml|yaml|db|sqlite|html|model|txt|py|pt|bin|safetensors"
_PATH = re.compile(
    r"(?<![\w/.:])~?(?:/[\w.@+-]+){2,}/?"  # /a/b, ~/a/b
    r"|(?<![\w/.:])~/[\w.@+-]+"
    r"|\b[A-Za-z]:\\\S+|\\\\\S+"  # C:\a, \\server\a
    rf"|(?<![\w/.:])[\w.@+~-]*(?:/[\w.@+-]+)*/?[\w@+-]+\.(?:{_FILE_KINDS})\b"
)
_QUOTED = re.compile(r'"([^"]*)"|\'([^\']*)\'')
_NUMBER = r"[\d.e+-]+"
_OWN_REASON = re.compile(
    rf"an earlier row of its run|in the first {_NUMBER} of its run|its state is (?:{'|'.join(STATES)})"
    rf"|its run stopped at step {_NUMBER} of {_NUMBER}|left out of this (?:fit|refit)"
    r"|`[^`]*` is (?:not a positive number|not a finite number|not a weight of 0 or more|0, which leaves a row out)"
)
_SHORTEST_NAME = 3  # a shorter name, or one without a letter, is no more than a number or a word in running text


@dataclass
class Aliases:
    """Other names for what may not be shown, the same for the same name wherever it stands; `paths` and `urls` are counts.

    >>> other = Aliases()
    >>> other.run("big-final"), other.run("big-seed2"), other.run("big-final")
    ('run-1', 'run-2', 'run-1')
    >>> other.text("big-final was read from /data/runs.csv, see https://wandb.ai/me/it")
    'run-1 was read from [path], see [url]'
    """

    runs: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    paths: int = 0
    urls: int = 0

    def run(self, name: str) -> str:
        """The alias of a run."""
        return self.runs.setdefault(name, f"run-{len(self.runs) + 1}") if name else ""

    def text(self, text: str) -> str:
        """Running text without addresses, paths and names of known runs."""
        text, urls = _URL.subn(HIDDEN_URL, text)
        text, paths = _PATH.subn(HIDDEN_PATH, text)
        self.urls, self.paths = self.urls + urls, self.paths + paths
        names = [name for name in self.runs if len(name) >= _SHORTEST_NAME and re.search(r"[^\W\d_]", name)]
        if not names:
            return text
        any_name = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        return re.sub(rf"(?<![\w-])(?:{any_name})(?![\w-])", lambda found: self.runs[found[0]], text)

    def filter(self, text: str) -> str:
        """A filter without the texts it compares with, but for the states of runs."""
        return _QUOTED.sub(lambda found: f'"{self._literal(found[1] or found[2] or "")}"', text)

    def _literal(self, text: str) -> str:
        if text in STATES or not text:
            return text
        return self.runs.get(text) or self.texts.setdefault(text, f"text-{len(self.texts) + 1}")


def anonymised(fitted: Fit, aliases: Aliases) -> Fit:
    """The same fit with aliases in the place of run names, and without paths and addresses in any of its texts."""
    rows = _rows(fitted.rows, aliases)
    law = fitted.law if is_shipped(fitted.law) else _law(fitted.law, aliases)
    return replace(
        fitted, rows=rows, law=law, notices=_notices(fitted.notices, aliases), status=aliases.text(fitted.status)
    )


def _law(law: Law, aliases: Aliases) -> Law:
    """A law of the user's own without the folder that it was read from, nor what its texts may name."""
    table = law_table(law)
    kept: dict[str, object] = {name: table[name] for name in ("name", "formula", "axes", "metric")}
    kept |= {"title": law.title} if law.title == law.formula.text else {}
    return law_from_table({**_texts(table, aliases), **kept, "subject": ""}, "the shared fit")


def still_named(fitted: Fit) -> dict[str, str]:
    """Texts of the user's own that an anonymous fit still holds, for a look before it is sent."""
    reading, settings = fitted.rows.reading, fitted.settings
    found = {f"column of {axis}": column for axis, column in reading.map.items() if axis != column}
    found |= {"filter": reading.where} if reading.where else {}
    found |= {name: text for name, text in (("weights", settings.weights), ("clusters", settings.cluster)) if text}
    own = {
        name: text for name, text in fitted.conventions.items() if text != NOT_STATED and not name.startswith("flops")
    }
    return found | {f"convention of {name}": text for name, text in own.items()}


def _rows(rows: Rows, aliases: Aliases) -> Rows:
    names = None if rows.names is None else tuple(aliases.run(name) for name in rows.names)
    return replace(
        rows,
        names=names,
        reading=_reading(rows.reading, aliases),
        excluded=tuple(Excluded(left_out.row, _reason(left_out.reason)) for left_out in rows.excluded),
        conventions=_values(rows.conventions, aliases),
        derived=tuple(map(aliases.text, rows.derived)),
        notices=_notices(rows.notices, aliases),
    )


def _reading(reading: Reading, aliases: Aliases) -> Reading:
    aliases.paths += bool(reading.source)
    where = None if reading.where is None else aliases.text(aliases.filter(reading.where))
    return replace(reading, source="", where=where, conventions=_values(reading.conventions, aliases))


def _reason(reason: str) -> str:
    if reason.startswith("not in the filter"):
        return "not in the filter"
    return reason if _OWN_REASON.fullmatch(reason) else "left out"


def anonymous_ledger(ledger: Ledger, aliases: Aliases) -> Ledger:
    """The same ledger with aliases in the place of run names, and without paths and addresses in what it quotes."""
    said = (
        replace(one, conventions=_values(one.conventions, aliases), run=replace(one.run, why=aliases.text(one.run.why)))
        for one in ledger.said
    )
    checks = (replace(one, run=aliases.run(one.run)) for one in ledger.checks)
    return Ledger(tuple(said), tuple(checks))


def _values(texts: Mapping[str, str], aliases: Aliases) -> dict[str, str]:
    return {name: aliases.text(text) for name, text in texts.items()}


def _notices(notices: Iterable[Notice], aliases: Aliases) -> tuple[Notice, ...]:
    return tuple(Notice(notice.code, aliases.text(notice.message)) for notice in notices)


def _texts(value: Any, aliases: Aliases) -> Any:
    """The same tables and lists with their texts replaced."""
    if isinstance(value, Mapping):
        return {name: _texts(item, aliases) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_texts(item, aliases) for item in value)
    return aliases.text(value) if isinstance(value, str) else value
