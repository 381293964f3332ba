"""Waiting for a coroutine from code that is not asynchronous, also where an event loop already runs (notebooks)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

from allometry.inference.calls.engine import Engine
from allometry.inference.calls.request import Request, Response

Result = TypeVar("Result")


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One loop in a thread of its own for the life of the process, so that connections of an engine stay usable."""
    return asyncio.new_event_loop()


@cache
def _home() -> threading.Thread:
    thread = threading.Thread(target=_loop().run_forever, name="allometry", daemon=True)
    thread.start()
    return thread


def wait(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of a coroutine; an interrupt stops it.

    >>> async def four() -> int:
    ...     return 4
    >>> wait(four())
    4
    """
    if threading.current_thread() is _home():
        work.close()
        raise RuntimeError("this waits for what runs in its own thread: await the asynchronous form there")
    ended: Future[asyncio.Task[Result]] = Future()
    begun: list[asyncio.Task[Result]] = []

    def begin() -> None:
        if not begun:
            begun.append(_loop().create_task(work))
            begun[0].add_done_callback(ended.set_result)

    def stop() -> None:
        begin()  # the interrupt may have come before it
        begun[0].cancel()

    try:
        _loop().call_soon_threadsafe(begin)
        return ended.result().result()
    except KeyboardInterrupt:
        _loop().call_soon_threadsafe(stop)
        ended.result()  # until it has put its records away
        raise


def sample(engine: Engine, request: Request) -> list[Response]:
    """The samples of one request, without budget or record: for a first look at an engine."""

    async def asking() -> Sequence[Response]:
        return await engine.sample(request)

    return list(wait(asking()))
