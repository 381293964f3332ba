"""An OpenAI-compatible server that answers after a fixed time, the same to everybody; a process of its own.

    python benchmarks/_fixed_server.py SECONDS MOST_N

Sample k of a prompt is the k-th that anybody asks for since the last "reset"; so whoever asks for 16 gets the same 16.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter

SECONDS, MOST_N = float(sys.argv[1]), int(sys.argv[2])
WORDS = 40
given: Counter[str] = Counter()
calls = 0


def text(prompt: str, k: int) -> str:
    """Some thinking and an answer, which is right somewhat more often than not."""
    chance = random.Random(f"{prompt}/{k}")
    answer = 7 if chance.random() < 0.6 else chance.randrange(10)
    return " ".join(["so"] * WORDS) + f" The answer is {answer}"


def reply(body: dict) -> tuple[int, bytes, str]:
    """Status, body and kind of a reply."""
    global calls
    if body.get("reset"):
        before, calls = calls, 0
        given.clear()
        return 200, json.dumps({"calls": before}).encode(), "application/json"
    calls += 1
    n, prompt = body.get("n", 1), body["messages"][-1]["content"]
    if n > MOST_N:
        return 400, b'{"error": {"message": "n is not supported"}}', "application/json"
    texts = [text(prompt, given[prompt] + i) for i in range(n)]
    given[prompt] += n
    usage = {"prompt_tokens": 8, "completion_tokens": n * (WORDS + 4), "total_tokens": 8 + n * (WORDS + 4)}
    held = "delta" if body.get("stream") else "message"
    choices = [
        {"index": i, "finish_reason": "stop", held: {"role": "assistant", "content": one}}
        for i, one in enumerate(texts)
    ]
    if not body.get("stream"):
        return 200, json.dumps({"choices": choices, "usage": usage}).encode(), "application/json"
    events = [{"choices": [choice]} for choice in choices] + [{"choices": [], "usage": usage}]
    lines = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    return 200, lines.encode(), "text/event-stream"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, kept open."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(int(h[15:]) for h in head.decode().lower().split("\r\n") if h.startswith("content-length:"))
            body = json.loads(await reader.readexactly(length))
            if not body.get("reset"):
                await asyncio.sleep(SECONDS)
            status, raw, kind = reply(body)
            writer.write(
                f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(raw)}\r\n\r\n".encode() + raw
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    """Say the port, and serve until the standard input ends."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
