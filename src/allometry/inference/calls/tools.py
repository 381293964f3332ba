"""A tool as an engine of its own, so that what it returned is recorded, timed and replayed like any answer."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from allometry.inference.calls.engine import Profile
from allometry.inference.calls.keys import canonical
from allometry.inference.calls.request import Request, Response


class Tool:
    """A function with the arguments it is to be called with. In virtual time it takes no time and may not wait."""

    def __init__(self, name: str, arguments: Mapping[str, Any], run: Callable[..., Any], *, virtual: bool) -> None:
        self.profile = Profile(f"tool:{name}", virtual=virtual)
        self._arguments, self._run = arguments, run

    @property
    def request(self) -> Request:
        """What is asked: the arguments, as JSON."""
        return Request(canonical(self._arguments), max_tokens=1)

    async def sample(self, request: Request) -> Sequence[Response]:
        if self.profile.virtual:
            return [Response(canonical(self._run(**self._arguments)), seconds=0.0)]
        if inspect.iscoroutinefunction(self._run):
            return [Response(canonical(await self._run(**self._arguments)))]
        return [Response(canonical(await asyncio.to_thread(self._run, **self._arguments)))]

    def most_prompt_tokens(self, request: Request) -> int:
        return 0
