"""What an engine is: something that answers requests, and says of itself what it can do and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Protocol

from allometry.costs import Price, Shape
from allometry.inference.calls.request import Request, Response
from allometry.notices import Refused

# Templates of chat models spend 4 to 12 tokens around a message; a longer one shows up as an overshoot.
TOKENS_AROUND_MESSAGE = 16


@dataclass(frozen=True)
class Abilities:
    """What an engine can do; `mend` tells for those it lacks which setting would give it.

    n: several samples in one request; seed: the same seed gives the same answer; stop: stop texts; stop_reason: tells
    which stop text ended a sample; logprobs: of generated tokens; scored: of a given prefix; continuation: goes on
    from a prefix; tools, schema, reasoning: as on chat endpoints; usage: reports tokens; cached: reports cached ones.
    """

    n: bool = False
    seed: bool = False
    stop: bool = False
    stop_reason: bool = False
    logprobs: bool = False
    scored: bool = False
    continuation: bool = False
    tools: bool = False
    schema: bool = False
    reasoning: bool = False
    usage: bool = False
    cached: bool = False
    mend: Mapping[str, str] = field(default_factory=dict)


ABILITIES = tuple(f.name for f in fields(Abilities) if f.name != "mend")


@dataclass(frozen=True)
class Profile:
    """What is known of an engine before it is asked.

    Arguments: `identity` names the model with its version or the hash of its weights, never a credential; answers are
    kept under it. `shape` counts FLOPs and bytes of the cache, `price` money per token; None where not known.
    `cache_bytes` are those of one entry of the cache (assumed 2, bf16). `virtual` engines answer at once and say how
    many seconds it would have taken. `together` is how many samples at most share a request, and so the cost of its
    prompt, where the engine takes n; None for any number. `secrets` are blotted out of whatever is written. `most_samples` tells of an
    engine that has a limited number of samples of a prompt how many; None where there is always another.
    """

    identity: str
    abilities: Abilities = Abilities()
    shape: Shape | None = None
    price: Price | None = None
    cache_bytes: float = 2.0
    virtual: bool = False
    together: int | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    most_samples: Callable[[Request], int] | None = field(default=None, repr=False, compare=False)


class Engine(Protocol):
    """Answers requests; the one thing to write to bring a model in.

    `sample` returns `request.n` responses, sample i drawn from `request.seed + i`. When it is cancelled, an engine
    that knows what was generated raises `Stopped` with it; one that does not lets the cancellation through, and the
    worst case is counted. A call that failed for good raises `CallFailed`; repeating, rate limits and time-outs of
    calls are the engine's own. Errors name no credential.
    """

    @property
    def profile(self) -> Profile: ...

    async def sample(self, request: Request) -> Sequence[Response]: ...

    def most_prompt_tokens(self, request: Request) -> int:
        """A bound on the tokens of the prompt with its prefix, for budgets; `prompt_bound` where nothing is known."""
        ...


class CallFailed(Exception):
    """A call that gave no answer; `paid` says whether it may have been paid for all the same."""

    def __init__(self, reason: str, *, paid: bool = True) -> None:
        self.reason, self.paid = reason, paid
        super().__init__(reason)


class Stopped(Exception):
    """Raised by an engine whose call was cancelled: what each sample had become by then."""

    def __init__(self, responses: Sequence[Response]) -> None:
        self.responses = tuple(responses)
        super().__init__(f"{len(self.responses)} samples were stopped")


def prompt_bound(request: Request) -> int:
    """More tokens than a prompt can have with any tokenizer over bytes: one for each byte, and the chat template's.

    >>> prompt_bound(Request("2+2=", max_tokens=1))
    4
    """
    prefix = _bytes(request.prefix)
    if isinstance(request.prompt, str):
        return _bytes(request.prompt) + prefix
    texts = sum(_bytes(repr(message)) for message in (*request.prompt, *request.tools))
    return texts + prefix + TOKENS_AROUND_MESSAGE * (len(request.prompt) + 1)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def check_needs(profile: Profile, needs: Sequence[str], who: str) -> None:
    """Refuse an engine that lacks what somebody needs, before anything is spent, with the setting that mends it."""
    lacks = [need for need in needs if not getattr(profile.abilities, need)]
    if lacks:
        mends = "; ".join(profile.abilities.mend.get(need, f"use an engine with `{need}`") for need in lacks)
        raise Refused(
            "engine-lacks", f"{who} needs {', '.join(lacks)}, which this engine lacks", profile.identity, mends
        )
