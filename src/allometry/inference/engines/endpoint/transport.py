"""One attempt at one call, by the official client: events as they come, or a fault. The client repeats nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from allometry.inference.engines.endpoint.address import Address
from allometry.inference.engines.endpoint.faults import Fault, status_fault
from allometry.inference.engines.endpoint.keys import keep_out_of_logs
from allometry.inference.engines.endpoint.reply import parse, said_in
from allometry.inference.engines.endpoint.ways import Form
from allometry.notices import Refused

Take: TypeAlias = Callable[[Mapping[str, Any]], None]
NO_KEY = "none"
# Connecting takes long only where nobody answers.
CONNECT = 10.0
# A server that is done closes its stream at once, or else loses the connection.
LINGER = 1.0
# No answer comes near; a server that sends more would only fill the memory.
LARGEST = 1 << 26


class Transport:
    """Connections to one server; those of each event loop are its own."""

    def __init__(self, address: Address, key: str | None, secrets: tuple[str, ...], timeout: float) -> None:
        self._address, self._key, self._secrets, self._timeout = address, key, secrets, timeout
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()

    async def send(self, form: Form, body: Mapping[str, Any], take: Take) -> None:
        """Make a call and hand over what comes: one object, or the events of a stream.

        Errors: `Fault` for whatever goes wrong on the way.
        """
        fault = None
        try:
            async with asyncio.timeout(self._timeout), self._create(form, body) as response:
                await _read(response, take)
        except Fault as found:
            fault = found
        except TimeoutError:
            fault = Fault(f"no whole answer came within {self._timeout:g} s")
        except Exception as error:
            fault = _fault_of(error)
        if fault is not None:
            # outside of the handlers, so that it drags no error along that holds what the server wrote
            fault.__context__ = None
            raise fault

    async def close(self) -> None:
        """End the connections of this event loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    def _create(self, form: Form, body: Mapping[str, Any]) -> Any:
        """The call, whole in what the client sends as it is: its walk through typed messages took a third of the time."""
        client = self._client()
        calls, empty = (client.chat.completions, "messages") if form == "chat" else (client.completions, "prompt")
        create = calls.with_streaming_response.create
        return create(model=self._address.model, extra_body=dict(body), **{empty: ()})

    def _client(self) -> Any:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = self._open()
            keep_out_of_logs(self._secrets)
        return self._clients[loop]

    def _open(self) -> Any:
        openai = load_client()
        try:
            return openai.AsyncOpenAI(
                api_key=self._key or NO_KEY, base_url=self._address.url, max_retries=0,
                timeout=openai.Timeout(self._timeout, connect=min(CONNECT, self._timeout)),
            )  # fmt: skip
        except Exception as error:
            kind = type(error).__name__
        raise Fault(f"a proxy that the environment names cannot be used ({kind})", again=False, paid=False)


def load_client() -> Any:
    """The official client. Errors: `Refused` where it is not installed."""
    try:
        return import_module("openai")
    except ImportError:
        raise Refused("missing-extra", "endpoints need the openai package", "an engine",
                      'pip install "allometry[openai]"') from None  # fmt: skip


async def _read(response: Any, take: Take) -> None:
    kind = response.headers.get("content-type", "")
    chunks = _bounded(response.iter_bytes())
    if "text/event-stream" not in kind:
        take(_whole(b"".join([chunk async for chunk in chunks]), kind))
        return
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            name, _, value = line.partition(b":")
            if name != b"data" or not value.strip():
                continue
            if value.strip() == b"[DONE]":
                await _read_out(chunks)
                return
            take(parse(_decoded(value)))


async def _bounded(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > LARGEST:
            raise Fault(f"the server sent more than {LARGEST >> 20} MiB", again=False)
        yield chunk


async def _read_out(chunks: AsyncIterator[bytes]) -> None:
    """Let a stream end, so that its connection can be used again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER):
            async for _ in chunks:
                pass


def _whole(raw: bytes, kind: str) -> Mapping[str, Any]:
    try:
        return parse(_decoded(raw))
    except Fault:
        if "json" in kind:
            raise
    said = kind.partition(";")[0].strip()[:40] or "an answer of no stated kind"
    raise Fault(f"the server sent {said} where JSON was expected")


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Fault("the server sent what is no UTF-8") from None


def _fault_of(error: Exception) -> Fault:
    """What an error of the client, or of the library it sends with, means."""
    openai = load_client()
    if isinstance(error, openai.APIStatusError):
        return status_fault(error.status_code, said_in(error.body), error.response.headers)
    name = type(error.__cause__ or error).__name__
    if isinstance(error, openai.APITimeoutError):
        return Fault(f"the server did not answer in time ({name})", paid="Connect" not in name)
    if isinstance(error, openai.APIConnectionError):
        return Fault(f"the connection to the server failed ({name})", paid="Connect" not in name)
    if isinstance(error, TypeError | AttributeError | Refused):
        raise error
    return Fault(f"the answer broke off ({name})")
