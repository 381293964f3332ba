"""`generalist`: another model's opinion, asked several times and added up, if wanted after a look at each opinion."""

from __future__ import annotations

import math
from collections.abc import Sequence

from allometry.inference.calls import CallFailed, Meter, Request, Response, Scope
from allometry.inference.tasks import Problem
from allometry.inference.verifiers.grader import Grader
from allometry.inference.verifiers.graders._maker import GraderMaker
from allometry.inference.verifiers.graders.judge import BYTES_OF_TOKEN, HIGHEST, POSED, ROLE, TOKENS, fill, score
from allometry.notices import Refused

# Published settings: opinions are drawn at this temperature, and the better half of them counts.
TEMPERATURE, KEPT = 0.5, 2
SAMPLES = 8
RUBRIC = f"""You grade one answer to a problem. {POSED}
First write down the principles by which an answer to this problem is good, with a weight for each. Then hold the answer
against each of them. End with one line: "Score: N", where N is a whole number from 1 (worst) to {HIGHEST} (best)."""
META = f"""You judge a review of an answer. {POSED}
<review>
{{review}}
</review>

Say how far the score of the review can be trusted. End with one line: "Score: N", where N is a whole number from 0
(wrong) to {HIGHEST} (surely right)."""


def make(text: str) -> Grader:
    """The opinion of the engine `judge`, sampled K times (8 if not given) and added up, as a share of the most there is.

    Its principles are written anew each time. With `generalist:K+meta` the judge also says of every opinion how far it can
    be trusted, and only the better half counts, for 2K calls a response in place of K. Errors that the opinions have in
    common are not averaged out. An opinion without a score does not count; a response without any has 0. Each response
    is judged alone; in the paper all stand in one text, and a model that was trained for it says what to trust.
    Source: Liu et al. 2025, arXiv 2504.02495, section 4 (voting and meta reward).
    """
    samples, meta = _settings(text)

    async def grade(problem: Problem, responses: Sequence[Response], engine: Scope) -> list[float]:
        async def opinion(engine: Scope, response: Response) -> float | None:
            said = await engine.sample(_request(problem, response, samples))
            trusts = await engine.map(trust, [(response, one) for one in said]) if meta else [0.0] * samples
            return summed([score(one.content) for one in said], trusts, KEPT if meta else 1)

        async def trust(engine: Scope, pair: tuple[Response, Response]) -> float:
            return score((await engine.sample(_meta_request(problem, *pair)))[0].content) or 0.0

        found = await engine.on(ROLE).map(opinion, responses)
        if found and all(one is None for one in found):
            raise CallFailed("the judge said no score", paid=False)
        return [one or 0.0 for one in found]

    def takes(problem: Problem, request: Request, engine: Scope) -> Meter:
        answer, review = (Response("x" * BYTES_OF_TOKEN * tokens) for tokens in (request.max_tokens, TOKENS))
        judge = engine.on(ROLE)
        opinions = judge.worst(_request(problem, answer, samples))
        return opinions + judge.worst(_meta_request(problem, answer, review)) * samples if meta else opinions

    return Grader(f"generalist:{samples}{'+meta' * meta}", "learned", grade, check=summed, roles=(ROLE,), takes=takes)


def _settings(text: str) -> tuple[int, bool]:
    count, plus, meta = text.partition("+")
    samples = int(count) if count.isascii() and count.isdigit() and len(count) < 5 else 0 if count else SAMPLES
    if samples < 1 or (plus and meta != "meta"):
        raise Refused("bad-grader", f"{text!r} says not how often to ask", "the grader generalist",
                      "write generalist:8, or generalist:8+meta")  # fmt: skip
    return samples, bool(plus)


def _request(problem: Problem, response: Response, samples: int) -> Request:
    prompt = fill(RUBRIC, problem, response=response.content)
    return Request(({"role": "user", "content": prompt},), max_tokens=TOKENS, n=samples, temperature=TEMPERATURE)


def _meta_request(problem: Problem, response: Response, review: Response) -> Request:
    prompt = fill(META, problem, response=response.content, review=review.content)
    return Request(({"role": "user", "content": prompt},), max_tokens=TOKENS, temperature=0.0)


def summed(scores: Sequence[float | None], trusts: Sequence[float], kept: int) -> float | None:
    """The mean of the scores there are, of one in `kept` the most trusted, the first of equals; None for none.

    >>> summed([0.2, None, 0.6, 0.9], [0.5, 1.0, 0.5, 0.1], 2), summed([None], [0.0], 1)
    (0.4, None)
    """
    said = [(trust, one) for trust, one in zip(trusts, scores, strict=True) if one is not None]
    best = sorted(said, key=lambda pair: -pair[0])[: math.ceil(len(said) / kept)]
    return sum(one for _, one in best) / len(best) if best else None


GRADER = GraderMaker("generalist", make, "[:K[+meta]]")
