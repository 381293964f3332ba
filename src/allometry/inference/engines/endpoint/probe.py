"""A probe: at most five small calls that find out what a server can do for one form of prompts.

Nothing is taken on trust: a setting that is accepted and has no effect counts as lacking. What a doubtful answer
leaves open counts as lacking too, for a strategy that relies on it would give wrong numbers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from allometry.inference.calls import ABILITIES, Abilities, Request
from allometry.inference.engines.endpoint.faults import Fault
from allometry.inference.engines.endpoint.learn import Learnt
from allometry.inference.engines.endpoint.reply import Partial, Reply, inner
from allometry.inference.engines.endpoint.ways import Form, Ways

CALLS = 5
SEED = 7
TOKENS = 16
REFUSALS = frozenset({400, 422})
"""Statuses of requests that a server cannot do as they are."""
SHORTEST = 4
TEXT, BEHIND = "1,2,3,4,", "5,6"
CHAT = ({"role": "user", "content": "Write random letters and digits, nothing else."},)
# Cut in the middle of a word: only an answer that goes on from there begins with the rest of it.
QUESTION = ({"role": "user", "content": "What is the capital of France?"},)
BEGUN, REST = "The capital of France is Par", "is"
SCHEMA = {
    "type": "object", "properties": {"answer": {"type": "string", "enum": ["yes"]}}, "required": ["answer"],
    "additionalProperties": False,
}  # fmt: skip
TOOL_NAME, REQUIRED = "look_up", {"tool_choice": "required"}
TOOL_WANTED = ({"role": "user", "content": "Look up the word 'scale'. Use the tool."},)
TOOL = {
    "type": "function",
    "function": {
        "name": TOOL_NAME, "description": "Looks a word up.",
        "parameters": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
    },
}  # fmt: skip
MEND: Mapping[str, str] = {
    "n": "let the server take n samples in one request (llama.cpp: --parallel)",
    "seed": "use a server that keeps to `seed` (vLLM, llama.cpp)",
    "stop": "use a server that keeps to `stop`",
    "stop_reason": "use a server that says which stop text ended an answer (vLLM)",
    "logprobs": "let the server give log-probabilities, or use one that does (vLLM, llama.cpp, SGLang)",
    "scored": "give raw text to a server whose completions take `echo` with `logprobs` (vLLM)",
    "continuation": "use a server that goes on from an unfinished assistant message (vLLM, llama.cpp), or raw text",
    "tools": "start the server with tool calls on (vLLM: --enable-auto-tool-choice and --tool-call-parser, llama.cpp: --jinja)",
    "schema": "use a server that keeps to a JSON schema in `response_format`",
    "reasoning": "start the server with a parser of reasoning (vLLM: --reasoning-parser, llama.cpp: --reasoning-format)",
    "usage": "let the server report usage in streams (`stream_options`)",
    "cached": "let the server report cached tokens (vLLM: --enable-prompt-tokens-details)",
}
UNTRIED = f"it was not tried within {CALLS} calls; a sweep with a strategy that needs it tries it first"
MEND_TEXT = {"tools": "give problems as messages", "schema": "give problems as messages",
             "reasoning": "give problems as messages"}  # fmt: skip


@dataclass(eq=False)
class Probe:
    """A probe on its way: how many calls were made, what was found, and how the server wants to be asked.

    `ask` makes a call, and repeats it where it failed by chance; `Fault` where the server refuses it. `needs` are the
    abilities that are tried first.
    """

    ask: Callable[[Request, Ways], Awaitable[Reply]]
    form: Form
    needs: Collection[str] = ()
    ways: Ways = field(default_factory=Ways)
    made: int = 0
    found: set[str] = field(default_factory=set)

    async def run(self) -> Learnt:
        """Make the calls. Errors: `Fault` where the server does not even answer the simplest one."""
        first = await self._first()
        # raw text always goes on: a prefix is a part of the prompt
        self._note("continuation", self.form == "text")
        await self._again([one.text for _, one in first.whole()])
        chat = {"schema": self._schema, "continuation": self._continuation, "tools": self._tools}
        steps = chat if self.form == "chat" else {"scored": self._scored}
        # a call that was refused leaves one less: what is needed goes first
        untried = []
        for name in sorted(steps, key=lambda name: name not in self.needs):
            if self.made < CALLS:
                await steps[name]()
            else:
                untried.append(name)
        mends = {**MEND, **(MEND_TEXT if self.form == "text" else {}), **dict.fromkeys(untried, UNTRIED)}
        able = {name: name in self.found for name in ABILITIES}
        return Learnt(Abilities(**able, mend={name: mends[name] for name in ABILITIES if not able[name]}), self.ways)

    async def _first(self) -> Reply:
        """Two samples with log-probabilities; what the server refuses is left out until it answers."""
        request = self._request(n=2, logprobs=True, max_tokens=TOKENS)
        while True:
            try:
                self.made += 1
                reply = await self.ask(request, self.ways)
                break
            except Fault as fault:
                if fault.status not in REFUSALS or self.made >= CALLS:
                    raise
                request = self._without(request, fault)
        self._note_first(reply, request)
        return reply

    def _without(self, request: Request, fault: Fault) -> Request:
        """The request without what the server refuses: what it names, or else the likeliest."""
        if "max_completion_tokens" in fault.reason and self.ways.limit == "max_tokens":
            self.ways = replace(self.ways, limit="max_completion_tokens")
            return request
        if request.logprobs and ("logprob" in fault.reason or request.n == 1):
            return replace(request, logprobs=False)
        if request.n > 1 and "seed" not in fault.reason:
            return replace(request, n=1)
        if self.ways.without:
            raise fault
        self.ways = replace(self.ways, without=frozenset({"seed", "stream_options"}))
        return request

    def _note_first(self, reply: Reply, request: Request) -> None:
        samples = list(reply.samples.values())
        self._note("n", request.n == 2 and len(samples) == 2)
        self._note("logprobs", request.logprobs and all(one.tokens and None not in one.logprobs for one in samples))
        said = [one.usage or reply.usage or {} for one in samples]
        self._note("usage", all({"prompt_tokens", "completion_tokens"} <= usage.keys() for usage in said))
        thought = any(inner(usage, "completion_tokens_details").get("reasoning_tokens") for usage in said)
        self._note("reasoning", thought or any("".join(one.reasoning) for one in samples))
        self._note_cached(reply)

    def _note_cached(self, reply: Reply) -> None:
        usages = [reply.usage or {}, *(one.usage or {} for one in reply.samples.values())]
        self._note("cached", any("cached_tokens" in inner(usage, "prompt_tokens_details") for usage in usages))

    async def _again(self, texts: Sequence[str]) -> None:
        """The first sample once more with its seed, and with a stop text that is near its end."""
        before, stop = texts[0], _late(texts[0])
        if stop is None:
            return
        one = await self._one(self._request(max_tokens=TOKENS, stop=(stop,)))
        if one is None:
            return
        kept = before[: before.index(stop)].rstrip()
        self._note("seed", one.text.rstrip() in (kept, before.rstrip()))
        self._note("stop", one.finish == "stop" and one.text.rstrip() == kept)
        self._note("stop_reason", one.stop_reason == stop)
        if "seed" not in self.found and self.form == "text":
            await self._stop_by_chance(texts)

    async def _stop_by_chance(self, texts: Sequence[str]) -> None:
        """Without a seed: the commonest characters as stop texts, none of which may then be in an answer."""
        common = sorted(set.intersection(*map(set, texts)), key="".join(texts).count)[-4:]
        one = await self._one(self._request(max_tokens=TOKENS, stop=tuple(common)))
        if one is not None:
            self._note("stop", one.finish == "stop" and not set(common) & set(one.text))
            self._note("stop_reason", one.stop_reason in common)

    async def _schema(self) -> None:
        """An answer that only a schema can bring about, with a stop text in its middle."""
        one = await self._one(self._request(max_tokens=2 * TOKENS, temperature=0.0, schema=SCHEMA, stop=("yes",)))
        if one is None:
            return
        text = "".join("".join(one.content).split())
        stopped = text == '{"answer":"' and one.finish == "stop"
        self._note("stop", stopped)
        self._note("stop_reason", one.stop_reason == "yes")
        self._note("schema", stopped or text == '{"answer":"yes"}')

    async def _continuation(self) -> None:
        one = await self._one(replace(self._request(max_tokens=4, temperature=0.0, prefix=BEGUN), prompt=QUESTION))
        text = "" if one is None else "".join(one.content)
        self.ways = replace(self.ways, repeats=text.startswith(BEGUN + REST))
        self._note("continuation", text.startswith((REST, BEGUN + REST)))

    async def _tools(self) -> None:
        request = self._request(max_tokens=3 * TOKENS, temperature=0.0, tools=(TOOL,), options=REQUIRED)
        one = await self._one(replace(request, prompt=TOOL_WANTED))
        calls = () if one is None else one.tool_calls()
        self._note("tools", any(call["function"]["name"] == TOOL_NAME for call in calls))

    async def _scored(self) -> None:
        """The log-probabilities of a given text alone."""
        one = await self._one(self._request(max_tokens=0, prefix=BEHIND, scored=True))
        text = TEXT + BEHIND
        self._note("scored", one is not None and one.text == text == "".join(one.tokens) and len(one.tokens) > 1)

    def _note(self, ability: str, there: bool) -> None:
        if there:
            self.found.add(ability)

    def _request(self, max_tokens: int, **settings: Any) -> Request:
        return Request(CHAT if self.form == "chat" else TEXT, max_tokens, seed=SEED, **settings)

    async def _one(self, request: Request) -> Partial | None:
        """The one sample of a request; None where no call is left for it or the server refuses it."""
        if self.made >= CALLS:
            return None
        try:
            self.made += 1
            reply = await self.ask(request, self.ways)
        except Fault as fault:
            if fault.status not in REFUSALS:
                raise
            return None
        self._note_cached(reply)
        return reply.samples[0]


def _late(text: str) -> str | None:
    """A short piece of a text that first occurs near its end; None where the text is too short to tell.

    >>> _late("a1b2c3d4e5")
    'd4'
    """
    for at in (*range(len(text) - 4, len(text) // 2 - 1, -1), len(text) - 3, len(text) - 2):
        piece = text[at : at + 2]
        if at >= SHORTEST and piece.strip() == piece and text.index(piece) == at:
            return piece
    return None
