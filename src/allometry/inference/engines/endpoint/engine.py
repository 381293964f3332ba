"""A model behind any OpenAI-compatible server, as an engine."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from allometry.costs import Price, Shape
from allometry.inference.calls import Abilities, CallFailed, Profile, Request, Response, Stopped, prompt_bound, wait
from allometry.inference.calls.call import runs
from allometry.inference.engines.endpoint.address import read_address
from allometry.inference.engines.endpoint.answers import answers
from allometry.inference.engines.endpoint.body import body_of, form_of
from allometry.inference.engines.endpoint.faults import Fault, wait_before
from allometry.inference.engines.endpoint.keys import VARIABLE, read_key, secrets_of
from allometry.inference.engines.endpoint.learn import Learnt, common, line_of, recorded
from allometry.inference.engines.endpoint.probe import REFUSALS, Probe
from allometry.inference.engines.endpoint.reply import Partial, Reply
from allometry.inference.engines.endpoint.transport import Transport
from allometry.inference.engines.endpoint.ways import Form, Ways
from allometry.inference.records import Records, mask
from allometry.notices import Refused

UNKNOWN = Learnt(Abilities(), Ways())
_FORMS: Mapping[Form, str] = {"chat": "messages (/chat/completions)", "text": "raw text (/completions)"}


class Endpoint:
    """A model at an OpenAI-compatible server (vLLM, llama.cpp, SGLang, a provider), by the official client.

    Use it for every model that is served; in a sweep the server batches by itself. Messages go to chat completions
    and raw text to completions. Answers are streamed, so that it is known when the first token came and what a
    stopped sample had become. Only whole samples are taken: what broke off is asked for again, sample by sample.
    What the server can do is not known until it is probed (`learn`; a sweep does that), and until then each sample is
    a request of its own. Its abilities are those that it has for every form of prompts that was probed.

    Arguments: `at` is `URL#MODEL`, without credentials; the key is that of `key_file`, or of the environment variable
    `key_variable`. At most `concurrency` requests are on their way at a time. An attempt fails after `timeout`
    seconds, and where that may help it is repeated, up to `attempts` in all, after what the server asks to wait or
    ever longer. `identity` names the model in records where it is known elsewhere by another address. `shape` and
    `price` let FLOPs and money be counted. `faults` counts the attempts that failed, by why.
    Errors: `Refused` for addresses, keys and limits that cannot be used; on the first call where the openai package is
    not installed.

    >>> Endpoint("http://localhost:8000/v1#tiny").profile.identity
    'tiny@localhost:8000/v1'
    """

    def __init__(
        self,
        at: str,
        *,
        key_variable: str = VARIABLE,
        key_file: str | Path | None = None,
        concurrency: int = 64,
        timeout: float = 600.0,
        attempts: int = 6,
        identity: str | None = None,
        shape: Shape | None = None,
        price: Price | None = None,
        stream: bool = True,
    ) -> None:
        if timeout <= 0 or attempts < 1 or concurrency < 1:
            raise Refused("bad-endpoint", f"timeout={timeout}, attempts={attempts}, concurrency={concurrency} make no call",
                          "an endpoint", "give numbers above 0")  # fmt: skip
        address, key = read_address(at), read_key(key_variable, key_file)
        self._concurrency, self._attempts, self._stream = concurrency, attempts, stream
        self.profile = Profile(
            mask(identity or address.identity, secrets_of(key)), UNKNOWN.abilities, shape, price,
            secrets=secrets_of(key),
        )  # fmt: skip
        self._transport = Transport(address, key, self.profile.secrets, timeout)
        self._learnt: dict[Form, Learnt] = {}
        self._slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
        self._chance = random.Random()
        self.faults: Counter[str] = Counter()

    def most_prompt_tokens(self, request: Request) -> int:
        """A token for each byte: which tokenizer the server has is not known."""
        return prompt_bound(request)

    async def learn(self, records: Records, form: Form, needs: Collection[str] = ()) -> None:
        """Find what the server can do for messages ("chat") or raw text, by the records or by at most five small calls.

        What was found is recorded, so that the same records need no probe again. Where they say that the server lacks
        something that is needed, it is probed again, for it may have been mended since.
        Errors: `Refused` where the server gives no answer.
        """
        records.hide(self.profile.secrets)
        found = recorded(records, self.profile, form, self._stream)
        if found is None or not all(getattr(found.abilities, need) for need in needs):
            probe = Probe(self._reply, form, needs)
            try:
                found = await probe.run()
            except Fault as fault:
                raise self._refused(fault, form) from None
            records.append([line_of(found, self.profile, form, self._stream, probe.made)])
        self._learnt[form] = found
        able = common([known.abilities for known in self._learnt.values()])
        self.profile = replace(self.profile, abilities=able, together=self._together())

    def knows(self, form: Form) -> bool:
        """Whether it was found out what the server can do for messages ("chat") or raw text."""
        return form in self._learnt

    async def sample(self, request: Request) -> Sequence[Response]:
        drawing = _Drawing(request, [None] * request.n, [None] * request.n)
        try:
            await self._fill(drawing, range(request.n))
        except asyncio.CancelledError:
            if not self._stream:
                raise
            raise Stopped(drawing.stopped(self._ways(request), self.profile.secrets)) from None
        return [found for found in drawing.found if found is not None]

    async def _reply(self, request: Request, ways: Ways) -> Reply:
        """The whole reply to one request, repeated where that may help. Errors: `Fault` where it does not."""
        body, attempt = body_of(request, ways, stream=self._stream), 1
        while True:
            reply = Reply(request.n)
            fault = await self._send(request, body, reply)
            if fault is None and len(list(reply.whole())) < request.n:
                fault = _broken_off(reply)
            if fault is None:
                return reply
            self._count(fault)
            if not fault.again or attempt >= self._attempts:
                raise fault
            await asyncio.sleep(wait_before(attempt, fault, self._chance))
            attempt += 1

    def _count(self, fault: Fault) -> None:
        """Count a failed attempt, without what the server wrote, which may be new each time."""
        self.faults[fault.reason.partition(":")[0]] += 1

    def _refused(self, fault: Fault, form: Form) -> Refused:
        """Why the server could not be probed, and what to do about it."""
        mends = {401: "give its key by the environment or a key file", 403: "use a key that may use this model",
                 404: f"check address and model, and whether the server takes {_FORMS[form]}"}  # fmt: skip
        mend = mends.get(fault.status, "check that the server runs and that address and model are right")
        return Refused("no-endpoint", f"the endpoint cannot be used: {fault.reason}", self.profile.identity, mend)

    def close(self) -> None:
        """End the connections that calls from code that is not asynchronous left open."""
        wait(self._transport.close())

    async def aclose(self) -> None:
        """End the connections of this event loop."""
        await self._transport.close()

    def _ways(self, request: Request) -> Ways:
        return self._learnt.get(form_of(request), UNKNOWN).ways

    async def _fill(self, drawing: _Drawing, samples: Sequence[int], attempt: int = 1, most: int | None = None) -> None:
        """Draw samples, as many in one request as the server takes, until all are whole."""
        learnt = self._learnt.get(form_of(drawing.request), UNKNOWN)
        parts = [
            part
            for first, count in runs(samples, learnt.abilities.n)
            for part in _pieces(range(first, first + count), most or learnt.ways.most_n)
        ]
        # all are waited for, so that one that fails takes no other along
        drawn = (self._draw(drawing, part, attempt, most) for part in parts)
        for error in await asyncio.gather(*drawn, return_exceptions=True):
            if error is not None:
                raise error

    async def _draw(self, drawing: _Drawing, samples: range, attempt: int, most: int | None) -> None:
        """Draw samples in one request, and those that did not become whole in further ones."""
        slots = self._slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._concurrency))
        async with slots:
            fault = await self._attempt(drawing, samples)
            if fault is None:
                if len(samples) == most:
                    self._settle(form_of(drawing.request), most)
                return
            self._count(fault)
            drawing.paid |= fault.paid
            # so many samples in one request may be what it refuses
            fewer = fault.status in REFUSALS and len(samples) > 1
            if not fewer:
                if not fault.again or attempt >= self._attempts:
                    raise CallFailed(
                        fault.reason + (f" ({attempt} attempts)" if attempt > 1 else ""), paid=drawing.paid
                    )
                await asyncio.sleep(wait_before(attempt, fault, self._chance))
        missing = [i for i in samples if drawing.found[i] is None]
        await self._fill(drawing, missing, attempt + (not fewer), len(samples) // 2 if fewer else most)

    def _settle(self, form: Form, most: int) -> None:
        """Ask for no more samples at a time than a server took that had refused more."""
        learnt = self._learnt.get(form, UNKNOWN)
        self._learnt[form] = replace(learnt, ways=replace(learnt.ways, most_n=min(most, learnt.ways.most_n or most)))
        self.profile = replace(self.profile, together=self._together())

    def _together(self) -> int | None:
        """The most samples of a request that the server was found to take, whatever the form; None for any number."""
        return min((known.ways.most_n for known in self._learnt.values() if known.ways.most_n), default=None)

    async def _attempt(self, drawing: _Drawing, samples: range) -> Fault | None:
        """Ask once; keep every sample that came whole, and say what kept the others from it."""
        reply, ways = Reply(len(samples)), self._ways(drawing.request)
        request = replace(drawing.request, n=len(samples), seed=drawing.request.seed + samples[0])
        for offset, i in enumerate(samples):
            drawing.asked[i] = reply, offset
        fault = await self._send(request, body_of(request, ways, stream=self._stream), reply)
        try:
            self._keep(drawing, samples, request, reply)
        except Fault as found:
            fault = found
        if all(drawing.found[i] is not None for i in samples):
            return None
        return fault or _broken_off(reply)

    async def _send(self, request: Request, body: Mapping[str, Any], reply: Reply) -> Fault | None:
        """Send a request and take the reply in; what went wrong, without secrets."""
        try:
            await self._transport.send(form_of(request), body, lambda event: reply.add(event, time.monotonic()))
        except Fault as fault:
            fault.reason = mask(fault.reason, self.profile.secrets)
            return fault
        return None

    def _keep(self, drawing: _Drawing, samples: range, request: Request, reply: Reply) -> None:
        whole = dict(reply.whole())
        # what is said of all together does not hold where not all of them came
        said = reply.usage if len(whole) == len(samples) else None
        found = answers(request, self._ways(request), list(whole.values()), said, drawing.begun, self.profile.secrets)
        for offset, response in zip(whole, found, strict=True):
            drawing.found[samples[offset]] = response


@dataclass(eq=False)
class _Drawing:
    """The samples of one request on their way: those that are whole, and in which reply the others are coming."""

    request: Request
    found: list[Response | None]
    asked: list[tuple[Reply, int] | None]
    begun: float = field(default_factory=time.monotonic)
    paid: bool = False

    def stopped(self, ways: Ways, secrets: Sequence[str]) -> list[Response]:
        """What each sample had become; nothing was spent on those that were not asked for yet."""
        return [
            replace(found or self._partial(i, ways, secrets), finish="cancelled") for i, found in enumerate(self.found)
        ]

    def _partial(self, i: int, ways: Ways, secrets: Sequence[str]) -> Response:
        asked = self.asked[i]
        if asked is None:
            return Response()
        reply, offset = asked
        one = reply.samples.get(offset, Partial())
        request = replace(self.request, n=1, scored=False)
        return answers(request, ways, [one], one.usage, self.begun, secrets)[0]


def _broken_off(reply: Reply) -> Fault:
    return Fault("the answer ended in the middle" if reply.samples else "the server sent no choices")


def _pieces(samples: range, most: int | None) -> list[range]:
    """Samples in runs of a bounded length.

    >>> _pieces(range(3, 8), 2)
    [range(3, 5), range(5, 7), range(7, 8)]
    """
    return [samples[at : at + most] for at in range(0, len(samples), most)] if most else [samples]
