"""What vLLM 0.6.0 gave with Llama-3.1-70B on H100 (80 GB), as the authors of APEX measured it.

Source: github.com/microsoft/apex_plus at 8769096 (MIT), `vllm/results/llama_*_validation_*.txt`: mean time to first
token, mean time per output token, and the totals of prompt and generated tokens of each run; rates and deviations of
the lengths are those of `traces/llama/*.jsonl` (the rates of summarisation on 4 and 8 devices are those of its quarter,
times 2 and 4). The engine cut prompts to 512 tokens an iteration, its default in that version for models of a long
context, and used 97% of the memory (`vllm/*.sh`).
"""

from __future__ import annotations

from typing import NamedTuple


class Run(NamedTuple):
    """One run: means of tokens a request with the deviations of the trace's, and mean milliseconds."""

    load: str
    tensor: int
    requests: int
    rate: float
    prompt: float
    prompt_deviation: float
    generated: float
    generated_deviation: float
    ttft: float
    tpot: float


RUNS = (
    Run("creation", 8, 512, 0.4657, 307.7, 92.5, 1135.7, 440.1, 48.3, 17.72),
    Run("creation", 4, 402, 0.2488, 326.6, 57.4, 693.5, 134.8, 55.9, 21.52),
    Run("creation", 2, 201, 0.1242, 333.5, 60.4, 719.4, 138.8, 79.8, 33.48),
    Run("creation", 8, 512, 0.2454, 307.7, 92.5, 1136.0, 440.1, 45.9, 15.61),
    Run("creation", 4, 402, 0.1300, 326.6, 57.4, 695.7, 134.8, 53.9, 20.80),
    Run("creation", 2, 201, 0.0650, 333.5, 60.4, 722.3, 138.8, 77.9, 32.45),
    Run("chat", 8, 1024, 0.5056, 74.3, 118.7, 79.4, 145.9, 38.0, 14.14),
    Run("chat", 4, 512, 0.2526, 74.6, 117.2, 67.7, 143.5, 41.0, 19.91),
    Run("chat", 2, 256, 0.1262, 71.7, 114.3, 67.7, 149.5, 49.4, 31.58),
    Run("chat", 8, 1024, 0.2437, 74.3, 118.7, 75.3, 145.9, 36.6, 13.83),
    Run("chat", 4, 512, 0.1254, 74.6, 117.2, 64.9, 143.5, 35.5, 20.11),
    Run("chat", 2, 256, 0.0626, 71.7, 114.3, 81.3, 149.5, 48.4, 32.08),
    Run("summarisation", 8, 1302, 0.4792, 2753.1, 968.3, 131.9, 71.9, 243.7, 15.92),
    Run("summarisation", 4, 651, 0.2396, 2773.2, 968.3, 128.4, 71.9, 280.8, 20.86),
    Run("summarisation", 2, 326, 0.1198, 2727.0, 968.3, 138.9, 71.9, 370.1, 32.92),
    Run("summarisation", 8, 1302, 0.2508, 2753.1, 968.3, 130.7, 71.9, 231.4, 14.79),
    Run("summarisation", 4, 651, 0.1254, 2773.2, 968.3, 131.6, 71.9, 275.7, 20.49),
    Run("summarisation", 2, 326, 0.0627, 2727.0, 968.3, 139.4, 71.9, 367.0, 31.96),
)
