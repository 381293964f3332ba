"""A policy as a service: requests in, answers out, and the promise held against them."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from allometry.inference.calls import Engine, Ledger, Meter, canonical
from allometry.inference.gateway.asked import Asked, Form
from allometry.inference.gateway.faults import Fault, bad, fault_of
from allometry.inference.gateway.keys import Holder, Keys
from allometry.inference.gateway.watch import Compared, Watch
from allometry.inference.policies import Leaf, Policy, Served
from allometry.inference.policies.naming import reader_named
from allometry.inference.records import mask, text_hash
from allometry.inference.strategies import find_strategy
from allometry.notices import Refused

LOG = logging.getLogger("allometry.gateway")
REMEMBERED = 10_000
"""Answers that can be scored afterwards: the last so many."""
BASELINES = 4
"""Baselines under way at a time; a request that is drawn beyond them has none, and is counted."""


@dataclass(frozen=True)
class Settings:
    """What whoever serves decides: the model's name, prompts as messages or as texts, and bounds.

    `share` of the requests are also answered by the baseline; `most` answers may be under way; a body has `largest`
    bytes at most; `other_engine` serves on an engine that the policy was not measured on, and promises nothing.
    """

    model: str
    form: Form = "chat"
    share: float = 0.0
    most: int = 256
    largest: int = 4_000_000
    other_engine: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise Refused("bad-share", f"{self.share:g} is no share", "--shadow", "give a number from 0 to 1")
        if not self.model or not self.model.isprintable():
            raise Refused("bad-name", "a model needs a name that can be printed", "--name", "give one")


class Answered(NamedTuple):
    """An answer, and whether the promise of the policy holds for it."""

    served: Served
    promised: bool


class _Given(NamedTuple):
    holder: str
    group: str
    promised: bool


class Gateway:
    """One policy on its engines, for many who ask at once.

    Errors: `Refused` for settings that cannot be.
    """

    def __init__(
        self, policy: Policy, engines: Mapping[str, Engine], settings: Settings, keys: Keys | None = None
    ) -> None:
        self.policy, self.engines, self.settings = policy, dict(engines), settings
        self.keys, self.watch, self.counts = keys or Keys({}), Watch(policy), Counter[str]()
        self.closing, self.begun = False, time.time()
        self._baseline, self._read = baseline_of(policy), reader_named(policy.reader, allow_code=policy.allow_code)
        self._work: set[asyncio.Task[Answered]] = set()
        self._baselines: set[asyncio.Task[None]] = set()
        self._given: OrderedDict[str, _Given] = OrderedDict()
        self._spent = Meter()  # on baselines

    async def prepare(self) -> None:
        """Errors: `Refused` where the policy cannot be served on these engines, before any request comes."""
        text = self.settings.form == "text"
        for policy in (self.policy, self._baseline) if self.settings.share else (self.policy,):
            await policy.prepare(self.engines, text=text, other_engine=self.settings.other_engine)
        self.told()  # what that imports is not imported while somebody waits

    def begin(self, name: str, asked: Asked, holder: Holder) -> asyncio.Task[Answered]:
        """Begin to answer; whoever no longer waits cancels it. Errors: `Fault` 503 where no more can be taken."""
        if self.closing:
            raise Fault(503, "closing", "the gateway is closing: ask another, or later", retry_after=5)
        if len(self._work) >= self.settings.most:
            self.counts["busy"] += 1
            raise Fault(
                503,
                "busy",
                f"{self.settings.most} answers are under way, which is all that may be: ask again",
                retry_after=1,
            )
        task = asyncio.create_task(self._answer(name, asked, holder))
        self._work.add(task)
        task.add_done_callback(self._ended)
        return task

    def score(self, name: str, score: float, holder: Holder) -> None:
        """Take in what somebody found an answer to be worth. Errors: `Fault` 404 for one that is not remembered."""
        given = self._given.get(name)
        if given is None or given.holder != holder.name:
            raise Fault(404, "no_answer", f"there is no answer {name!r:.60} of yours that could still be scored", "id")
        del self._given[name]  # once
        if given.promised:
            self.watch.score(score, given.group)

    def told(self) -> dict[str, Any]:
        """The policy, its promise beside what is measured, and what happened since the gateway began."""
        policy, settings = self.policy, self.settings
        rule = None if policy.split is None else {"on": policy.split.on, "at_least": policy.split.at_least}
        baseline = {"strategy": self._baseline.leaves[0].label, "share": settings.share, "skipped": self.counts["skipped"],
                    "calls": self._spent.calls, "generated_tokens": self._spent.generated_tokens}  # fmt: skip
        watched = self.watch.told()
        return {
            "model": settings.model, "goal": policy.goal, "engine": policy.engine, "rule": rule,
            "leaves": [{"strategy": leaf.label, "budget": leaf.budget} for leaf in policy.leaves],
            "measured_on": {"problems": policy.problems, "scorer": policy.scorer, "kind": policy.scorer_kind},
            "requests": {"since": self.begun, "under_way": len(self._work), **dict(sorted(self.counts.items()))},
            **watched, "baseline": {**baseline, **watched["baseline"]},
        }  # fmt: skip

    async def close(self) -> None:
        """End what is still under way."""
        self.closing = True
        tasks = [*self._work, *self._baselines]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, name: str, asked: Asked, holder: Holder) -> Answered:
        promised, tokens = self._bounded(asked)
        paid = Ledger(None)
        try:
            served = await self.policy.answer(
                asked.prompt, self.engines, tools=asked.tools, score=asked.score, tokens=tokens, seed=asked.seed,
                other_engine=self.settings.other_engine, paid=paid,
            )  # fmt: skip
        except Refused as refused:
            raise fault_of(refused) from None
        finally:
            holder.book(paid.spent.prompt_tokens + paid.spent.generated_tokens)
        promised &= served.leaf in self._leaves
        group = text_hash(canonical(asked.prompt))
        if promised:
            self._watched(served, asked, group)
        if served.state == "failed":
            why = mask(served.why, [secret for engine in self.engines.values() for secret in engine.profile.secrets])
            LOG.warning("the engine gave no answer: %s", why)  # whoever asks is told less: it may name other machines
            raise Fault(
                502, "engine_failed", "the engine gave no answer: ask again later; the log of the gateway says why"
            )
        if served.state == "unaffordable":
            raise bad(
                f"the budget of the policy holds no answer to so long a prompt: {served.why}",
                "messages",
                "budget_exceeded",
            )
        self._given[name] = _Given(holder.name, group, promised)
        if len(self._given) > REMEMBERED:
            self._given.popitem(last=False)
        return Answered(served, promised)

    @property
    def _leaves(self) -> set[str]:
        """What `Served.leaf` says where tools did not decide."""
        return {leaf.name for leaf in self.policy.leaves}

    def _bounded(self, asked: Asked) -> tuple[bool, int | None]:
        """Whether the promise holds, and the bound of a sample: the policy's own unless a smaller one is asked for."""
        smaller = asked.tokens is not None and asked.tokens < self.policy.sample_tokens
        return not smaller and not self.settings.other_engine, asked.tokens if smaller else None

    def _watched(self, served: Served, asked: Asked, group: str) -> None:
        if self.watch.count(served.meter, group):
            before, now = self.watch.drift, self.watch.look()
            if now != before:
                LOG.warning("drift: %s" if now else "no drift any more%s", ", ".join(now))
        if served.content is not None and random.random() < self.settings.share:
            if len(self._baselines) >= BASELINES or self.closing:
                self.counts["skipped"] += 1
                return
            task = asyncio.create_task(self._compare(served, asked, group))
            self._baselines.add(task)
            task.add_done_callback(self._baselines.discard)

    async def _compare(self, ours: Served, asked: Asked, group: str) -> None:
        """Answer by the baseline too, with other samples, for the same would agree with themselves."""
        paid = Ledger(None)
        try:
            theirs = await self._baseline.answer(
                asked.prompt, self.engines, seed=secrets.randbelow(2**31), other_engine=self.settings.other_engine, paid=paid,
            )  # fmt: skip
        except Exception as error:
            self.counts["baselines failed"] += 1
            LOG.warning("the baseline gave no answer: %s", type(error).__name__)
            return
        finally:
            self._spent += paid.spent
        if theirs.content is None:
            self.counts["baselines failed"] += 1
            return
        read = [self._read(served.content or "") for served in (ours, theirs)]
        agree = None if None in read else read[0] == read[1]
        self.watch.compare(Compared(agree, ours.meter, theirs.meter, group))

    def _ended(self, task: asyncio.Task[Answered]) -> None:
        self._work.discard(task)
        if task.cancelled():
            self.counts["cancelled"] += 1
            return
        error = task.exception()
        self.counts[
            "answered"
            if error is None
            else "failed"
            if not isinstance(error, Fault) or error.status >= 500
            else "refused"
        ] += 1


def new_name() -> str:
    """An identifier of an answer that nobody can guess."""
    return f"chatcmpl-{secrets.token_hex(12)}"


def baseline_of(policy: Policy) -> Policy:
    """What requests are answered with beside the policy, to see what it changes.

    Of a rule the second leaf, for every request: whether the rule lets questions go that the longer way answers
    otherwise. Where all are answered alike one greedy sample: what is had without any policy.
    """
    if policy.split is not None:
        return replace(policy, leaves=policy.leaves[1:], split=None)
    greedy = find_strategy("greedy")()
    return replace(policy, leaves=(Leaf(greedy.identity, greedy.label, ""),))
