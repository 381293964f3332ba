"""Shapes from Hugging Face `config.json` files: one entry for each family of models whose counts are known exactly.

A family that is not listed is refused: a count that is nearly right would look right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from allometry.costs.shapes import Shape
from allometry.notices import Refused

Config: TypeAlias = Mapping[str, Any]
GIVE = "give layers= width= heads= ffn= vocab= and what differs"


def read_config(path: Path | str) -> Shape:
    """The shape of a model by its Hugging Face `config.json` (or the folder that holds one).

    Errors: `Refused` for a file that cannot be read, a family that is not known, and a field that is missing.
    """
    path = Path(path)
    path = path / "config.json" if path.is_dir() else path
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused("no-such-file", f"cannot read the configuration: {error.strerror}", str(path)) from None
    except ValueError as error:
        raise Refused("bad-config", f"the configuration is not JSON: {error}", str(path)) from None
    if not isinstance(config, dict):
        raise Refused("bad-config", "the configuration is not a JSON object", str(path))
    return shape_of_config(config, str(path))


def shape_of_config(config: Config, where: str = "config.json") -> Shape:
    """The shape that a configuration describes, as `json.load` gives it."""
    family = config.get("model_type")
    if not isinstance(family, str) or family not in FAMILIES:
        raise Refused("unknown-family", f"models of type {family!r} are not counted", where,
                      f"known are {', '.join(FAMILIES)}; or {GIVE}")  # fmt: skip
    try:
        name = str(config.get("_name_or_path") or family)
        return Shape(name=name, **FAMILIES[family](config))
    except KeyError as missing:
        raise Refused("missing-field", f"the configuration has no {missing.args[0]}", where) from None
    except (TypeError, ArithmeticError, AttributeError) as error:
        raise Refused("bad-config", f"a field of the configuration is no count: {error}", where) from None


def _decoder(config: Config) -> dict[str, Any]:
    """The fields that decoders with gated feed-forwards and RMS norms have in common."""
    if config.get("attention_bias") or config.get("mlp_bias"):
        raise Refused("unknown-family", "this family is counted without biases, and the file has some", mend=GIVE)
    width, heads = config["hidden_size"], config["num_attention_heads"]
    return {
        "layers": config["num_hidden_layers"],
        "width": width,
        "heads": heads,
        "kv_heads": config.get("num_key_value_heads") or heads,
        "head_size": config.get("head_dim") or width // heads,
        "ffn": config["intermediate_size"],
        "vocab": config["vocab_size"],
        "tied": bool(config.get("tie_word_embeddings", False)),
        "context": config.get("max_position_embeddings"),
    }


def _experts(config: Config) -> dict[str, Any]:
    """Experts and how many a token uses; newer files count them under another name."""
    count = config["num_experts"] if "num_local_experts" not in config else config["num_local_experts"]
    return {"experts": count, "active_experts": config["num_experts_per_tok"]}


def _windowed(config: Config) -> dict[str, Any]:
    window = config.get("sliding_window")
    return {"window": window, "window_layers": config["num_hidden_layers"]} if window else {}


def _mistral(config: Config) -> dict[str, Any]:
    return {**_decoder(config), **_windowed(config)}


def _mixtral(config: Config) -> dict[str, Any]:
    return {**_mistral(config), **_experts(config)}


def _qwen2(config: Config) -> dict[str, Any]:
    window = _windowed(config) if config.get("use_sliding_window") else {}
    return {**_decoder(config), **window, "biases": "qkv"}


def _qwen3(config: Config) -> dict[str, Any]:
    return {**_decoder(config), "qk_norm": "head"}


def _qwen2_moe(config: Config) -> dict[str, Any]:
    """Experts that all tokens use stand side by side in one, with a gate of the model's width."""
    own, shared = config["moe_intermediate_size"], config["shared_expert_intermediate_size"]
    if shared % own or config.get("decoder_sparse_step", 1) != 1 or config.get("mlp_only_layers"):
        raise Refused(
            "unknown-family", "the shared expert is no multiple of the others, or not each layer has any", mend=GIVE
        )
    gates = config["num_hidden_layers"] * config["hidden_size"]
    decoder = {**_decoder(config), "ffn": own, "biases": "qkv" if config.get("qkv_bias", True) else "none"}
    return {**decoder, **_experts(config), "shared_experts": shared // own, "other": gates}


def _qwen3_moe(config: Config) -> dict[str, Any]:
    """Experts have a width of their own; granularity is how often it goes into the dense width."""
    dense, own = config["intermediate_size"], config["moe_intermediate_size"]
    if config.get("decoder_sparse_step", 1) != 1 or config.get("mlp_only_layers"):
        raise Refused("unknown-family", "Qwen3 mixtures with dense layers between are not counted", mend=GIVE)
    pieces = {"ffn": dense, "granularity": dense // own} if dense % own == 0 else {"ffn": own}
    return {**_qwen3(config), **_experts(config), **pieces}


def _olmoe(config: Config) -> dict[str, Any]:
    return {**_decoder(config), **_experts(config), "qk_norm": "full"}


def _olmo2(config: Config) -> dict[str, Any]:
    return {**_decoder(config), "qk_norm": "full"}


def _deepseek(config: Config) -> dict[str, Any]:
    """Latent attention; experts from some layer on, some of them shared, chosen with a bias that is no product's."""
    dense, own, experts = config["intermediate_size"], config["moe_intermediate_size"], config["n_routed_experts"]
    first = config.get("first_k_dense_replace", 0)
    if dense % own or config.get("moe_layer_freq", 1) != 1:
        raise Refused(
            "unknown-family", "the widths of this mixture do not divide, or not each layer has experts", mend=GIVE
        )
    biased = config["model_type"] == "deepseek_v3"
    return {
        **_decoder({**config, "head_dim": config["qk_nope_head_dim"], "num_key_value_heads": None}),
        "latent": config["kv_lora_rank"], "query_latent": config.get("q_lora_rank"),
        "rope_size": config["qk_rope_head_dim"], "value_size": config["v_head_dim"],
        "granularity": dense // own, "experts": experts, "active_experts": config["num_experts_per_tok"],
        "shared_experts": config.get("n_shared_experts") or 0, "dense_layers": first,
        "other": biased * (config["num_hidden_layers"] - first) * experts,
    }  # fmt: skip


def _gemma(config: Config) -> dict[str, Any]:
    return {**_decoder(config), "tied": bool(config.get("tie_word_embeddings", True))}


def _gemma2(config: Config) -> dict[str, Any]:
    window = {"window": config.get("sliding_window") or 4096, "window_layers": (config["num_hidden_layers"] + 1) // 2}
    return {**_gemma(config), **window, "norms_per_layer": 4}


def _gemma3(config: Config) -> dict[str, Any]:
    kinds = config.get("layer_types") or []
    window = {"window": config["sliding_window"], "window_layers": kinds.count("sliding_attention")}
    return {**_gemma(config), **(window if kinds else {}), "norms_per_layer": 4, "qk_norm": "head"}


def _gpt_oss(config: Config) -> dict[str, Any]:
    """Biases everywhere, and besides one for each expert of the router and one sink for each head."""
    layers, experts = config["num_hidden_layers"], config["num_local_experts"]
    kinds = config.get("layer_types") or []
    plain = {key: value for key, value in config.items() if key != "attention_bias"}
    return {
        **_decoder(plain), **_experts(config), "biases": "all", "window": config["sliding_window"],
        "window_layers": kinds.count("sliding_attention"),
        "other": layers * (experts + config["num_attention_heads"]),
    }  # fmt: skip


def _gpt_neox(config: Config) -> dict[str, Any]:
    biased = {key: value for key, value in config.items() if key != "attention_bias"}
    return {**_decoder(biased), "gated": False, "biases": "all", "norm": "layer"}


def _gpt2(config: Config) -> dict[str, Any]:
    width, heads = config["n_embd"], config["n_head"]
    return {
        "layers": config["n_layer"], "width": width, "heads": heads, "head_size": width // heads,
        "ffn": config.get("n_inner") or 4 * width, "vocab": config["vocab_size"], "positions": config["n_positions"],
        "context": config["n_positions"], "gated": False, "biases": "all", "norm": "layer",
        "tied": bool(config.get("tie_word_embeddings", True)),
    }  # fmt: skip


FAMILIES: Mapping[str, Callable[[Config], dict[str, Any]]] = MappingProxyType({
    "llama": _decoder, "mistral": _mistral, "mixtral": _mixtral, "qwen2": _qwen2, "qwen3": _qwen3,
    "qwen3_moe": _qwen3_moe, "olmo2": _olmo2, "olmoe": _olmoe, "qwen2_moe": _qwen2_moe, "phi3": _mistral, "gemma3_text": _gemma3, "gpt_oss": _gpt_oss, "deepseek_v2": _deepseek, "deepseek_v3": _deepseek, "gemma": _gemma, "gemma2": _gemma2,
    "gpt_neox": _gpt_neox, "gpt2": _gpt2,
})  # fmt: skip
