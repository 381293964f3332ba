"""Keys of a gateway: who may ask, how often, and for how many tokens a day."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
import tomllib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allometry.inference.gateway.faults import Fault
from allometry.notices import Refused

MINUTE, DAY = 60.0, 86400
LARGEST = 1_000_000
_FIELDS = {"sha256", "requests_per_minute", "tokens_per_day"}
_MEND = 'write [NAME], sha256 = "..." and if need be requests_per_minute and tokens_per_day'


@dataclass(eq=False)
class Holder:
    """Who holds a key, the limits, and what was used of them since this process began; None is no limit."""

    name: str
    requests_per_minute: int | None = None
    tokens_per_day: int | None = None
    _asked: deque[float] = field(default_factory=deque, repr=False)
    _day: int = -1
    _tokens: int = 0

    def admit(self, now: float) -> None:
        """Count a request at `now` (seconds since 1970). Errors: `Fault` 429 where a limit is reached."""
        if int(now // DAY) != self._day:
            self._day, self._tokens = int(now // DAY), 0
        if self.tokens_per_day is not None and self._tokens >= self.tokens_per_day:
            raise Fault(429, "tokens_per_day", f"this key has used its {self.tokens_per_day} tokens of the day: wait for the next (UTC)",
                        retry_after=DAY - now % DAY)  # fmt: skip
        while self._asked and self._asked[0] <= now - MINUTE:
            self._asked.popleft()
        if self.requests_per_minute is not None:
            if len(self._asked) >= self.requests_per_minute:
                raise Fault(429, "requests_per_minute", f"this key may ask {self.requests_per_minute} times a minute: wait a little",
                            retry_after=self._asked[0] + MINUTE - now)  # fmt: skip
            self._asked.append(now)

    def book(self, tokens: int) -> None:
        """Count tokens when they are known: answers under way can carry a day beyond its limit, the next is refused."""
        self._tokens += tokens


class Keys:
    """The keys of a file, of which only SHA-256 digests are held; none of them: everybody is let in."""

    def __init__(self, holders: Mapping[str, Holder], clock: Callable[[], float] = time.time) -> None:
        self._holders, self._clock = dict(holders), clock
        self._everybody = Holder("everybody")

    def __len__(self) -> int:
        return len(self._holders)

    def holder(self, authorization: str | None) -> Holder:
        """Whose key a header holds. Errors: `Fault` 401.

        Every digest is compared, each in constant time, so that how long it takes tells nothing.
        """
        if not self._holders:
            return self._everybody
        kind, _, key = (authorization or "").partition(" ")
        shown = digest(key.strip())
        found = [holder for held, holder in self._holders.items() if hmac.compare_digest(held, shown)]
        if kind.lower() != "bearer" or not found:
            raise Fault(401, "invalid_api_key", "no valid key: send one as `Authorization: Bearer KEY`")
        return found[0]

    def admit(self, holder: Holder) -> None:
        """Errors: `Fault` 429."""
        holder.admit(self._clock())


def digest(key: str) -> str:
    """What a file holds of a key.

    >>> digest("abc")[:8]
    'ba7816bf'
    """
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def read_keys(path: str | Path | None) -> Keys:
    """The keys of a TOML file: a table for each holder. Errors: `Refused` for anything else; no digest is shown."""
    if path is None:
        return Keys({})
    try:
        if Path(path).stat().st_size > LARGEST:
            raise Refused("bad-keys", f"the file is larger than {LARGEST} bytes", str(path), _MEND)
        held = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused("no-file", f"the keys cannot be read: {error.strerror}", str(path), "check the path") from None
    except ValueError as error:
        if isinstance(error, Refused):
            raise
        raise Refused("bad-keys", "this is no TOML", str(path), _MEND) from None
    holders: dict[str, Holder] = {}
    for name, fields in held.items():
        digest_, holder = _holder(name, fields, str(path))
        if digest_ in holders:
            raise Refused("bad-keys", f"{name} has the key of {holders[digest_].name}", str(path), "give each a key")
        holders[digest_] = holder
    if not holders:
        raise Refused("bad-keys", "there is no key in it", str(path), _MEND)
    return Keys(holders)


def _holder(name: str, fields: Any, where: str) -> tuple[str, Holder]:
    if not isinstance(fields, dict):
        raise Refused("bad-keys", f"{name} is no table", where, _MEND)
    for wrong in sorted(fields.keys() - _FIELDS):
        raise Refused("bad-keys", f"{name} has an unknown field {wrong!r:.40}", where, _MEND)
    shown = fields.get("sha256")
    if not isinstance(shown, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", shown):
        raise Refused("bad-keys", f"{name} has no sha256 of 64 hexadecimal digits", where,
                      "take that of the key: printf %s KEY | sha256sum")  # fmt: skip
    limits = {limit: fields[limit] for limit in ("requests_per_minute", "tokens_per_day") if limit in fields}
    for limit, value in limits.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise Refused("bad-keys", f"{limit} of {name} is no whole number from 1", where, _MEND)
    return shown.lower(), Holder(name, **limits)
