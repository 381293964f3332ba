"""The columns of a record, the same in live segments (JSON lines) and in the compacted file (Parquet).

Kinds of lines: `sample` is one answer that an engine gave, `effect` what a tool returned, `prompt` what was asked
(once for each hash), `sent` a live call that was begun, `failure` one that may have been paid for and gave nothing,
`episode` the outcome of one strategy on one problem at one budget, `probe` what an engine was found able to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from allometry.notices import Refused

FORMAT, VERSION = "allometry-records", 1
HEADER: Mapping[str, Any] = MappingProxyType({"format": FORMAT, "version": VERSION})

COLUMNS: Mapping[str, type] = MappingProxyType({
    "kind": str, "key": str, "group": str, "episode": str,
    # where in which call tree
    "problem": str, "strategy": str, "engine": str, "seed": int, "path": str, "sample": int, "turn": int,
    # what was asked: the hash of a `prompt` line, and the parameters as JSON
    "prompt": str, "parameters": str,
    # what came: texts (tool calls, tokens and the server's own usage as JSON), log-probabilities as JSON
    "content": str, "reasoning": str, "tool_calls": str, "tokens": str, "server": str,
    "logprobs": str, "prefix_logprobs": str, "finish": str, "stopped_by": str,
    # what it took: tokens by kind, those that are estimated, seconds on the clock of the episode
    "prompt_tokens": int, "cached_tokens": int, "generated_tokens": int, "reasoning_tokens": int, "estimated": str,
    "started": float, "seconds": float, "first_token": float,
    # outcome of an episode, finding of a probe, reason of a failure: JSON, without texts of people or models
    "result": str,
    "kept": str,
})  # fmt: skip

ONCE = ("kind", "key", "episode", "finish", "started", "result")
"""What tells two lines apart; a line met twice, after a kill in the middle of compaction, counts once."""


def check_header(header: object, where: str) -> None:
    """Refuse a file that is not of this format, or of a newer version."""
    if not isinstance(header, Mapping) or header.get("format") != FORMAT:
        raise Refused("not-records", "this file is not a record of calls", where, "name a folder that a sweep wrote")
    version = header.get("version")
    if not isinstance(version, int) or version > VERSION:
        message = f"these records have format version {version}; this program reads up to {VERSION}"
        raise Refused("newer-records", message, where, "upgrade allometry")
