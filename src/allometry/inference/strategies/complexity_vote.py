"""Complexity-based consistency: of all samples only those with the most steps vote."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from allometry.inference.calls import Allowance, Response, Scope
from allometry.inference.strategies._checks import shares
from allometry.inference.strategies._drawing import TEMPERATURE, ask, draw
from allometry.inference.strategies.arguments import Positive, Temperature
from allometry.inference.strategies.self_consistency import elect
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Vote

# The paper's 30 to 40 of 50 samples (recalled).
SHARE = 0.7
_SENTENCE_END = re.compile(r"[.;](?=\s|\Z)")


@strategy(rule="majority of the most complex")
async def complexity_vote(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    share: float = SHARE,
    samples: Positive | None = None,
    vote: Vote | None = None,
    tokens: Positive | None = None,
    temperature: Temperature = TEMPERATURE,
    prefix: str = "",
) -> Answer:
    """As many samples as the budget holds; only the share of them that is written in most steps votes.

    Use it where short chains skip what they should work out. Where right answers tend to be the shorter ones it takes
    the wrong side; `first_finish` is for those. With `share=1` it is `self_consistency`.
    Arguments: `share` is that of the samples that vote, of those with a vote at all: what was cut off is long and says
    nothing. At least one is kept, of equally many steps the earlier one. Others are those of `self_consistency`.
    Source: Fu et al. 2022, arXiv 2210.00720, section 3.2 (recalled, the count of steps as well).
    """
    shares(share=share)
    request = ask(problem, tokens, temperature=temperature, prefix=prefix)
    found = await draw(engine, request, samples)
    voting = [one for one in found if (vote(one) if vote is not None else problem.read(one.content)) is not None]
    elected = await elect(problem, engine, most_complex(voting, share) or found, vote, None)
    return replace(elected, samples=len(found))


def most_complex(found: Sequence[Response], share: float) -> list[Response]:
    """The share of responses with most steps, at least one, in the order in which they were drawn.

    >>> [one.content for one in most_complex([Response("a\\nb"), Response("c"), Response("d\\ne\\nf")], 0.6)]
    ['a\\nb', 'd\\ne\\nf']
    """
    count = max(1, math.ceil(share * len(found) - 1e-9))
    ranked = sorted(range(len(found)), key=lambda i: -steps_of(found[i].content))
    return [found[i] for i in sorted(ranked[:count])]


def steps_of(text: str) -> int:
    """The lines of a text that hold something; its sentences where all stands in one line.

    >>> steps_of("a = 1\\n\\nb = 2"), steps_of("First this. Then 1.5; so that.")
    (2, 3)
    """
    lines = sum(bool(line.strip()) for line in text.splitlines())
    return lines if lines > 1 else max(lines, len(_SENTENCE_END.findall(text)))
