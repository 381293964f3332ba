"""Running a gateway until it is stopped."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from allometry.inference.gateway.gateway import Gateway
from allometry.notices import Refused

GRACE = 30
"""Seconds that answers under way may take to end when the gateway is stopped."""
BACKLOG = 2048
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def run_gateway(
    gateway: Gateway, host: str, port: int, ready: Callable[[str, Callable[[], None]], None], grace: int = GRACE
) -> None:
    """Serve until an interrupt or SIGTERM; then no request is taken any more, and those under way may end.

    Arguments: `ready(url, stop)` is called when requests can be sent; calling `stop` from any thread ends it. Port 0
    takes a free one.
    Errors: `Refused` where the extra is missing, where the policy cannot be served, where the port is taken, and for an
    address that others can reach while there is no key.
    """
    if not all(map(find_spec, ("starlette", "uvicorn"))):
        raise Refused("extra-needed", "serving needs starlette and uvicorn", mend="pip install 'allometry[serve]'")
    if host not in LOOPBACK and not len(gateway.keys):
        raise Refused("no-keys", f"others can reach {host}, and without keys anybody could spend your money", "--host",
                      "give --keys FILE, or stay at 127.0.0.1")  # fmt: skip
    listening = _listen(host, port)
    with listening:
        asyncio.run(_serve(gateway, listening, ready, grace))


async def _serve(gateway: Gateway, listening: socket.socket, ready: Callable[[str, Callable[[], None]], None], grace: int) -> None:  # fmt: skip
    import uvicorn

    from allometry.inference.gateway.app import build_app

    try:
        await gateway.prepare()
        server: Any = uvicorn.Server(uvicorn.Config(
            build_app(gateway), log_config=None, access_log=False, server_header=False, lifespan="on",
            timeout_graceful_shutdown=grace,
        ))  # fmt: skip

        def stop(*_: object) -> None:
            gateway.closing = server.should_exit = True

        server.capture_signals = _stopping(stop)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if server.started:
            ready(_url(listening), stop)
        await serving
    finally:
        for engine in gateway.engines.values():
            close = getattr(engine, "aclose", None)
            if close is not None:
                await close()


def _stopping(stop: Callable[[], None]) -> Any:
    """In place of uvicorn's own handling of signals, which ends the process by the signal once all is done."""

    @contextmanager
    def capture() -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, lambda *_: stop()) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    return capture


def _listen(host: str, port: int) -> socket.socket:
    listening = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # not by create_server: of a socket that names no protocol, asyncio leaves Nagle's wait on, 40 ms a call
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        if listening is not None:
            listening.close()
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Refused("no-address", f"nothing can be served at {host}:{port}: {said}", "--host, --port",
                      "choose another port, or 0 for a free one") from None  # fmt: skip
    return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"
