"""Serve a GGUF by llama.cpp on a free port, say where, and go on until the standard input ends.

python tests/servers/start_llama.py model.gguf
"""

from __future__ import annotations

import os
import socket
import sys

import xllamacpp

SLOTS, POSITIONS = 4, 512


def main() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = xllamacpp.CommonParams()
    settings.model.path, settings.port = sys.argv[1], port
    settings.n_parallel, settings.n_ctx = SLOTS, SLOTS * POSITIONS
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    # exactly the numbers of the model, and not half of their digits
    settings.cache_type_k = settings.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    settings.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    settings.warmup, settings.verbosity = False, 0
    server = xllamacpp.Server(settings)
    sys.stdout.write(f"{server.listening_address}/v1\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # the threads of the server do not end by themselves


if __name__ == "__main__":
    main()
