"""The vocabulary, and the loss conversions against arithmetic done by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.axes import AXES, LOSS_UNITS, axis, convert_loss, likely_columns, nearest_names
from allometry.notices import Refused

UNITS = st.sampled_from(sorted(LOSS_UNITS))


def test_every_name_is_an_identifier_under_its_own_key() -> None:
    assert all(name == entry.name and name.isidentifier() for name, entry in AXES.items())
    assert all(entry.meaning and entry.symbol and entry.latex for entry in AXES.values())


def test_symbols_of_axes_differ() -> None:
    symbols = [entry.symbol for entry in AXES.values() if entry.kind == "axis"]
    assert len(symbols) == len(set(symbols))


def test_an_unknown_axis_is_refused_with_three_names() -> None:
    with pytest.raises(Refused, match=r"`parms`.*`params`") as refused:
        axis("parms")
    assert refused.value.code == "unknown-axis"
    assert refused.value.mend.count("`") == 6


@given(value=st.floats(0.05, 20), source=UNITS, target=UNITS, size=st.floats(0.5, 12))
def test_conversions_invert_each_other(value: float, source: str, target: str, size: float) -> None:
    there = convert_loss(value, source, target, size)
    assert convert_loss(there, target, source, size) == pytest.approx(value, rel=1e-12)


@given(nats=st.floats(0.1, 12), size=st.floats(0.5, 12))
def test_conversions_are_the_textbook_ones(nats: float, size: float) -> None:
    assert convert_loss(nats, "nats per token", "perplexity") == math.exp(nats)
    assert convert_loss(nats, "nats per token", "bits per token") == nats / math.log(2)
    expected = nats / size / math.log(2)
    assert convert_loss(nats, "nats per token", "bits per byte", size) == pytest.approx(expected, rel=1e-15)


def test_a_unit_to_itself_changes_no_bit() -> None:
    assert convert_loss(0.1 + 0.2, "bits per byte", "bits per byte") == 0.1 + 0.2


@pytest.mark.parametrize("size", [None, 0.0, -1.0, math.nan, math.inf])
def test_bytes_per_token_is_never_assumed(size: float | None) -> None:
    with pytest.raises(Refused) as refused:
        convert_loss(2.0, "nats per token", "bits per byte", size)
    assert refused.value.code == "bytes-per-token-needed"


def test_what_is_no_unit_or_no_perplexity_is_refused() -> None:
    with pytest.raises(Refused, match='"nats" is not a unit'):
        convert_loss(2.0, "nats", "bits per byte", 4.0)
    with pytest.raises(Refused, match="does not exist"):
        convert_loss(-1.0, "perplexity", "nats per token")


@pytest.mark.parametrize(
    ("axis_name", "column"),
    [
        ("params", "N"), ("params", "n_params"), ("tokens", "D"), ("tokens", "train_tokens"), ("flops", "C"),
        ("learning_rate", "lr"), ("loss", "loss_c4_val"), ("loss", "val_loss"), ("steps", "total_steps"),
        ("run_id", "run"), ("non_embedding_params", "params_non_embedding"),
    ],
)  # fmt: skip
def test_the_likely_column_is_named(axis_name: str, column: str) -> None:
    assert likely_columns(axis_name, ["date", column, "color_hex"])[0] == column


def test_nothing_is_likely_where_nothing_is() -> None:
    assert likely_columns("params", ["date", "color_hex"]) == ()
    assert likely_columns("loss", ["z_loss", "loss_c4_val"])[0] == "loss_c4_val"
    assert nearest_names("loss", []) == ()
