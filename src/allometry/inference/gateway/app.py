"""The gateway over HTTP: the paths of OpenAI's interface, and two of its own."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from allometry.inference.gateway.asked import read_asked
from allometry.inference.gateway.body import read_body, read_score
from allometry.inference.gateway.faults import Fault
from allometry.inference.gateway.gateway import Answered, Gateway, new_name
from allometry.inference.gateway.told import Chunks, completion, event, headers

LOG = logging.getLogger("allometry.gateway")
ALIVE = 10.0
"""Seconds after which whoever waits for a stream is told that somebody is still there."""
LOCAL = ("127.0.0.1", "localhost", "[::1]")
_OURS = "an error of the gateway: its log says more"

Handler = Callable[[Request], Awaitable[Response]]


def build_app(gateway: Gateway) -> Starlette:
    """The gateway as an ASGI application; whoever runs it has prepared the gateway, which closes with it."""
    made = _Handlers(gateway)

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        yield
        await gateway.close()

    return Starlette(
        routes=[
            Route("/v1/chat/completions", made.safely(made.complete), methods=["POST"]),
            Route("/v1/models", made.safely(made.models)),
            Route("/v1/models/{name:path}", made.safely(made.model)),
            Route("/v1/policy", made.safely(made.policy)),
            Route("/v1/policy/scores", made.safely(made.score), methods=["POST"]),
            Route("/health", made.safely(made.health, locked=False)),
        ],
        exception_handlers={HTTPException: _no_path}, lifespan=life,
    )  # fmt: skip


class _Handlers:
    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    def safely(self, handle: Handler, *, locked: bool = True) -> Handler:
        """A handler whose every end is one that clients can read; no traceback and no text leaves the process."""

        async def handler(request: Request) -> Response:
            try:
                if locked:
                    self._check_local(request)
                    request.state.holder = self.gateway.keys.holder(request.headers.get("authorization"))
                return await handle(request)
            except Fault as fault:
                return _said(fault)
            except Exception:
                LOG.exception("a request failed by an error of the gateway")
                return _said(Fault(500, "internal_error", _OURS))

        return handler

    async def complete(self, request: Request) -> Response:
        gateway, holder = self.gateway, request.state.holder
        gateway.keys.admit(holder)
        asked = read_asked(
            await read_body(request, gateway.settings.largest), gateway.settings.model, gateway.settings.form
        )
        name, created = new_name(), int(time.time())
        work = gateway.begin(name, asked, holder)
        if asked.stream:
            chunks = Chunks(name, gateway.settings.model, created, asked)
            return StreamingResponse(_stream(work, chunks), media_type="text/event-stream",
                                     headers={"cache-control": "no-cache", "x-request-id": name})  # fmt: skip
        answered = await _unless_gone(request, work)
        if answered is None:
            return Response(status_code=499)  # nobody is there to read it
        held = completion(name, gateway.settings.model, created, asked, *answered)
        return JSONResponse(held, headers={"x-request-id": name, **headers(answered.served)})

    async def models(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [self._model()]})

    async def model(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name != self.gateway.settings.model:
            raise Fault(
                404, "model_not_found", f"there is no model {name!r:.80}, only {self.gateway.settings.model!r}", "model"
            )
        return JSONResponse(self._model())

    async def policy(self, request: Request) -> Response:
        return JSONResponse(self.gateway.told())

    async def score(self, request: Request) -> Response:
        name, score = read_score(await read_body(request, self.gateway.settings.largest))
        self.gateway.score(name, score, request.state.holder)
        return JSONResponse({"id": name, "score": score})

    async def health(self, request: Request) -> Response:
        closing = self.gateway.closing
        return JSONResponse({"status": "closing" if closing else "ready"}, status_code=503 if closing else 200)

    def _model(self) -> Mapping[str, Any]:
        return {
            "id": self.gateway.settings.model,
            "object": "model",
            "created": int(self.gateway.begun),
            "owned_by": "allometry",
        }

    def _check_local(self, request: Request) -> None:
        """Without keys only this machine may ask: a page in a browser that calls itself by another name may not."""
        host = request.headers.get("host", "")
        if (
            not len(self.gateway.keys)
            and (host if host.endswith("]") else host.rpartition(":")[0] or host) not in LOCAL
        ):
            raise Fault(401, "not_local", "without keys only this machine may ask, at 127.0.0.1 or localhost")


async def _unless_gone(request: Request, work: asyncio.Task[Answered]) -> Answered | None:
    """The answer; None where whoever asked has hung up, and then the work is ended."""
    gone = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        return await work if work.done() else None
    finally:
        gone.cancel()
        work.cancel()  # nothing where it is done


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _stream(work: asyncio.Task[Answered], chunks: Chunks) -> AsyncIterator[bytes]:
    """The events of an answer. What goes wrong after the first is an event too, for the status is sent by then."""
    try:
        yield chunks.first()
        while not (await asyncio.wait({work}, timeout=ALIVE))[0]:
            yield b": still at it\n\n"
        for chunk in chunks.rest(*(await work)):
            yield chunk
    except Fault as fault:
        yield event(fault.as_json())
    except Exception:
        LOG.exception("a request failed by an error of the gateway")
        yield event(Fault(500, "internal_error", _OURS).as_json())
    finally:
        work.cancel()


def _said(fault: Fault) -> Response:
    return JSONResponse(fault.as_json(), status_code=fault.status, headers=dict(fault.headers))


async def _no_path(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    said = "there is nothing at this path: see /v1/chat/completions, /v1/models and /v1/policy"
    wrong = (
        Fault(status, "not_found", said)
        if status == 404
        else Fault(status, "method_not_allowed", "this path takes another method")
    )
    return _said(wrong)
