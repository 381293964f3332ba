"""Threads of one episode's call tree, and what a thread may wait for."""

from __future__ import annotations

from collections.abc import Coroutine, Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from allometry.inference.calls.engine import Engine
from allometry.inference.calls.place import Place
from allometry.inference.calls.request import Request, Response

if TYPE_CHECKING:
    from allometry.inference.calls.call import Call


@dataclass(eq=False)
class Thread:
    """A coroutine of the episode; waiting for it gives its result.

    `tokens` is the longest chain of tokens that led to where it stands.
    """

    work: Coroutine[Any, Any, Any]
    tokens: int = 0
    children: list[Thread] = field(default_factory=list)
    call: Call | None = None
    watchers: list[Join] = field(default_factory=list)
    done: bool = False
    result: Any = None
    error: BaseException | None = None

    def __await__(self) -> Generator[Join, Any, Any]:
        yield Join([self], 1)
        return self.result


@dataclass(eq=False)
class Join:
    """Waiting for the first `count` of some threads to end; gives them in the order in which they did.

    The others are stopped, and so are all when one ends in an error, which is then raised. `stops` are calls of
    stopped threads of which it is not yet known what they had become.
    """

    threads: Sequence[Thread]
    count: int
    waiter: Thread | None = None
    finished: list[Thread] = field(default_factory=list)
    closing: bool = False
    stops: int = 0

    def __await__(self) -> Generator[Join, Any, list[Thread]]:
        yield self
        return self.finished

    @property
    def failed(self) -> BaseException | None:
        """The error of a thread that was waited for."""
        return next((thread.error for thread in self.finished if thread.error is not None), None)

    @property
    def met(self) -> bool:
        return len(self.finished) >= self.count or self.failed is not None


@dataclass(frozen=True, eq=False)
class Sampling:
    """Waiting for the samples of a request that is made at a place."""

    engine: Engine
    request: Request
    place: Place
    tool: bool = False

    def __await__(self) -> Generator[Sampling, Any, list[Response]]:
        return (yield self)
