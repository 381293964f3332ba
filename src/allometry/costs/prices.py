"""Prices: dated records with a source, of device-hours or of tokens; money without one is empty, never zero."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from allometry.axes import nearest_names
from allometry.costs._checks import check_positive
from allometry.costs._texts import read_toml
from allometry.notices import Notice, Refused

OLD_DAYS = 90
TOKEN_KINDS = ("prompt", "cached", "cache_write", "generated")
TOKENS_PER_PRICE = 1e6
SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a device-hour or a million tokens cost, on which day, by which source.

    Arguments: `date` it was read and its `source`; either `device_hour`, for one device, with `utilisation`, the share
    of the paid hours in which the device does the work that is counted (1 for a rented job, less for a service that
    waits for requests); or prices for a million tokens, `prompt`, `generated`, and where they differ `cached` and
    `cache_write` prompt tokens; `batch_discount` is the share taken off in batch mode. `currency` is USD by default.
    Errors: `Refused` when it is neither or both, when a part is missing, and for numbers that cannot be.

    >>> rented = Price(date=datetime.date(2026, 5, 20), source="an invoice", device_hour=2.5, utilisation=1.0)
    >>> rented.of_devices(seconds=7200, devices=8)
    40.0
    >>> rented.of_tokens(generated=1e6) is None
    True
    """

    date: datetime.date
    source: str
    device_hour: float | None = None
    utilisation: float | None = None
    prompt: float | None = None
    cached: float | None = None
    cache_write: float | None = None
    generated: float | None = None
    batch_discount: float = 0.0
    currency: str = "USD"

    def __post_init__(self) -> None:
        where = "the price"
        if not isinstance(self.date, datetime.date) or isinstance(self.date, datetime.datetime):
            raise Refused("bad-price", f"the date {self.date!r} is no day", where, "write date = 2026-05-20")
        if not self.source:
            raise Refused("bad-price", "a price without a source cannot be checked", where, "say where it was read")
        if (self.device_hour is None) == (self.prompt is None and self.generated is None):
            raise Refused("bad-price", "a price is for device-hours or for tokens", where,
                          "give device_hour and utilisation, or prompt and generated")  # fmt: skip
        if self.device_hour is not None:
            self._check_device(where)
        elif self.prompt is None or self.generated is None:
            raise Refused("bad-price", "a price for tokens needs both prompt and generated", where, "give the other")
        for kind in TOKEN_KINDS:
            if getattr(self, kind) is not None:
                check_positive(kind, getattr(self, kind), where, zero=True)
        if not 0 <= self.batch_discount < 1:
            raise Refused(
                "bad-price", f"a discount of {self.batch_discount:g} is no share", where, "write 0.5 for half"
            )

    def _check_device(self, where: str) -> None:
        check_positive("device_hour", self.device_hour, where, zero=True)
        if self.utilisation is None:
            raise Refused("bad-price", "a price of device-hours needs the utilisation it is for", where,
                          "give utilisation, such as 1.0 for a rented job")  # fmt: skip
        if not 0 < self.utilisation <= 1:
            raise Refused("bad-price", f"a utilisation of {self.utilisation:g} is no share", where, "give above 0 to 1")

    def of_devices(self, seconds: float, devices: float = 1) -> float | None:
        """Money for `devices` devices at work for `seconds`; None when this is a price of tokens."""
        if self.device_hour is None or self.utilisation is None:
            return None
        return self.device_hour * devices * seconds / SECONDS_PER_HOUR / self.utilisation

    def of_tokens(
        self, *, prompt: float = 0, cached: float = 0, cache_write: float = 0, generated: float = 0, batch: bool = False
    ) -> float | None:
        """Money for tokens of each kind; None when this is a price of device-hours.

        `prompt` are those neither read from nor written to a cache; kinds without a price of their own cost as prompt.

        >>> price = Price(date=datetime.date(2026, 5, 20), source="a page", prompt=1.0, cached=0.1, generated=4.0)
        >>> price.of_tokens(prompt=1e6, cached=1e6, generated=5e5)
        3.1
        """
        if self.prompt is None or self.generated is None:
            return None
        cached_price = self.prompt if self.cached is None else self.cached
        write_price = self.prompt if self.cache_write is None else self.cache_write
        whole = prompt * self.prompt + cached * cached_price + cache_write * write_price + generated * self.generated
        return whole / TOKENS_PER_PRICE * (1 - self.batch_discount if batch else 1.0)

    def notices(self, today: datetime.date) -> tuple[Notice, ...]:
        """A warning when the price is older than 90 days on the day `today`."""
        age = (today - self.date).days
        if age <= OLD_DAYS:
            return ()
        message = f"the price is of {self.date.isoformat()}, {age} days ago ({self.source}); give today's in a file"
        return (Notice("old-price", message),)

    def as_json(self) -> dict[str, object]:
        held = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}
        return {**held, "date": self.date.isoformat()}


def read_price(table: Mapping[str, Any], where: str) -> Price:
    """The price that a TOML table holds; unknown keys are refused with the nearest known."""
    known = [f.name for f in fields(Price)]
    for key in table:
        if key not in known:
            near = ", ".join(nearest_names(key, known))
            raise Refused("unknown-field", f"a price has no {key!r}", where, f"the nearest are {near}")
    for key in ("date", "source"):
        if key not in table:
            raise Refused("missing-field", f"the price has no {key}", where, f"give {key}")
    return Price(**table)


def read_prices(path: Path | str) -> dict[str, Price]:
    """The prices of a TOML file, one table for each device or model: [h200], ["gpt-x"]."""
    path = Path(path)
    content = read_toml(path, "prices")
    for name, table in content.items():
        if not isinstance(table, dict):
            raise Refused("bad-prices", f"{name} is not a table", str(path), "write a [name] line above it")
    return {name: read_price(table, f"{path}, {name}") for name, table in content.items()}


def find_price(name: str, path: Path | str | None = None, shipped: Price | None = None) -> Price | None:
    """The price of a device or model: the user's file wins, then the file ALLOMETRY_PRICES names, then `shipped`.

    None when nobody gives one: then money is empty.
    """
    for source in (path, os.environ.get("ALLOMETRY_PRICES")):
        found = read_prices(source).get(name) if source else None
        if found is not None:
            return found
    return shipped
