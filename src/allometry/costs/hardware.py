"""Hardware as a flat value object: peaks by precision, memory and bandwidth by tier, power, price, factors."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from allometry.axes import nearest_names
from allometry.costs._checks import check_count, check_positive
from allometry.costs._texts import pairs, read_toml, whole_number
from allometry.costs.factors import DEFAULT_FACTORS, Factor
from allometry.costs.prices import Price, read_price
from allometry.expressions import parse_number
from allometry.notices import Refused

PRECISIONS = ("fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "int8", "fp4", "int4")
TIERS = ("device", "host", "disk", "link", "network")
REQUIRED = ("memory", "bandwidth")
OPTIONAL = ("host_memory", "host_bandwidth", "host_memory_bandwidth", "disk_memory", "disk_bandwidth", "link_bandwidth", "network_bandwidth",
            "power")  # fmt: skip
WHOLE = ("devices_per_node", "processors")


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """One kind of device and what it is attached to; what is not known is None.

    All figures are for one device: bytes, bytes/s in one direction, FLOP/s, watts.

    - `peak`: dense FLOP/s by precision (never the figure with sparsity).
    - `memory`, `bandwidth`: the device's own.
    - `host_memory`, `host_bandwidth`: this device's share of the host's memory, and its way there;
      `host_memory_bandwidth`: its share of what the host's processors read and write there.
    - `disk_memory`, `disk_bandwidth`: likewise for disks.
    - `link_bandwidth` to devices of the same node, `devices_per_node` of them; `network_bandwidth` to other nodes.
    - `processors`: multiprocessors (compute units), each of which works on one head of one sequence at a time.
    - `power` at full load; `price`; `factors` that were measured on it; `date` and `source` of the figures.

    Errors: `Refused` for figures that are not positive and precisions that are not known.
    """

    name: str
    peak: Mapping[str, float]
    memory: float
    bandwidth: float
    host_memory: float | None = None
    host_bandwidth: float | None = None
    host_memory_bandwidth: float | None = None
    disk_memory: float | None = None
    disk_bandwidth: float | None = None
    link_bandwidth: float | None = None
    network_bandwidth: float | None = None
    devices_per_node: int = 1
    processors: int | None = None
    power: float | None = None
    price: Price | None = None
    factors: Mapping[str, Factor] = field(default_factory=lambda: MappingProxyType({}))
    title: str = ""
    date: datetime.date | None = None
    source: str = ""

    def __post_init__(self) -> None:
        where = f"hardware {self.name}"
        for precision, peak in self.peak.items():
            if precision not in PRECISIONS:
                raise Refused("unknown-precision", f"no precision is called {precision!r}", where,
                              f"use one of {', '.join(PRECISIONS)}")  # fmt: skip
            check_positive(f"the peak in {precision}", peak, where)
        if not self.peak:
            raise Refused("missing-field", "the hardware has no peak", where, "give one, such as bf16 = 312e12")
        for name in REQUIRED:
            check_positive(name, getattr(self, name), where)
        for name in OPTIONAL:
            if getattr(self, name) is not None:
                check_positive(name, getattr(self, name), where)
        check_count("devices_per_node", self.devices_per_node, where=where)
        if self.processors is not None:
            check_count("processors", self.processors, where=where)
        if self.date is not None and not isinstance(self.date, datetime.date):
            raise Refused("bad-value", f"the date {self.date!r} is no day", where, "write date = 2026-05-20")
        if not isinstance(self.title, str) or not isinstance(self.source, str):
            raise Refused("bad-value", "title and source are texts", where)

    def peak_flops(self, precision: str = "bf16") -> float:
        """Dense FLOP/s in a precision; `Refused` with those that are known when this one is not."""
        if precision not in self.peak:
            raise Refused("unknown-precision", f"the peak of {self.name} in {precision} is not known", "the hardware",
                          f"known are {', '.join(self.peak)}; or give {precision}=FLOP/s")  # fmt: skip
        return self.peak[precision]

    def tier_bandwidth(self, tier: str) -> float:
        """Bytes/s of a tier; `Refused` with the field to give when it is not known."""
        name = "bandwidth" if tier == "device" else f"{tier}_bandwidth"
        value = getattr(self, name)
        if value is None:
            raise Refused("unknown-bandwidth", f"the {tier} bandwidth of {self.name} is not known", "the hardware",
                          f"give {name}= in bytes/s, one direction")  # fmt: skip
        return float(value)

    def intensity(self, precision: str = "bf16") -> float:
        """FLOP per byte at which compute and device memory take the same time."""
        return self.peak_flops(precision) / self.bandwidth

    def factor(self, name: str) -> Factor:
        """The efficiency factor of this name: measured on this hardware, else the default."""
        found = self.factors.get(name) or DEFAULT_FACTORS.get(name)
        if found is None:
            raise Refused("unknown-factor", f"no factor is called {name!r}", f"hardware {self.name}",
                          f"known are {', '.join({**DEFAULT_FACTORS, **self.factors})}")  # fmt: skip
        return found


def find_hardware(text: str) -> Hardware:
    """The hardware that a text names.

    Arguments: `text` is a name ("h200"; devices of your own in the folder that ALLOMETRY_HARDWARE names come first),
    the path of a .toml file, or either with fields that change it ("h200 host_memory=256e9 devices_per_node=4");
    fields alone describe a device of your own ("bf16=312e12 memory=80e9 bandwidth=2e12").
    Errors: `Refused` with the nearest names for one that is not known, and for figures that cannot be.

    >>> find_hardware("h200").peak["bf16"]
    989400000000000.0
    >>> find_hardware("h200 power=600").power
    600.0
    """
    name, given = pairs(text, "the hardware")
    if not name:
        return _described(given)
    found = read_hardware(name) if name.endswith(".toml") else _named(name)
    return replace(found, **_overrides(given, found.peak)) if given else found


def hardware_names() -> tuple[str, ...]:
    """The names that `find_hardware` knows."""
    return tuple(_paths())


def read_hardware(path: Path | str) -> Hardware:
    """The hardware that a TOML file declares; its name is the file's.

    Errors: `Refused` with the file and the key for anything in it that is wrong.
    """
    path = Path(path)
    content = read_toml(path, "hardware")
    return hardware_from_table({"name": path.stem, **content}, str(path))


def hardware_from_table(content: Mapping[str, Any], where: str) -> Hardware:
    """The hardware that a table declares, as TOML gives it."""
    known = [f.name for f in fields(Hardware)]
    for key in content:
        if key not in known:
            near = ", ".join(nearest_names(key, known))
            raise Refused("unknown-field", f"hardware has no {key!r}", where, f"the nearest are {near}")
    for key in ("peak", *REQUIRED):
        if key not in content:
            raise Refused("missing-field", f"the hardware has no {key}", where, f"give {key}")
    values = dict(content)
    values["peak"] = MappingProxyType(dict(_table(content, "peak", where)))
    if "price" in content:
        values["price"] = read_price(_table(content, "price", where), f"{where}, price")
    values["factors"] = _factors(_table(content, "factors", where), where)
    return Hardware(**values)


def _table(content: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    table = content.get(key, {})
    if not isinstance(table, Mapping):
        raise Refused("bad-hardware", f"{key} is not a table", where, f"write a [{key}] line above its entries")
    return table


def _factors(tables: Mapping[str, Any], where: str) -> Mapping[str, Factor]:
    found = {}
    for name, table in tables.items():
        try:
            found[name] = Factor(name, **table)
        except (AttributeError, TypeError):
            raise Refused("bad-factor", f"factor {name} is not complete", where,
                          "give value, low, high, provenance, source and, if known, within = { context = [1, 2048] }") from None  # fmt: skip
    return MappingProxyType(found)


def _named(name: str) -> Hardware:
    paths = _paths()
    if name.lower() not in paths:
        near = ", ".join(nearest_names(name.lower(), paths))
        raise Refused("unknown-hardware", f"no device is called {name!r}", "the hardware",
                      f"the nearest are {near}; or give a .toml file, or bf16= memory= bandwidth=")  # fmt: skip
    return read_hardware(paths[name.lower()])


def _paths() -> dict[str, Path]:
    own = [Path(entry) for entry in os.environ.get("ALLOMETRY_HARDWARE", "").split(os.pathsep) if entry]
    for folder in own:
        if not folder.is_dir():
            raise Refused("no-such-folder", "ALLOMETRY_HARDWARE names a folder that is not there", str(folder))
    folders = [Path(__file__).parent / "devices", *own]
    return {path.stem.lower(): path for folder in folders for path in sorted(folder.glob("*.toml"))}


def _described(given: Mapping[str, str]) -> Hardware:
    values = _overrides(given, {})
    for key in ("peak", *REQUIRED):
        if key not in values:
            missing = "a peak, such as bf16=312e12" if key == "peak" else f"{key}="
            raise Refused("missing-field", f"the hardware has no {key}", "the hardware", f"give a name, or {missing}")
    return Hardware(name="own", source="as given", **values)


def _overrides(given: Mapping[str, str], peak: Mapping[str, float]) -> dict[str, Any]:
    """Fields by name from texts; a precision is a peak."""
    values: dict[str, Any] = {}
    peaks = dict(peak)
    for name, text in given.items():
        if name in PRECISIONS:
            peaks[name] = parse_number(text, name)
        elif name in WHOLE:
            values[name] = whole_number(name, text, "the hardware")
        elif name in (*REQUIRED, *OPTIONAL):
            values[name] = parse_number(text, name)
        else:
            near = ", ".join(nearest_names(name, (*PRECISIONS, *REQUIRED, *OPTIONAL, *WHOLE)))
            raise Refused("unknown-field", f"hardware has no {name!r}", "the hardware", f"the nearest are {near}")
    return {**values, "peak": MappingProxyType(peaks)} if peaks else values
