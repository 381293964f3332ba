"""Write a character model as GGUF, which llama.cpp and what is built on it serve.

    python tests/servers/write_gguf.py model.npz model.gguf

Queries and keys are reordered, for llama.cpp turns neighbouring numbers where the model turns two halves. Weights are
written in single precision: llama.cpp would otherwise round what they are multiplied with.
"""

from __future__ import annotations

import sys
from pathlib import Path

import gguf
import numpy as np

from allometry.inference.engines.embedded import Config, Weights, read_weights
from allometry.inference.engines.embedded.network import EPSILON, ROPE_BASE

END = "<end>"
# Byte-level vocabularies write a newline and a space as these.
SHOWN = {"\n": "\u010a", " ": "\u0120"}
# A tokenizer of this kind without merges is refused; this pair is in no text.
MERGE = "\u0100 \u0101"


def write(path: Path, weights: Weights) -> None:
    """Write the file."""
    writer = gguf.GGUFWriter(path, "llama")
    _add_sizes(writer, weights.config)
    _add_tokens(writer, weights.config)
    for name, tensor in _tensors(weights).items():
        writer.add_tensor(name, np.ascontiguousarray(tensor, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_sizes(writer: gguf.GGUFWriter, config: Config) -> None:
    writer.add_context_length(config.context)
    writer.add_embedding_length(config.width)
    writer.add_block_count(config.layers)
    writer.add_feed_forward_length(config.ffn)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.heads)
    writer.add_key_length(config.head_size)
    writer.add_value_length(config.head_size)
    writer.add_rope_dimension_count(config.head_size)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_vocab_size(len(config.vocabulary) + 1)


def _add_tokens(writer: gguf.GGUFWriter, config: Config) -> None:
    tokens = [END, *(SHOWN.get(character, character) for character in config.vocabulary)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL, *[gguf.TokenType.NORMAL] * len(config.vocabulary)])
    writer.add_token_merges([MERGE])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(False)


def _tensors(weights: Weights) -> dict[str, np.ndarray]:
    arrays, config = weights.arrays, weights.config
    found = {"token_embd.weight": arrays["embedding.weight"], "output_norm.weight": arrays["norm.weight"]}
    for i in range(config.layers):
        ours, theirs = f"blocks.{i}.", f"blk.{i}."
        query, key, value = np.split(arrays[ours + "attention.qkv.weight"], 3)
        gate, up = np.split(arrays[ours + "feed_forward.up.weight"], 2)
        found |= {
            theirs + "attn_norm.weight": arrays[ours + "norm_attention.weight"],
            theirs + "attn_q.weight": _interleaved(query, config),
            theirs + "attn_k.weight": _interleaved(key, config),
            theirs + "attn_v.weight": value,
            theirs + "attn_output.weight": arrays[ours + "attention.out.weight"],
            theirs + "ffn_norm.weight": arrays[ours + "norm_feed_forward.weight"],
            theirs + "ffn_gate.weight": gate,
            theirs + "ffn_up.weight": up,
            theirs + "ffn_down.weight": arrays[ours + "feed_forward.out.weight"],
        }
    return found


def _interleaved(weight: np.ndarray, config: Config) -> np.ndarray:
    """Rows (heads, halves, half a head) as (heads, half a head, halves)."""
    rows = weight.reshape(config.heads, 2, config.head_size // 2, -1)
    return rows.swapaxes(1, 2).reshape(weight.shape)


if __name__ == "__main__":
    write(Path(sys.argv[2]), read_weights(sys.argv[1]))
