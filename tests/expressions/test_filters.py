"""Filters on columns of numbers and text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from allometry.expressions import parse_filter
from allometry.notices import Refused

COLUMNS: dict[str, Any] = {
    "params": np.array([1e8, 3e8, 7e9, 7e10]),
    "steps": np.array([1, 2, 3, 2000]),
    "loss": np.array([3.5, np.nan, 2.5, 2.0]),
    "optimizer": np.array(["adam", "muon", "adam", "sgd"]),
    "note": np.array(["ok", None, "bad", None], dtype=object),
    "lr peak": np.array([1e-3, 2e-3, 3e-4, 1e-4], dtype=object),
    "train/é`s".replace("`", ""): [1, 2, 3, 4],
    "_step": [1, 2, 3, 4],
    "blank": np.array([None] * 4, dtype=object),
    "diverged": np.array([False, True, False, False]),
}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("params >= 300M", "0111"),
        ("1e8 < params <= 7B", "0110"),
        ("params == 0.1B or params == 70B", "1001"),
        ("steps >= 2k", "0001"),
        ("params < 1T", "1111"),
        ("loss < 3", "0011"),
        ("not loss < 3", "1100"),
        ("loss != loss", "0100"),
        ('optimizer == "adam"', "1010"),
        ("'adam' != optimizer", "0101"),
        ("optimizer == 'adam' and loss > 3 or steps == 2", "1100"),
        ("optimizer == 'adam' and (loss > 3 or steps == 2)", "1000"),
        ("'b' < optimizer < 'n'", "0100"),
        ("optimizer == note", "0000"),
        ("note != 'ok'", "0111"),
        ("note >= 'a'", "1010"),
        ("`lr peak` > 5e-4", "1100"),
        ("`train/és`*2 == 6", "0010"),
        ("_step\n  > 2", "0011"),
        ("diverged == 0", "1011"),
        ("20*params > 1e10 and log10(params) < 10.5", "0010"),
        ("steps**2 - 1 == 3", "0100"),
        ("where(loss < 3, 1, 2) == 1  # a note", "0011"),
        ("blank == 'a' or blank < 3", "0000"),
        ("blank != 'a' and blank != 3", "1111"),
        ("1 < 2", "1111"),
    ],
)
def test_rows_kept(text: str, kept: str) -> None:
    rows = parse_filter(text).apply(COLUMNS)
    assert rows.dtype == bool
    assert "".join(str(int(row)) for row in rows) == kept


def test_names_in_order_of_appearance() -> None:
    assert parse_filter("`lr peak` < 1 and params < loss and `lr peak` > 0").names == ("lr peak", "params", "loss")


def test_an_unknown_column_is_refused_with_the_nearest() -> None:
    with pytest.raises(Refused) as caught:
        parse_filter("parms > 7B").apply(COLUMNS)
    assert caught.value.code == "unknown-column"
    assert "no column `parms`" in caught.value.message
    assert caught.value.mend.startswith("the nearest are `params`, ")
    assert caught.value.mend.count("`") == 6


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("optimizer > 3", "`optimizer` holds text"),
        ("loss < 3 and 1 + optimizer > 3", "`optimizer` holds text"),
        ("optimizer == steps", "`optimizer` holds text"),
        ("log(optimizer) == 'a'", "`optimizer` holds text"),
        ("params == '7B'", '`params` holds numbers and is compared with the text "7B"'),
        ("params + 1 == '7B'", "`params` holds numbers"),
        ("'a' < 3", 'the text "a" stands where a number is needed'),
    ],
)
def test_text_and_numbers_do_not_mix(text: str, sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_filter(text).apply(COLUMNS)
    assert caught.value.code == "text-and-number"
    assert sentence in caught.value.message


def test_a_table_without_rows() -> None:
    assert parse_filter("loss < 3").apply({"loss": np.array([])}).shape == (0,)
    assert parse_filter("a == 'b'").apply({"a": np.array([], dtype=object)}).shape == (0,)
