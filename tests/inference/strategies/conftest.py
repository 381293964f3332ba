"""A language of a few steps whose every text can be listed: what particles and tree searches are held to."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from allometry.inference.calls import Profile, Request, Response, Usage
from allometry.inference.engines.simulator import ALL
from allometry.inference.verifiers import grader

# After each text, the next steps with their chances; a step that ends with "." ends the answer.
NEXT: dict[str, dict[str, float]] = {
    "": {"a": 0.5, "b": 0.3, "c.": 0.2},
    "a\n": {"x": 0.6, "y.": 0.4},
    "b\n": {"x.": 0.7, "y": 0.3},
    "a\nx\n": {"p.": 0.5, "q.": 0.5},
    "b\ny\n": {"p.": 0.9, "q.": 0.1},
}
GRADES = {"a": 0.4, "b": 0.9, "c.": 0.3, "x": 0.7, "x.": 0.2, "y": 0.8, "y.": 0.5, "p.": 0.6, "q.": 0.15}


@dataclass(frozen=True)
class Language:
    """A virtual engine that says the texts of `NEXT`, a step being a token."""

    profile: Profile = field(default_factory=lambda: Profile("language", ALL, virtual=True))

    async def sample(self, request: Request) -> Sequence[Response]:
        return [self._step(request, random.Random(request.seed + i)) for i in range(request.n)]

    def most_prompt_tokens(self, request: Request) -> int:
        return 1 + request.prefix.count("\n")

    def _step(self, request: Request, rng: random.Random) -> Response:
        steps = NEXT[request.prefix]
        said = rng.choices(list(steps), list(steps.values()))[0]
        stopped = None if said.endswith(".") else "\n"
        return Response(said, stopped_by=stopped, usage=Usage(self.most_prompt_tokens(request), 0, 1), seconds=0.1)


def grade_of(text: str) -> float:
    """What the verifier says of the last step of a text."""
    return GRADES[text.rstrip("\n").rpartition("\n")[2]]


def texts(prefix: str = "", chance: float = 1.0, weight: float = 1.0) -> dict[str, tuple[float, float]]:
    """Every whole text with its chance and the product of the grades of its steps."""
    found: dict[str, tuple[float, float]] = {}
    for said, share in NEXT[prefix].items():
        text, p, w = prefix + said, chance * share, weight * GRADES[said]
        found |= {text: (p, w)} if said.endswith(".") else texts(text + "\n", p, w)
    return found


@pytest.fixture(scope="session")
def language() -> SimpleNamespace:
    """The engine, a verifier, `grade_of` a text, the evidence, and the posterior by text."""
    evidence = sum(p * w for p, w in texts().values())
    posterior = {text: p * w / evidence for text, (p, w) in texts().items()}
    verifier = grader("table", "learned", lambda problem, response: grade_of(response.content))
    return SimpleNamespace(
        engine=Language(), verifier=verifier, grade_of=grade_of, evidence=evidence, posterior=posterior
    )
