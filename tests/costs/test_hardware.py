"""Devices and prices: found, changed, checked, and never of more than they know."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from allometry.costs import (
    Hardware,
    Price,
    find_hardware,
    find_price,
    hardware_names,
    hardware_text,
    read_hardware,
    read_prices,
)
from allometry.notices import Refused

TODAY = date(2026, 11, 28)


@pytest.mark.parametrize("name", hardware_names())
def test_each_device_is_dated_with_a_source_and_within_what_is_built(name: str) -> None:
    device = find_hardware(name)
    assert device.name == name
    assert device.source
    assert device.date is not None
    assert 10 < device.intensity(next(iter(device.peak))) < 1500


def test_dense_figures_are_not_the_sparse_ones() -> None:
    assert find_hardware("h100").peak_flops("bf16") == pytest.approx(1979e12 / 2, rel=1e-3)
    assert find_hardware("a100-80gb").peak_flops("fp16") == 312e12


def test_a_device_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text(
        "memory = 16e9\nbandwidth = 1e12\n[peak]\nbf16 = 1e14\n[factors.compute]\nvalue = 0.6\nlow = 0.5\nhigh = 0.7\n"
        'provenance = "measured"\nsource = "here"\n[price]\ndate = 2026-11-01\nsource = "mine"\ndevice_hour = 1\nutilisation = 1\n'
    )
    monkeypatch.setenv("ALLOMETRY_HARDWARE", str(tmp_path))
    found = find_hardware("mine")
    assert found == read_hardware(tmp_path / "mine.toml")
    assert found.factor("compute").provenance == "measured"
    assert found.factor("memory").provenance != "measured"
    assert found.price is not None
    assert find_hardware("bf16=1e14 memory=16e9 bandwidth=1e12").peak == {"bf16": 1e14}
    assert find_hardware("mine host_memory=1e11").host_memory == 1e11


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("h201", "h200"),
        ("h200 memory=-1", "positive"),
        ("h200 powr=1", "power"),
        ("memory=1e9 bandwidth=1e9", "peak"),
        ("bf16=1e12 memory=1e9", "bandwidth="),
        ("nowhere.toml", "cannot read"),
        ("h200 devices_per_node=0", "at least 1"),
    ],
)
def test_refusals_name_what_would_work(text: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        find_hardware(text)


def test_what_is_not_known_is_refused_with_the_field() -> None:
    device = find_hardware("h100")
    with pytest.raises(Refused, match="known are bf16"):
        device.peak_flops("fp4")
    with pytest.raises(Refused, match="disk_bandwidth="):
        device.tier_bandwidth("disk")
    with pytest.raises(Refused, match="known are compute"):
        device.factor("luck")


def test_an_old_price_warns_and_the_users_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Price(date=date(2026, 8, 29), source="a page", device_hour=2.0, utilisation=0.5)
    assert [notice.code for notice in old.notices(TODAY)] == ["old-price"]
    assert not Price(date=date(2026, 8, 30), source="a page", device_hour=2.0, utilisation=0.5).notices(TODAY)
    assert old.of_devices(3600, devices=3) == 12.0
    path = tmp_path / "prices.toml"
    path.write_text('[h200]\ndate = 2026-11-01\nsource = "invoice"\ndevice_hour = 3\nutilisation = 1\n')
    assert find_price("h200", path, old) == read_prices(path)["h200"] != old
    assert find_price("h100", path, old) is old
    assert find_price("h100") is None
    monkeypatch.setenv("ALLOMETRY_PRICES", str(path))
    assert find_price("h200").device_hour == 3  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('date = 2026-11-01\nsource = "x"\ndevice_hour = 3', "utilisation"),
        ('date = 2026-11-01\nsource = "x"\nprompt = 3', "both prompt and generated"),
        ('date = 2026-11-01\nsource = "x"', "device-hours or for tokens"),
        ('date = 2026-11-01\nsource = "x"\ndevice_hour = -3\nutilisation = 1', "from 0"),
        ('date = 2026-11-01\nsource = "x"\ndevice_hours = 3', "device_hour"),
        ('date = "soon"\nsource = "x"\ndevice_hour = 3\nutilisation = 1', "no day"),
        ("device_hour = 3\nutilisation = 1", "no date"),
        ('date = 2026-11-01\nsource = "x"\nprompt = 1\ngenerated = 2\nbatch_discount = 1.5', "no share"),
    ],
)
def test_prices_that_cannot_be_are_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(f"[x]\n{text}\n")
    with pytest.raises(Refused, match=says):
        read_prices(path)


def test_tokens_of_each_kind() -> None:
    price = Price(
        date=TODAY, source="a page", prompt=2.0, generated=8.0, cached=0.2, cache_write=2.5, batch_discount=0.5
    )
    whole = price.of_tokens(prompt=1e6, cached=2e6, cache_write=4e5, generated=5e5)
    assert whole == pytest.approx(2 + 0.4 + 1 + 4)
    assert price.of_tokens(prompt=1e6, batch=True) == 1.0
    assert price.of_devices(10) is None
    assert isinstance(find_hardware("h200"), Hardware)


@pytest.mark.parametrize("text", ["5", "[2, 1]", '["a", "b"]', "[1]", '"wide"'])
def test_ranges_of_a_factor_are_two_ends(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    lines = (
        hardware_text(find_hardware("h100"))
        + f"""
[factors.step]
value = 1.0
low = 0.9
high = 1.1
provenance = "measured"
source = "mine"
within = {{ context = {text} }}
"""
    )
    path.write_text(lines)
    with pytest.raises(Refused, match="range of context"):
        read_hardware(path)
    path.write_text(lines.replace(f"{{ context = {text} }}", text))
    with pytest.raises(Refused, match="factor step is not complete"):
        read_hardware(path)
