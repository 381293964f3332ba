"""An engine that gives recorded samples again: strategies are tried on what was paid for once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from allometry.costs import Price, Shape
from allometry.inference.calls import (
    Abilities,
    CallFailed,
    Profile,
    Prompt,
    Request,
    Response,
    canonical,
    cut_tokens,
    digest,
    parameters,
    prompt_hash,
    response_of,
)
from allometry.inference.logs import read_log
from allometry.inference.records import read_lines
from allometry.notices import Refused

Samples = Mapping[str, Sequence[Response]]
# Bounds of length and what is reported do not change which answer is drawn.
_FREE = ("max_tokens", "logprobs", "scored")
ALL = Abilities(n=True, seed=True, stop=True, logprobs=True, continuation=True, tools=True, usage=True)


class Recorded:
    """Answers each request with samples that were recorded for it, none twice in one request.

    Use it to compare strategies on samples that are there, such as those of another sweep or of a published table. It
    cannot go on from a prefix that nobody went on from. Sample i of a request is the sample at seed + i in the pool of
    its key, around its end, so that requests at other places begin elsewhere.

    Arguments: `pools` are samples by key, `key` the key of a request; `identity` names where they came from. Each
    response has `seconds` where they are known. `abilities` are those of what was recorded.
    """

    def __init__(
        self,
        identity: str,
        pools: Samples,
        key: Callable[[Request], str],
        *,
        shape: Shape | None = None,
        price: Price | None = None,
        abilities: Abilities = ALL,
    ) -> None:
        self._pools, self._key = pools, key
        whole = Profile(identity, abilities, shape, price, virtual=True)
        self.profile = replace(whole, most_samples=lambda request: len(self._pool(request)))

    async def sample(self, request: Request) -> Sequence[Response]:
        pool = self._pool(request)
        if len(pool) < request.n:
            message = (
                f"{self.profile.identity} has {len(pool)} samples of this prompt at these settings, not {request.n}"
            )
            raise CallFailed(message, paid=False)
        picked = [pool[(request.seed + i) % len(pool)] for i in range(request.n)]
        return [cut_tokens(response, request.max_tokens) for response in picked]

    def most_prompt_tokens(self, request: Request) -> int:
        """The tokens that the prompt was recorded to have."""
        return max((response.usage.prompt for response in self._pool(request)), default=0)

    def _pool(self, request: Request) -> Sequence[Response]:
        """The samples that can answer a request: what was cut off earlier than it asks cannot."""
        held = self._pools.get(self._key(request), ())
        return [one for one in held if not one.truncated or one.usage.generated >= request.max_tokens]


def read_recorded(
    folder: str | Path, engine: str | None = None, *, shape: Shape | None = None, price: Price | None = None
) -> Recorded:
    """The engine of the records in a folder: prompts and settings as they were asked there, whichever strategy asked.

    `engine` names whose answers are meant where the records are of several.
    Errors: `Refused` where there are no records, where their texts were not kept, and where they are of several
    engines and none is named.
    """
    samples = [line for line in read_lines(folder) if line["kind"] == "sample"]
    known = sorted({line["engine"] for line in samples})
    if samples and engine not in (None, *known):
        raise Refused("unknown-engine", f"these records hold no answers of {engine!r}", str(folder),
                      f"they are of {', '.join(known)}")  # fmt: skip
    lines = [line for line in samples if engine in (None, line["engine"])]
    texts = [line for line in lines if "kept" not in line and line["finish"] != "cancelled"]
    engines = sorted({line["engine"] for line in lines})
    if not texts:
        said = "their texts were not kept" if lines else "there are none"
        raise Refused("no-samples", f"no samples can be given again: {said}", str(folder), "name a folder of a sweep")
    if len(engines) > 1:
        raise Refused("which-engine", f"these records are of {len(engines)} engines: {', '.join(engines)}", str(folder),
                      f"name one of them: records:DIR#{engines[0]}")  # fmt: skip
    pools: dict[str, dict[str, Response]] = {}
    for line in texts:
        pools.setdefault(_pool_key(line["prompt"], json.loads(line["parameters"])), {})[line["key"]] = response_of(line)
    # keys are hashes, so their order is as good as chance and the same everywhere
    ordered = {key: [pool[name] for name in sorted(pool)] for key, pool in pools.items()}
    identity = f"recorded:{engines[0]}:{digest(*sorted(line['key'] for line in texts)).hex()[:12]}"
    return Recorded(identity, ordered, _request_key, shape=shape, price=price)


def _request_key(request: Request) -> str:
    return _pool_key(prompt_hash(request), parameters(request))


def _pool_key(prompt: str, settings: Mapping[str, Any]) -> str:
    return prompt + canonical({name: value for name, value in settings.items() if name not in _FREE})


def read_logged(path: str | Path, *, shape: Shape | None = None, price: Price | None = None) -> Recorded:
    """The engine of the samples in a log of inspect or of lm-eval, for the problems that `read_problems` makes of it.

    It serves strategies that draw whole answers to the prompt as it is: best_of_n and self_consistency on samples
    drawn at a temperature, which is the log's whatever a strategy asks for, and greedy on those of temperature 0. Those
    that go on from a prefix are refused; first_finish needs seconds, which inspect's logs have.
    Errors: `Refused` for what is no log, and for one without answers that can be given again.
    """
    log = read_log(path)
    pools = {_prompt_key(one.prompt): one.samples for one in log.problems if one.samples}
    if not pools:
        raise Refused("no-samples", f"no samples of {log.task} can be given again", str(path),
                      "take a log of answers in words, each made by one call")  # fmt: skip
    drawn = log.temperature is None or log.temperature > 0
    mends = dict.fromkeys(("continuation", "stop", "logprobs"), "use an engine that can be asked, a log cannot")
    mark = digest(*(canonical([key, [one.content for one in pool]]) for key, pool in sorted(pools.items()))).hex()[:12]

    def key(request: Request) -> str:
        others = request.prefix or request.stop or request.tools or request.schema
        return "" if others or drawn != (request.temperature > 0) else _prompt_key(request.prompt)

    able = Abilities(n=True, seed=True, usage=True, mend=mends)
    return Recorded(f"logged:{log.model}:{mark}", pools, key, shape=shape, price=price, abilities=able)


def _prompt_key(prompt: Prompt) -> str:
    return canonical(prompt)
