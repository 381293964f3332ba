"""Shapes by name, by numbers, by configuration and by search; refusals name the nearest that would work."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from allometry.costs import Shape, find_shape, preset_names
from allometry.notices import Refused

PRESETS = tomllib.loads(files("allometry.costs").joinpath("presets.toml").read_text())


@pytest.mark.parametrize("name", preset_names())
def test_presets_have_the_published_count(name: str) -> None:
    assert find_shape(name).parameters().total == PRESETS[name]["params"]


@pytest.mark.parametrize("name", preset_names())
def test_the_text_of_a_shape_reads_back(name: str) -> None:
    shape = find_shape(name)
    assert find_shape(shape.as_text()) == shape


def test_numbers_a_name_with_changes_and_a_search() -> None:
    given = find_shape(
        "layers=36 width=4096 heads=32 kv_heads=8 head_size=128 ffn=12288 vocab=151936 tied=no qk_norm=head"
    )
    assert given == find_shape("qwen3-8b context=40960").__class__(**{**given.as_json()})
    assert find_shape("Qwen3-8B loops=2").loops == 2
    assert find_shape("params=7B vocab=32000 tied=false").parameters().total == pytest.approx(7e9, rel=0.02)


def test_a_configuration_file_and_its_folder(tmp_path: Path) -> None:
    config = {
        "model_type": "qwen3_moe", "hidden_size": 2048, "num_hidden_layers": 48, "num_attention_heads": 32,
        "num_key_value_heads": 4, "head_dim": 128, "intermediate_size": 6144, "moe_intermediate_size": 768,
        "num_experts": 128, "num_experts_per_tok": 8, "vocab_size": 151936, "max_position_embeddings": 40960,
        "tie_word_embeddings": False,
    }  # fmt: skip
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    assert find_shape(str(path)) == find_shape(str(tmp_path)) == find_shape("qwen3-30b-a3b")
    path.write_text(json.dumps({**config, "model_type": "mamba"}))
    with pytest.raises(Refused, match="known are llama"):
        find_shape(str(path))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("qwen3-9b", "qwen3-8b"),
        ("layers=2 width=64 heads=4 ffn=256", "vocab="),
        ("layers=-2 width=64 heads=4 ffn=256 vocab=9", "layers=1"),
        ("layers=2 width=64 heads=5 ffn=256 vocab=9", "heads=4"),
        ("layers=2 width=64 heads=6 head_size=8 kv_heads=4 ffn=256 vocab=9", "kv_heads=3"),
        ("layers=2 widht=64 heads=4 ffn=256 vocab=9", "width"),
        ("layers=2.5 width=64 heads=4 ffn=256 vocab=9", "layers=2"),
        ("layers=2 width=64 heads=4 ffn=256 vocab=9 experts=4 active_experts=5", "from 1 to 4"),
        ("layers=2 width=64 heads=4 ffn=250 vocab=9 experts=8 active_experts=2 granularity=4", "ffn=248"),
        ("layers=2 width=64 heads=4 ffn=256 vocab=9 structure=low-rank", "rank"),
        ("layers=2 width=64 heads=4 ffn=256 vocab=9 rope_size=8", "latent"),
        ("layers=2 width=64 heads=4 kv_heads=2 ffn=256 vocab=9 latent=8", "kv_heads=4"),
        ("params=7e9", "vocab="),
        ("qwen3-8b tied=maybe", "tied=true"),
        ("qwen3-8b layers", "name=value"),
        ("", "empty"),
        ("nowhere/config.json", "cannot read"),
    ],
)
def test_refusals_name_the_nearest_that_works(text: str, says: str) -> None:
    with pytest.raises(Refused, match=says.replace(".", r"\.")):
        find_shape(text)


def test_experts_count_by_activity() -> None:
    parts = find_shape("mixtral-8x7b").parameters()
    assert parts.active == 12_879_925_248  # 12.9 billion: Jiang et al. 2024, arXiv 2401.04088
    assert parts.total - parts.active == parts.idle_experts == 6 * 32 * 3 * 4096 * 14336


def test_one_of_everything_is_the_plain_shape() -> None:
    plain = Shape(layers=2, width=64, heads=4, head_size=16, ffn=256, vocab=512)
    assert plain.parameters() == Shape(**{**plain.as_json(), "loops": 1, "streams": 1}).parameters()  # type: ignore[arg-type]
