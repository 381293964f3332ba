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
    "deepseek-v3": "DeepseekV3",
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
    if kind == "DeepseekV3":
        fields |= {
            "q_lora_rank": shape.query_latent, "kv_lora_rank": shape.latent, "qk_rope_head_dim": shape.rope_size,
            "qk_nope_head_dim": shape.head_size, "v_head_dim": shape.values, "first_k_dense_replace": shape.dense_layers,
            "moe_intermediate_size": shape.expert_ffn, "n_routed_experts": shape.experts, "n_group": 1, "topk_group": 1,
            "num_experts_per_tok": shape.active_experts, "n_shared_experts": shape.shared_experts,
        }  # fmt: skip
        del fields["head_dim"]
    if kind == "GPTNeoX":
        fields = {k: v for k, v in fields.items() if k not in ("num_key_value_heads", "head_dim")}
    return getattr(transformers, f"{kind}Config")(**fields)


def build(shape: Shape, kind: str, device: str) -> torch.nn.Module:
    with torch.device(device):
        config = configuration(shape, kind)
        if shape.experts:
            config._experts_implementation = "eager"  # torch's counter does not know aten._grouped_mm
        attention = "eager" if kind == "Gemma2" else "sdpa"
        return transformers.AutoModelForCausalLM.from_config(config, attn_implementation=attention).eval()


def counted(model: torch.nn.Module) -> int:
    """Parameters, and what published weights hold besides: the biases that choose experts are buffers in torch."""
    biases = (buffer.numel() for name, buffer in model.named_buffers() if "correction_bias" in name)
    return sum(p.numel() for p in model.parameters()) + sum(biases)


@pytest.mark.parametrize("name", preset_names())
def test_parameters_equal_torchs(name: str) -> None:
    shape = find_shape(name)
    model = build(shape, family(name), "meta")
    assert shape.parameters().total == counted(model)
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
    "DeepseekV3": "layers=3 width=64 heads=4 head_size=16 ffn=96 vocab=300 latent=32 query_latent=24 rope_size=8 "
    "experts=8 active_experts=2 shared_experts=1 granularity=3 dense_layers=1 other=16 tied=false",
    "Olmoe": "layers=2 width=64 heads=4 ffn=48 vocab=300 experts=8 active_experts=3 tied=false qk_norm=full",
}


@pytest.mark.parametrize("kind", SMALL)
def test_flops_equal_torchs_counter(kind: str) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    shape, tokens = find_shape(SMALL[kind]), 48
    model = build(shape, kind, "cpu")
    assert shape.parameters().total == counted(model)
    ids = torch.randint(0, shape.vocab, (1, tokens))
    math = torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)
    with torch.no_grad(), math, FlopCounterMode(display=False) as counter:
        model(ids, use_cache=False)
    # the math back end multiplies the whole square of scores, which a causal pass needs half of
    assert counter.get_total_flops() == pytest.approx(forward_flops(shape, tokens, causal=False).total, rel=1e-3)


MORE = {
    "Phi3": {"pad_token_id": None},
    "Gemma3Text": {"head_dim": 32, "sliding_window": 16, "num_hidden_layers": 7},
    "Qwen2Moe": {"moe_intermediate_size": 32, "shared_expert_intermediate_size": 64, "num_experts": 6, "num_experts_per_tok": 2},
    "GptOss": {"head_dim": 32, "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 16},
    "DeepseekV2": {"q_lora_rank": None, "kv_lora_rank": 32, "qk_rope_head_dim": 8, "qk_nope_head_dim": 16, "v_head_dim": 16,
                   "moe_intermediate_size": 32, "n_routed_experts": 4, "n_shared_experts": 2, "num_experts_per_tok": 2,
                   "first_k_dense_replace": 1, "num_key_value_heads": 4},
}  # fmt: skip


@pytest.mark.parametrize("kind", MORE)
def test_further_families_are_read_and_counted(kind: str) -> None:
    fields = {"hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
              "intermediate_size": 96, "vocab_size": 300, "max_position_embeddings": 128}  # fmt: skip
    config = getattr(transformers, f"{kind}Config")(**{**fields, **MORE[kind]})
    shape = shape_of_config({key: value for key, value in config.to_dict().items() if value is not None})
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config)
    assert shape.parameters().total == counted(model)
