"""Declarations: what is refused, and that the refusal names the file and the key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allometry.laws import Law, law_from_table, read_law
from allometry.notices import Refused

Table = dict[str, Any]


def declared() -> Table:
    """A law with every kind of key."""
    return {
        "name": "mine",
        "formula": "E + A * tokens**-b + c * slack",
        "axes": ["tokens", "slack"],
        "metric": "loss",
        "metric_unit": "bits per byte",
        "space": "identity",
        "axis": {"slack": {"positive": False, "unit": "nats", "latex": r"\sigma"}},
        "parameters": {
            "E": {"low": 0, "high": 4, "start": [1, 2]},
            "A": {"start": [0.1, 10.0], "symbol": "A"},
            "b": {"along": "tokens"},
            "c": {"free": True, "start": [-1, 1]},
        },
        "published": {
            "us": {"values": {"E": 1.0, "A": 2, "b": 0.5, "c": -1}, "source": "a paper", "status": "proposed"},
        },
        "design": {"truth": "us", "noise": 0.1, "grid": {"tokens": [1, 4], "slack": [-1.0, 0.0]}},
    }


def changed(path: str, value: Any) -> Table:
    table = declared()
    *folders, key = path.split(".")
    place = table
    for folder in folders:
        place = place[folder]
    place[key] = value
    return table


def read(table: Table) -> Law:
    return law_from_table(table, "mine.toml")


def test_everything_is_read() -> None:
    law = read(declared())
    assert [parameter.bounds for parameter in law.parameters] == [(0.0, 4.0), (0.0, None), (0.0, None), (None, None)]
    assert law.parameters[0].start == (1.0, 2.0)
    assert (law.space, law.metric_unit, law.axis("slack").unit) == ("identity", "bits per byte", "nats")
    assert law.published["us"].values == {"E": 1.0, "A": 2.0, "b": 0.5, "c": -1.0}
    assert law.design is not None
    np.testing.assert_allclose(law.evaluate(law.design.values, law.design.points()), [4.0, 3.0, 3.0, 2.0])


def test_an_axis_that_need_not_be_positive_enters_as_it_is() -> None:
    law = read(declared())
    assert law.compiled().axes == {"tokens": True, "slack": False}
    with pytest.raises(Refused, match="slack must be a finite number"):
        law.evaluate(law.published["us"].values, {"tokens": 1.0, "slack": np.nan})


@pytest.mark.parametrize(
    ("path", "value", "code", "key"),
    [
        ("formulae", "x", "unknown-key", "formulae"),
        ("parameters.E.lower", 1, "unknown-key", "parameters.E.lower"),
        ("published.us.paper", "x", "unknown-key", "published.us.paper"),
        ("design.sigma", 1, "unknown-key", "design.sigma"),
        ("axis.slack.log", True, "unknown-key", "axis.slack.log"),
        ("formula", "E + A * tokens**-b + c * slack + z", "unknown-name", "formula"),
        ("formula", "E + A * tokens**-b", "unused-name", "axes"),
        ("formula", "A * tokens**-b + c * slack", "unused-name", "parameters.E"),
        ("formula", "E + * A", "bad-text", "formula"),
        ("formula", 3, "bad-declaration", "formula"),
        ("axes", "tokens", "bad-declaration", "axes"),
        ("axes", ["tokens", 3], "bad-declaration", "axes"),
        ("axes", ["tokens", "slack", "E"], "bad-declaration", "axes"),
        ("axis.tokens", {}, "bad-axis", "axis.tokens"),
        ("axis.other", {}, "bad-axis", "axis.other"),
        ("axis.slack.positive", "no", "bad-declaration", "axis.slack.positive"),
        ("parameters", {}, "too-many-parameters", "parameters"),
        ("parameters.E", 3, "bad-declaration", "parameters.E"),
        ("parameters.E.low", float("nan"), "bad-declaration", "parameters.E.low"),
        ("parameters.E.low", True, "bad-declaration", "parameters.E.low"),
        ("parameters.E.low", 4, "bad-bounds", "parameters.E.high"),
        ("parameters.c.low", -1, "bad-bounds", "parameters.c.low"),
        ("parameters.A.start", [0, 1], "bad-start", "parameters.A.start"),
        ("parameters.A.start", [2, 1], "bad-start", "parameters.A.start"),
        ("parameters.A.start", [1], "bad-start", "parameters.A.start"),
        ("parameters.E.start", [1, 5], "bad-start", "parameters.E.start"),
        ("parameters.b.along", "flops", "unknown-axis", "parameters.b.along"),
        ("parameters.b.family", "breaks", "unknown-family", "parameters.b.family"),
        ("published.us.values", {"E": 1.0, "A": 2, "b": 0.5}, "bad-values", "published.us.values"),
        ("published.us.values.z", 1.0, "bad-values", "published.us.values"),
        ("published.us.values.E", 5.0, "bad-values", "published.us.values.E"),
        ("published.us.status", "sure", "bad-declaration", "published.us.status"),
        ("published.us.conventions", {"params": 3}, "bad-declaration", "published.us.conventions.params"),
        ("design.truth", "them", "unknown-key", "design.truth"),
        ("design.grid", {"tokens": [1.0]}, "bad-declaration", "design.grid"),
        ("space", "sqrt", "unknown-space", "space"),
        ("min_runs", 2.5, "bad-declaration", "min_runs"),
        ("families", {"breaks": 0}, "bad-size", "families.breaks"),
    ],
)
def test_what_is_wrong_is_refused_with_file_and_key(path: str, value: Any, code: str, key: str) -> None:
    with pytest.raises(Refused) as refusal:
        read(changed(path, value))
    assert refusal.value.code == code
    assert refusal.value.where.startswith(f"mine.toml, {key}")


@pytest.mark.parametrize("key", ["formula", "axes", "metric", "parameters"])
def test_what_is_missing_is_refused(key: str) -> None:
    table = declared()
    del table[key]
    with pytest.raises(Refused, match=key):
        read(table)


def test_more_than_thirty_parameters_are_refused() -> None:
    names = [f"a{i}" for i in range(31)]
    table = {
        "name": "big",
        "formula": " + ".join(f"{name}*tokens" for name in names),
        "axes": ["tokens"],
        "metric": "loss",
    }
    with pytest.raises(Refused, match="31 parameters"):
        read({**table, "parameters": {name: {} for name in names}})


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda path: None, id="not there"),
        pytest.param(lambda path: path.write_text("formula = "), id="not TOML"),
        pytest.param(lambda path: path.write_bytes(b"title = '\xff'"), id="not text"),
        pytest.param(lambda path: path.mkdir(), id="a folder"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, write: Callable[[Path], object]) -> None:
    path = tmp_path / "bad.toml"
    write(path)
    with pytest.raises(Refused) as refusal:
        read_law(path)
    assert refusal.value.where == str(path)
