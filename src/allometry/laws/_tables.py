"""Taking checked values out of a parsed TOML table; every refusal names the file and the key."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TypeVar

from allometry.notices import Refused

T = TypeVar("T")


class Table:
    """One table of a declaration. Take each known key once, then `finish` refuses what is left."""

    def __init__(self, content: Mapping[str, object], file: str, key: str = "") -> None:
        self.content, self.file, self.key = dict(content), file, key

    def where(self, key: str = "") -> str:
        """The file and the key, for a refusal."""
        path = ".".join(part for part in (self.key, key) if part)
        return f"{self.file}, {path}" if path else self.file

    def refuse(self, code: str, message: str, key: str = "", mend: str = "") -> Refused:
        return Refused(code, message, self.where(key), mend)

    def text(self, key: str, default: str | None = None) -> str:
        return self._typed(key, str, "a text", default).strip()

    def whole(self, key: str, default: int | None = None) -> int:
        value = self._typed(key, int, "a whole number", default)
        if isinstance(value, bool):
            raise self.refuse("bad-declaration", "must be a whole number", key)
        return value

    def truth(self, key: str, default: bool | None = None) -> bool:
        return self._typed(key, bool, "true or false", default)

    def number(self, key: str) -> float:
        return self._number(key, self._typed(key, object, "a number", None))

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        values = self._typed(key, list, "a list of texts", None if default is None else list(default))
        if not all(isinstance(value, str) for value in values):
            raise self.refuse("bad-declaration", "must be a list of texts", key)
        return tuple(values)

    def numbers(self, key: str) -> tuple[float, ...]:
        values = self._typed(key, list, "a list of numbers", None)
        return tuple(self._number(key, value) for value in values)

    def table(self, key: str) -> Table:
        """A table under this one; empty when it is not there."""
        return Table(self._typed(key, dict, "a table", {}), self.file, ".".join(p for p in (self.key, key) if p))

    def named(self) -> dict[str, float]:
        """All that is left, as numbers by their key."""
        return {key: self.number(key) for key in list(self.content)}

    def texts_by_key(self) -> dict[str, str]:
        """All that is left, as texts by their key."""
        return {key: self.text(key) for key in list(self.content)}

    def finish(self) -> None:
        if self.content:
            key = next(iter(self.content))
            raise self.refuse("unknown-key", f"no key is called {key!r} here", key, "remove it or check its spelling")

    def _typed(self, key: str, kind: type[T], words: str, default: T | None) -> T:
        if key not in self.content and default is not None:
            return default
        if key not in self.content:
            raise self.refuse("missing-key", f"{key!r} is missing", key, f"give {words}")
        value = self.content.pop(key)
        if not isinstance(value, kind):
            raise self.refuse("bad-declaration", f"must be {words}, not {value!r}", key)
        return value

    def _number(self, key: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.refuse("bad-declaration", f"must be a finite number, not {value!r}", key)
        return float(value)


def listed(names: Iterable[str]) -> str:
    """Names for a sentence.

    >>> listed(["E", "A"]), listed([])
    ('E, A', 'none')
    """
    return ", ".join(names) or "none"
