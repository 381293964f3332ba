"""Draft and target: a small model writes, a conformal test says of which chunks the large one is to go on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from allometry.inference.calls import Allowance, Meter, Request, Response, Scope
from allometry.inference.strategies._checks import positive, shares
from allometry.inference.strategies._conformal import rejects
from allometry.inference.strategies._drawing import TEMPERATURE, ask, one, wave
from allometry.inference.strategies.self_consistency import elect
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Vote
from allometry.notices import Refused

DRAFT = "draft"
# The published share of chunks that are handed to the target.
RATE = 0.4
# Samples of a problem, and chunks that an answer's bound is divided into: assumed; 16 and 500 tokens each in the paper.
SAMPLES, CHUNKS = 8, 4


@dataclass(eq=False)
class Trace:
    """One sample as far as it is written: text, tokens and last response; by turn its scores and what was rejected."""

    text: str = ""
    tokens: int = 0
    last: Response | None = None
    scores: list[float] = field(default_factory=list)
    rejected: list[bool] = field(default_factory=list)
    over: bool = False

    @property
    def ended(self) -> bool:
        """Whether its answer ended by itself."""
        return self.last is not None and not self.last.truncated

    def shown(self) -> Response:
        """It as one response."""
        last = self.last or Response(finish="length")
        return replace(last, content=self.text)


@dataclass(frozen=True)
class _Writing:
    """How traces are written: the request of a whole answer, the tokens of a chunk, the test's calibration and rate."""

    request: Request
    chunk: int
    rate: float
    calibration: Sequence[float] = ()

    async def whole(self, engine: Scope, trace: Trace) -> None:
        """A trace from its start to its end, waiting for no other."""
        await self.draft(engine, trace)
        await self.judge(engine, trace, self.calibration)
        await self.rest(engine, trace)

    async def rest(self, engine: Scope, trace: Trace) -> None:
        """A trace from behind its first chunk to its end."""
        while not trace.over and not trace.ended:
            await self.draft(engine, trace)
            await self.judge(engine, trace, self.calibration)

    async def draft(self, engine: Scope, trace: Trace) -> None:
        """The next chunk by the draft, and how likely the target finds it."""
        before = trace.text
        if not await self._write(engine.on(DRAFT), trace):
            return
        score = await self._score(engine, before, trace.text[len(before) :])
        if score is None:
            trace.over = True
        else:
            trace.scores.append(score)

    async def judge(self, engine: Scope, trace: Trace, calibration: Sequence[float]) -> None:
        """Have the target go on from the newest chunk where the test rejects that: the chunk is kept."""
        if trace.over:
            return
        trace.rejected.append(rejects(trace.scores[-1], calibration, self.rate))
        if trace.rejected[-1]:
            if trace.ended:  # a draft that thinks it is done is gone on from on a new line
                trace.text += "\n"
            await self._write(engine, trace)

    async def _write(self, engine: Scope, trace: Trace) -> bool:
        """A further chunk of a trace; not where it has all of its tokens or the budget holds none."""
        left = min(self.chunk, self.request.max_tokens - trace.tokens)
        request = replace(self.request, prefix=trace.text, max_tokens=max(1, left))
        tokens = engine.longest(request) if left > 0 else 0
        if not tokens:
            trace.over = True
            return False
        found = (await engine.sample(replace(request, max_tokens=tokens)))[0]
        trace.text, trace.tokens, trace.last = trace.text + found.content, trace.tokens + found.usage.generated, found
        trace.over = found.truncated and not found.usage.generated
        return not trace.over

    async def _score(self, engine: Scope, before: str, chunk: str) -> float | None:
        """The mean log-probability that the target gives the tokens of a chunk; None where the budget holds no call."""
        if not chunk:
            return -math.inf
        request = scoring(self.request, before, chunk)
        if not engine.fits([request]):
            return None
        logprobs = (await engine.sample(request))[0].prefix_logprobs
        return sum(logprobs) / len(logprobs) if logprobs else -math.inf


def scoring(request: Request, before: str, chunk: str) -> Request:
    """What asks for the log-probabilities of a chunk alone; of all that was written, where the prompt is messages."""
    asked = replace(request, max_tokens=0, scored=True, temperature=0.0)
    if isinstance(request.prompt, str):
        return replace(asked, prompt=request.prompt + before, prefix=chunk)
    return replace(asked, prefix=before + chunk)


@strategy(needs=("continuation", "scored"), roles=(DRAFT,), rule="majority")
async def draft_target(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    rejected: float = RATE,
    calibration: tuple[float, ...] | None = None,
    samples: int = SAMPLES,
    chunk: int | None = None,
    vote: Vote | None = None,
    tokens: int | None = None,
    temperature: float = TEMPERATURE,
) -> Answer:
    """Samples written in chunks by the engine `draft`; where the target finds a chunk unlikely, it goes on from there.

    Use it where a small model writes most of an answer well and the target is dear: the target reads every chunk and
    writes behind a share of them. Not where the draft's errors cannot be mended by what follows: a rejected chunk is
    kept. The test holds the share on the turn that it is calibrated on; later chunks are not of that kind, and drift.
    Arguments: `rejected` is the share of chunks handed to the target. `calibration` are scores, mean log-probabilities
    by the target of first chunks of other problems: then no sample waits for another. Without, a sample's first chunk
    is ranked among those of the others, and later ones among all first ones. `chunk` are tokens of draft and of target
    (a quarter of an answer's bound if not given); `samples` vote, as many as the budget holds. The answer's figures are
    `rejected`, the share by turn, and `chunks`, of how many.
    Errors: `Refused` for a draft that cannot go on from a prefix.
    Source: arXiv 2509.15148 and its authors' code, for the direction of the test and the target's going on; the 1 added
    to both sides of the rank is the paper's, not the code's.
    """
    positive(samples=samples, chunk=chunk)
    shares(rejected=rejected)
    check_calibration(calibration)
    draft = engine.on(DRAFT)
    check_abilities(draft)
    request = ask(problem, tokens, temperature=temperature)
    size = chunk or -(-request.max_tokens // CHUNKS)
    count = wave(engine, request, samples, apart=True, beside=_reading(engine, request, size))
    if not count:
        return Answer(await one(engine, request))
    traces = [Trace() for _ in range(count)]
    writing = _Writing(request, size, rejected, calibration or ())
    if calibration is not None:
        await engine.map(writing.whole, traces)
    else:
        await _calibrated_on_itself(engine, writing, traces)
    traces.sort(key=lambda trace: not trace.ended)  # where nobody votes, one that ended stands for them
    elected = await elect(problem, engine, [trace.shown() for trace in traces], vote, None)
    return replace(elected, figures=_figures(traces))


async def _calibrated_on_itself(engine: Scope, writing: _Writing, traces: Sequence[Trace]) -> None:
    """Every first chunk ranked among the others', then the rest ranked among all first ones, no trace waiting."""
    await engine.map(writing.draft, traces)
    scored = [trace for trace in traces if trace.scores]
    first = [trace.scores[0] for trace in scored]
    later = replace(writing, calibration=first)

    async def go_on(engine: Scope, item: tuple[Trace, list[float]]) -> None:
        trace, others = item
        await later.judge(engine, trace, others)
        await later.rest(engine, trace)

    await engine.map(go_on, [(trace, first[:i] + first[i + 1 :]) for i, trace in enumerate(scored)])


def _figures(traces: Sequence[Trace]) -> dict[str, tuple[float, ...]]:
    turns = range(max(len(trace.rejected) for trace in traces))
    by_turn = [[trace.rejected[turn] for trace in traces if turn < len(trace.rejected)] for turn in turns]
    return {
        "rejected": tuple(sum(each) / len(each) for each in by_turn),
        "chunks": tuple(float(len(each)) for each in by_turn),
    }


def _reading(engine: Scope, request: Request, size: int) -> Meter:
    """What a sample may take besides its tokens: both models read what is written, and one scores it, every turn."""
    single, draft = replace(request, max_tokens=1), engine.on(DRAFT)
    each = engine.worst(single) + draft.worst(single) + engine.worst(replace(request, max_tokens=0, scored=True))
    return each * -(-request.max_tokens // size)


def check_calibration(calibration: object) -> None:
    """Refuse scores that are none."""
    if calibration is None:
        return
    if not isinstance(calibration, tuple | list) or not all(
        isinstance(one, int | float) and math.isfinite(one) for one in calibration
    ):
        raise Refused("bad-argument", "calibration holds something that is no score", "the strategy",
                      "give mean log-probabilities, such as calibration=(-0.4, -0.9)")  # fmt: skip


def check_abilities(draft: Scope) -> None:
    """Refuse a draft that cannot go on from a prefix."""
    if not draft.abilities.continuation:
        raise Refused("engine-lacks", "the engine for 'draft' cannot go on from a prefix", "draft_target",
                      "give a draft with continuation: raw text on most servers")  # fmt: skip
