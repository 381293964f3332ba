"""Exact counts against models whose counts are published."""

from __future__ import annotations

import pytest

from allometry.costs import Shape

LLAMA_7B = Shape(layers=32, width=4096, heads=32, head_size=128, ffn=11008, vocab=32000, tied=False)
QWEN3_8B = Shape(
    layers=36, width=4096, heads=32, kv_heads=8, head_size=128, ffn=12288, vocab=151936, tied=False
)  # fmt: skip


def test_llama_7b_has_its_published_count() -> None:
    assert LLAMA_7B.parameters().total == 6_738_415_616


def test_grouped_keys_and_values_count_once_for_each_group() -> None:
    # 8.19 billion in the model card; ours leaves out its two norms of 128 in each layer
    assert QWEN3_8B.parameters().total + 36 * 2 * 128 == 8_190_735_360


def test_non_embedding_leaves_out_embedding_and_head() -> None:
    parts = LLAMA_7B.parameters()
    assert parts.total - parts.non_embedding == 2 * 32000 * 4096


@pytest.mark.parametrize(("field", "value"), [("layers", 0), ("width", -1), ("ffn", 1.5)])
def test_counts_must_be_whole_and_positive(field: str, value: float) -> None:
    good = {"layers": 1, "width": 32, "heads": 2, "head_size": 16, "ffn": 64, "vocab": 256}
    with pytest.raises(ValueError, match=field):
        Shape(**{**good, field: value})  # type: ignore[arg-type]
