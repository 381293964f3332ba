"""Bodies of requests, read up to a size and for a time, and the small one that scores an answer."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

from allometry.inference.gateway.faults import Fault, bad

SLOWEST = 30.0
"""Seconds in which a body must have come."""


async def read_body(request: Any, largest: int) -> bytes:
    """The bytes of a JSON body. Errors: `Fault` 413 for more than `largest`, 408 for what does not come, 400 for no JSON.

    The kind is asked for because a page in a browser cannot send it to a machine that does not allow that.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise bad("the body is no application/json: say so in Content-Type", code="invalid_content_type")
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said[:20]) > largest:
        raise _large(largest)
    parts, size = [], 0
    try:
        async with asyncio.timeout(SLOWEST):
            async for part in request.stream():
                size += len(part)
                if size > largest:
                    raise _large(largest)
                parts.append(part)
    except TimeoutError:
        raise Fault(408, "slow_body", f"the body did not come within {SLOWEST:g} seconds") from None
    return b"".join(parts)


def read_score(body: bytes) -> tuple[str, float]:
    """The identifier of an answer and its score, from 0 (wrong) to 1 (right). Errors: `Fault` 400.

    >>> read_score(b'{"id": "chatcmpl-1", "score": 1}')
    ('chatcmpl-1', 1.0)
    """
    try:
        held = json.loads(body)
    except (ValueError, RecursionError):
        raise bad("the body is not JSON", code="invalid_json") from None
    if not isinstance(held, dict) or held.keys() != {"id", "score"} or not isinstance(held["id"], str):
        raise bad('a score is {"id": "chatcmpl-...", "score": 1}')
    score = held["score"]
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score) or not 0 <= score <= 1:
        raise bad("score is no number from 0 to 1", "score")
    return held["id"], float(score)


def _large(largest: int) -> Fault:
    return Fault(413, "body_too_large", f"the body has more than {largest} bytes, which is all that is taken")
