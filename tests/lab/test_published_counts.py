"""Parameters of published configurations and FLOPs of small ones, against the models that `transformers` builds."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")
transformers = pytest.importorskip("transformers", reason="transformers, the oracle, is not installed")

from allometry.costs import Shape, find_shape, forward_flops, preset_names, shape_of_config  # noqa: E402

pytestmark = pytest.mark.lab

# the configuration class of each preset, and what its shape does not say: fields that change no matrix
FAMILIES = {
    "gpt2": "GPT2", "pythia": "GPTNeoX", "smollm2": "Llama", "llama": "Llama", "mistral": "Mistral",
    "mixtral": "Mixtral", "qwen2.5": "Qwen2", "qwen3": "Qwen3", "olmoe": "Olmoe", "gemma-2-": "Gemma2", "gemma": "Gemma",
}  # fmt: skip


def family(name: str) -> str:
    found = next(FAMILIES[prefix] for prefix in sorted(FAMILIES, key=len, reverse=True) if name.startswith(prefix))
    return "Qwen3Moe" if found == "Qwen3" and "-a" in name else found


def configuration(shape: Shape, kind: str) -> transformers.PretrainedConfig:
    """A `transformers` configuration of this shape, written independently of our reader of such files."""
    if kind == "GPT2":
        return transformers.GPT2Config(n_embd=shape.width, n_layer=shape.layers, n_head=shape.heads, n_positions=shape.positions,
                                       vocab_size=shape.vocab, n_inner=shape.ffn, tie_word_embeddings=shape.tied)  # fmt: skip
    fields = {
        "hidden_size": shape.width, "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.key_value_heads, "head_dim": shape.head_size, "intermediate_size": shape.ffn,
        "vocab_size": shape.vocab, "tie_word_embeddings": shape.tied, "max_position_embeddings": shape.context or 64,
        "pad_token_id": None, "bos_token_id": 0, "eos_token_id": 0,
    }  # fmt: skip
    if kind == "Mixtral":
        fields |= {"num_local_experts": shape.experts, "num_experts_per_tok": shape.active_experts}
    if kind in ("Qwen3Moe", "Olmoe"):
        fields |= {"num_experts": shape.experts, "num_experts_per_tok": shape.active_experts}
    if kind == "Qwen3Moe":
        fields |= {"moe_intermediate_size": shape.expert_ffn, "decoder_sparse_step": 1, "mlp_only_layers": []}
    if kind == "GPTNeoX":
        fields = {k: v for k, v in fields.items() if k not in ("num_key_value_heads", "head_dim")}
    return getattr(transformers, f"{kind}Config")(**fields)


def build(shape: Shape, kind: str, device: str) -> torch.nn.Module:
    with torch.device(device):
        config = configuration(shape, kind)
        if kind in ("Mixtral", "Qwen3Moe", "Olmoe"):
            config._experts_implementation = "eager"  # torch's counter does not know aten._grouped_mm
        attention = "eager" if kind == "Gemma2" else "sdpa"
        return transformers.AutoModelForCausalLM.from_config(config, attn_implementation=attention).eval()


@pytest.mark.parametrize("name", preset_names())
def test_parameters_equal_torchs(name: str) -> None:
    shape = find_shape(name)
    model = build(shape, family(name), "meta")
    assert shape.parameters().total == sum(p.numel() for p in model.parameters())
    embedding = model.get_input_embeddings().weight.numel()
    assert shape.parameters().embedding == embedding


@pytest.mark.parametrize("name", preset_names())
def test_a_configuration_file_gives_the_same_shape(name: str) -> None:
    shape, config = find_shape(name), configuration(find_shape(name), family(name)).to_dict()
    read = shape_of_config({key: value for key, value in config.items() if value is not None})
    assert read.parameters().total == shape.parameters().total
    assert (read.heads, read.key_value_heads, read.head_size) == (shape.heads, shape.key_value_heads, shape.head_size)


SMALL = {
    "Llama": "layers=3 width=64 heads=4 kv_heads=2 ffn=176 vocab=300 tied=false",
    "GPT2": "layers=2 width=64 heads=4 ffn=256 vocab=300 positions=64 gated=false biases=all norm=layer",
    "GPTNeoX": "layers=2 width=64 heads=4 ffn=256 vocab=300 gated=false biases=all norm=layer tied=false",
    "Qwen2": "layers=2 width=64 heads=4 kv_heads=1 ffn=176 vocab=300 biases=qkv",
    "Qwen3": "layers=2 width=64 heads=4 kv_heads=2 head_size=32 ffn=176 vocab=300 qk_norm=head",
    "Mixtral": "layers=2 width=64 heads=4 kv_heads=2 ffn=96 vocab=300 experts=4 active_experts=2 tied=false",
    "Qwen3Moe": "layers=2 width=64 heads=4 kv_heads=2 ffn=96 vocab=300 experts=8 active_experts=2 granularity=3 qk_norm=head",
    "Olmoe": "layers=2 width=64 heads=4 ffn=48 vocab=300 experts=8 active_experts=3 tied=false qk_norm=full",
}


@pytest.mark.parametrize("kind", SMALL)
def test_flops_equal_torchs_counter(kind: str) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    shape, tokens = find_shape(SMALL[kind]), 48
    model = build(shape, kind, "cpu")
    assert shape.parameters().total == sum(p.numel() for p in model.parameters())
    ids = torch.randint(0, shape.vocab, (1, tokens))
    math = torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)
    with torch.no_grad(), math, FlopCounterMode(display=False) as counter:
        model(ids, use_cache=False)
    # the math back end multiplies the whole square of scores, which a causal pass needs half of
    assert counter.get_total_flops() == pytest.approx(forward_flops(shape, tokens, causal=False).total, rel=1e-3)
