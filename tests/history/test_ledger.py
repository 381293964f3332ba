"""The ledger's file: what is written comes back, through kills, copies, other writers and other versions."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from allometry.fits import Fit, published_fit
from allometry.forecasts import forecast
from allometry.history import Ledger, append, ledger_path, maker, read_ledger, say_forecasts, say_plan, share
from allometry.notices import Refused
from allometry.plans import plan

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
POINTS = [{"params": 2e10, "tokens": 1e12}, {"params": 1e8, "tokens": 1e10}]


@pytest.fixture(scope="module")
def said(june: Fit):
    return (*say_forecasts(june, forecast(june, POINTS), NOW, level=0.9), *say_plan(june, plan(june, flops=1e23), NOW))


def test_what_is_written_comes_back(said, tmp_path: Path) -> None:
    path = tmp_path / "fit.json.ledger.jsonl"
    assert append(path, said) == 3
    assert read_ledger(path) == Ledger(said)
    assert [json.loads(line)["ledger"] for line in path.read_text().splitlines()] == [1, 1, 1]
    assert [one.kind for one in said] == ["forecast", "forecast", "plan"]
    assert said[2].asked == {"flops": 1e23}
    assert said[2].chose["params"]["low"] < said[2].at["params"] < said[2].chose["params"]["high"]
    assert said[0].made == "2026-07-01T12:00:00Z"


def test_the_same_said_again_is_one_line(june: Fit, said, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    append(path, said)
    later = datetime(2026, 8, 1, tzinfo=UTC)
    assert append(path, say_forecasts(june, forecast(june, POINTS), later, level=0.9)) == 0
    assert append(path, say_forecasts(june, forecast(june, POINTS[:1], of="new-run"), later, level=0.9)) == 1
    assert append(path, []) == 0
    assert len(read_ledger(path).said) == 4


def test_a_torn_line_loses_itself_only(said, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    append(path, said[:2])
    path.write_bytes(path.read_bytes()[:-300])
    torn = read_ledger(path)
    assert torn.said == said[:1]
    assert [notice.code for notice in torn.notices] == ["ledger-torn"]
    assert append(path, said) == 2
    assert {one.id for one in read_ledger(path).said} == {one.id for one in said}
    assert "line 2 of" in read_ledger(path).notices[0].message


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "7",
        '{"ledger": 1}',
        '{"ledger": 1, "kind": "forecast"}',
        '{"ledger": "x"}',
        "\x00\xff",
        '{"ledger": 1, "kind": "check", "of": 3}',
    ],
)
def test_lines_that_are_no_entry_are_passed_over(said, tmp_path: Path, line: str) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text(line + "\n\n")
    append(path, said[:1])
    found = read_ledger(path)
    assert found.said == said[:1]
    assert len(found.notices) == 1


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("value", "2.0"),
        ("value", float("nan")),
        ("at", {"params": None}),
        ("at", []),
        ("near", [3]),
        ("slopes", {"params": True}),
        ("made", 3),
        ("run", {"low": 1.0, "high": 2.0, "quantiles": [1.0], "why": ""}),
        ("fit", None),
        ("kind", "dream"),
        ("other", 1),
    ],
)
def test_a_line_with_a_part_of_another_kind_is_passed_over(said, tmp_path: Path, part: str, value: object) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text(json.dumps({**said[0].as_line(), part: value}) + "\n")
    assert read_ledger(path).said == ()
    assert read_ledger(path).notices


def test_a_newer_line_is_refused_and_nothing_is_added(said, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"ledger": 2, "kind": "dream"}\n')
    for act in (lambda: read_ledger(path), lambda: append(path, said)):
        with pytest.raises(Refused, match="line 1"):
            act()
    assert path.read_text() == '{"ledger": 2, "kind": "dream"}\n'


def test_no_file_is_an_empty_ledger(tmp_path: Path) -> None:
    assert read_ledger(tmp_path / "none") == Ledger()
    assert ledger_path(tmp_path / "fit.json") == tmp_path / "fit.json.ledger.jsonl"


def test_writers_at_once_lose_nothing(said, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"

    def write(writer: int) -> None:
        for i in range(10):
            append(path, [replace(said[0], at={"params": 1e9 + i, "tokens": float(writer // 2)})])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    found = read_ledger(path)
    assert not found.notices
    assert len(found.said) == 40  # every two writers say the same
    assert len(path.read_text().splitlines()) == 40


def test_two_ledgers_are_joined_by_their_lines(said, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    append(one, said[:2])
    append(other, said[1:])
    one.write_text(one.read_text() + other.read_text())
    assert read_ledger(one).said == said


def test_copies_of_a_fit_have_its_mark(june: Fit, july: Fit) -> None:
    mark = maker(june)
    assert maker(share(june, anonymous=True).fit) == mark
    assert maker(share(june, with_rows=False).fit) == replace(mark, some=())
    assert maker(july).id != mark.id
    assert set(maker(july).some) != set(mark.some)


def test_the_interval_for_one_run_is_that_of_a_new_run_forecast(june: Fit, said) -> None:
    for one, told in zip(said[:2], forecast(june, POINTS, of="new-run"), strict=True):
        assert (one.run.low, one.run.high) == (told.result.low, told.result.high)


def test_slopes_are_those_of_the_law(june: Fit, said) -> None:
    value = june.values
    reducible = value["alpha"] * value["A"] / 2e10 ** value["alpha"]
    assert said[0].slopes["params"] == pytest.approx(-reducible / said[0].value, rel=1e-6)


def test_published_constants_have_no_spread() -> None:
    found = published_fit("chinchilla@hoffmann")
    one = say_forecasts(found, forecast(found, POINTS), NOW, level=0.9)[0]
    assert (one.run.low, one.run.quantiles) == (None, ())
    assert one.run.why


def test_without_rows_no_measurement_is_handed_on(june: Fit, said) -> None:
    assert said[1].near == ()
    beside = say_forecasts(
        june, forecast(june, [{name: float(c[3]) for name, c in june.rows.axes.items()}]), NOW, level=0.9
    )
    assert beside[0].near
    left = share(june, Ledger((*said, *beside)), with_rows=False).ledger
    assert [one.id for one in left.said] == [one.id for one in said if not one.near]
    assert not any(one.fit.some for one in left.said)
