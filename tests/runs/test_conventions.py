"""Counting conventions: stated, shown by the numbers, mixed and refused, converted."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.notices import Refused
from allometry.runs import read_runs

PARAMS, TOKENS, LOSS = [1e8, 2e8, 4e8], [1e9, 2e9, 3e9], [3.5, 3.2, 3.0]
REST = [5e7, 1.5e8, 3.5e8]
TABLE: dict[str, Any] = {"params": PARAMS, "tokens": TOKENS, "loss": LOSS}


def _flops(params: list[float], factor: float = 6.0) -> list[float]:
    return [factor * n * d for n, d in zip(params, TOKENS, strict=True)]


def test_what_the_numbers_say_of_flops() -> None:
    both = {**TABLE, "non_embedding_params": REST}
    given = {
        "6ND on params": {**both, "flops": _flops(PARAMS, 6.05)},
        "6ND on non_embedding_params": {**both, "flops": _flops(REST)},
        "given, differs from 6ND on params by x1.20 (median)": {**both, "flops": _flops(PARAMS, 7.2)},
        "mixed: 6ND on params, 6ND on non_embedding_params": {**both, "flops": _flops([PARAMS[0], *REST[1:]])},
        "not stated": {"flops": _flops(PARAMS), "loss": LOSS},
    }
    for said, table in given.items():
        assert read_runs(table).conventions["flops"] == said


def test_params_beside_params_without_embeddings_are_total() -> None:
    assert read_runs({**TABLE, "non_embedding_params": REST}).conventions["params"] == "total"
    assert read_runs(TABLE).conventions["params"] == "not stated"


def test_stated_conventions_travel_to_the_rows() -> None:
    stated = {"params": "non-embedding", "flops": "6ND total", "loss_unit": "nats per token"}
    runs = read_runs({**TABLE, "flops": _flops(PARAMS, 7.2)}, conventions=stated)
    rows = runs.rows_for(["params", "tokens"], "loss")
    assert stated.items() <= rows.conventions.items()
    assert rows.conventions["flops_checked"].startswith("given, differs")
    assert [notice.code for notice in runs.notices] == ["flops-convention"]


def test_a_column_may_state_a_convention() -> None:
    runs = read_runs({**TABLE, "loss_unit": ["bits per byte"] * 3, "params_convention": ["active"] * 3})
    assert (runs.conventions["loss_unit"], runs.conventions["params"]) == ("bits per byte", "active")


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        ({"size": "total"}, "unknown-convention"),
        ({"loss_unit": "nats"}, "unknown-loss-unit"),
        ({"tokenizer": "gpt2"}, "convention-conflict"),
    ],
)
def test_conventions_that_are_refused(stated: dict[str, str], code: str) -> None:
    with pytest.raises(Refused) as refused:
        read_runs({**TABLE, "tokenizer": ["llama"] * 3}, conventions=stated)
    assert refused.value.code == code


MIXED = {
    "loss_unit": (["nats per token", "bits per byte", "nats per token"], ["params"], "bytes_per_token"),
    "tokenizer": (["llama", "gpt2", "gpt2"], ["params"], "bits per byte"),
    "evaluation": (["c4", "pile", "c4"], ["params"], "apart"),
    "params_convention": (["total", "non-embedding", "total"], ["params"], "one way"),
    "flops_convention": (["6ND", "with attention", "6ND"], ["flops"], "one way"),
}


@pytest.mark.parametrize("column", MIXED)
def test_mixed_conventions_are_shown_and_refused_with_the_mend(column: str) -> None:
    values, axes, mend = MIXED[column]
    runs = read_runs({**TABLE, column: values})
    assert "mixed-convention" in [notice.code for notice in runs.notices]
    with pytest.raises(Refused, match=mend) as refused:
        runs.rows_for(axes, "loss")
    assert refused.value.code.startswith("mixed-")
    kept = runs.where(f'{column} == "{values[0]}"')
    assert len(kept.where("params > 0").row_numbers) in (1, 2)


def test_a_convention_stated_for_some_rows_only_is_mixed() -> None:
    runs = read_runs({**TABLE, "tokenizer": ["llama", None, "llama"]})
    assert runs.conventions["tokenizer"] == "mixed: llama, not stated"
    assert read_runs({**TABLE, "tokenizer": ["llama", None, "llama"]}, conventions={"tokenizer": "llama"})


def test_mixed_flops_matter_only_where_they_are_fitted() -> None:
    runs = read_runs({**TABLE, "non_embedding_params": REST, "flops": _flops([PARAMS[0], *REST[1:]])})
    assert len(runs.rows_for(["params"], "loss")) == 3
    with pytest.raises(Refused):
        runs.rows_for(["flops"], "loss")


def test_units_and_tokenizers_are_mended_by_bits_per_byte() -> None:
    table = {
        "params": PARAMS, "tokens": TOKENS, "loss": [3.2, math.exp(3.2), 0.8],
        "loss_unit": ["nats per token", "perplexity", "bits per byte"],
        "tokenizer": ["a", "a", "b"], "bytes_per_token": [4.0, 4.0, 5.0],
    }  # fmt: skip
    runs = read_runs(table).with_loss_unit("bits per byte")
    expected = 3.2 / 4 / math.log(2)
    rows = runs.rows_for(["params", "bytes"], "loss")
    assert rows.target.tolist() == pytest.approx([expected, expected, 0.8], rel=1e-14)
    assert rows.conventions["loss_unit"] == "bits per byte"
    with pytest.raises(Refused, match="bytes"):
        runs.rows_for(["params", "tokens"], "loss")


@given(st.lists(st.floats(0.1, 10), min_size=2, max_size=5), st.floats(1, 8))
def test_converting_there_and_back(losses: list[float], size: float) -> None:
    runs = read_runs({"loss": losses}, conventions={"loss_unit": "nats per token"})
    back = runs.with_loss_unit("bits per byte", size).with_loss_unit("nats per token", size)
    assert back.columns["loss"].tolist() == pytest.approx(losses, rel=1e-12)


def test_conversions_that_are_refused() -> None:
    with pytest.raises(Refused, match="not stated"):
        read_runs(TABLE).with_loss_unit("bits per byte", 4.0)
    with pytest.raises(Refused, match="without the bytes of a token"):
        read_runs(TABLE, conventions={"loss_unit": "nats per token"}).with_loss_unit("bits per byte")
    with pytest.raises(Refused, match="no column `loss`"):
        read_runs({"params": PARAMS, "error": LOSS}).with_loss_unit("bits per byte")
