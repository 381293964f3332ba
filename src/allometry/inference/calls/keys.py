"""Under which key a sample is kept: a hash of everything that its answer may depend on.

The place of a call is its position in the strategy's own call tree (child 3 of child 1), never a global counter, so
that what runs at the same time cannot change a key. Sample i of a request is its key + i.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from allometry.inference.calls.request import Request
from allometry.inference.records import text_hash
from allometry.notices import Refused

BITS = 128
# what survives a JSON number and leaves room for sample numbers
SEED_BITS = 52
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: object) -> str:
    """One text for one JSON value.

    Errors: `Refused` for what JSON cannot hold.

    >>> canonical({"b": (1, 2), "a": None})
    '{"a":null,"b":[1,2]}'
    """
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError) as error:
        raise Refused(
            "not-json", f"this cannot be kept as JSON: {error}", mend="use texts, numbers, lists and dicts"
        ) from None


def digest(*parts: str | bytes) -> bytes:
    """A hash of parts, in which none can pass for another."""
    raw = [part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part for part in parts]
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in raw)).digest()


def number(hashed: bytes) -> int:
    """The key that a hash stands for."""
    return int.from_bytes(hashed[: BITS // 8], "big")


def key_text(key: int) -> str:
    """A key as it is written."""
    return f"{key % (1 << BITS):032x}"


def seed_of(key: int, sample: int) -> int:
    """The seed of a sample of a request that is kept under a key."""
    return key % (1 << SEED_BITS) + sample


def asked(request: Request) -> Mapping[str, Any]:
    """What was asked, in words: the part of a request that is text of people or models."""
    return {"prompt": request.prompt, "prefix": request.prefix, "tools": request.tools, "schema": request.schema}


def prompt_hash(request: Request) -> str:
    """What a prompt is kept under."""
    return text_hash(canonical(asked(request)))


def parameters(request: Request) -> Mapping[str, Any]:
    """How it was asked: the part that is settings. The number of samples is no part, so fewer are a part of more."""
    return {
        "max_tokens": request.max_tokens, "temperature": request.temperature, "stop": request.stop,
        "logprobs": request.logprobs, "scored": request.scored, "options": request.options,
    }  # fmt: skip
