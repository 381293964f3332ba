"""A policy: how questions are answered from now on, what that was measured to come to, and answering by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from allometry.inference.calls import Budget, Engine, Message, Meter, Prompt, Response, read_budgets, wait
from allometry.inference.policies.goal import UNITS
from allometry.inference.policies.naming import grader_named, reader_named, strategy_of
from allometry.inference.policies.rules import Seen
from allometry.inference.records import Records
from allometry.inference.strategies import Strategy
from allometry.inference.sweeps.episode import State
from allometry.inference.tasks import Problem
from allometry.notices import Interval, Refused


@dataclass(frozen=True)
class Leaf:
    """A strategy (its identity, and the `label` that people read) and the budget of one question, as `read_budgets` reads it."""

    strategy: str
    label: str
    budget: str

    @property
    def limits(self) -> Budget | None:
        """The budget.

        Errors: `Refused` for what is none, or a series of them.
        """
        found = read_budgets(self.budget) if self.budget else (None,)
        if len(found) > 1:
            raise Refused("bad-budget", f"{self.budget!r:.80} is a series", "the policy", "give one budget")
        return found[0]


@dataclass(frozen=True)
class Split:
    """Which leaf answers: the first where what is seen is `at_least` so much, the second elsewhere."""

    on: Seen
    at_least: float


@dataclass(frozen=True)
class Served:
    """An answer of a policy.

    `content` and `response` are None where there is none (`state` and `why` say why). `leaf` is the strategy and budget
    that gave it, `seen` what the rule saw, `meter` all that was asked of engines for it, whichever leaf it was for.
    """

    content: str | None
    response: Response | None
    leaf: str
    state: State
    why: str
    seen: float | None
    votes: tuple[float, ...]
    meter: Meter


@dataclass(frozen=True)
class Policy:
    """A rule and its leaves (one leaf and no rule: the same for every question), and what was promised of them.

    `accuracy` and `costs` (means of a question, by meter) are what it came to on problems that it was not chosen on,
    with intervals for the mean over all problems of that kind. `records` is the fingerprint of what it was made from.
    It was measured on `engine`, scored by `scorer`; `reader` takes the answers out of texts for votes, and a sample has
    `sample_tokens` at most.
    Errors: `Refused` for what cannot be.
    """

    leaves: tuple[Leaf, ...]
    split: Split | None
    goal: str
    accuracy: Interval
    costs: Mapping[str, Interval]
    level: float
    problems: int
    seeds: int
    engine: str
    scorer: str
    scorer_kind: str
    selector_kind: str
    reader: str
    sample_tokens: int
    records: str
    made_by: str = ""
    allow_code: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.leaves) != (1 if self.split is None else 2):
            raise Refused("bad-policy", f"{len(self.leaves)} leaves do not go with {'no' if self.split is None else 'a'} rule",
                          "the policy", "give one leaf, or a rule and two")  # fmt: skip
        for name in self.costs:
            if name not in UNITS:
                raise Refused("bad-policy", f"{name!r} is no meter", "the policy")
        if any(strategy.oracle for strategy in self.strategies):
            raise Refused("oracle", "a selector of the policy sees the answers, which nobody has at serve time", "the policy",
                          "plan with another selector")  # fmt: skip
        _ = self.budgets, reader_named(self.reader, allow_code=self.allow_code)

    @cached_property
    def strategies(self) -> tuple[Strategy, ...]:
        """The strategies of the leaves."""
        return tuple(strategy_of(leaf.strategy, allow_code=self.allow_code) for leaf in self.leaves)

    @cached_property
    def budgets(self) -> tuple[Budget | None, ...]:
        return tuple(leaf.limits for leaf in self.leaves)

    @property
    def graders(self) -> tuple[str, ...]:
        """The graders that it asks while it answers, by name."""
        return tuple(dict.fromkeys(grader.name for strategy in self.strategies for grader in strategy.graders))

    @staticmethod
    def load(path: str | Path, *, allow_code: bool = False) -> Policy:
        """The policy of a file, which may come from anybody: nothing in it is believed or run unless `allow_code`.

        Errors: `Refused` for anything that is no policy of this version, in one sentence.
        """
        from allometry.inference.policies.file import read_policy

        return read_policy(path, allow_code=allow_code)

    def save(self, path: str | Path) -> Path:
        """Write the policy as JSON, whole or not at all. It holds names and numbers, no texts of prompts or answers."""
        from allometry.inference.policies.file import write_policy

        return write_policy(self, path)

    async def answer(
        self,
        asked: str | Sequence[Message] | Problem,
        engine: Engine | Mapping[str, Engine],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        score: float | None = None,
        tokens: int | None = None,
        seed: int = 0,
        records: Records | None = None,
        other_engine: bool = False,
    ) -> Served:
        """The answer to a prompt, messages or a problem, as the policy says; many may be under way on one engine.

        Where tools are given or the messages hold calls of tools, one greedy sample is returned as it is, its tool
        calls untouched. A `Problem` brings its own reader and the `data` that graders may check by.
        Arguments: `engine`, or several by role; `score` is the user's number where the rule looks at one; `tokens`
        bounds a sample in place of the policy's own bound; the same `seed` gives the same samples where the engine
        can. `records` keeps what is asked, and answers the same question at the same seed from there; without them
        nothing is kept. `other_engine` allows an engine that the
        policy was not measured on: then its promise holds no more.
        Errors: `Refused` before anything is asked, for an engine or a grader that is not there, and for what the rule
        needs and was not given. A call that failed is no error: the answer's `state` says so.
        """
        from allometry.inference.policies.serving import answer

        return await answer(self, asked, engine, tools, score, tokens, seed, records, other_engine)

    def answer_sync(self, asked: str | Sequence[Message] | Problem, engine: Engine | Mapping[str, Engine], **settings: Any) -> Served:  # fmt: skip
        """`answer` for code that is not asynchronous; it also works where an event loop runs (notebooks)."""
        return wait(self.answer(asked, engine, **settings))

    def problem(self, prompt: Prompt, tools: Sequence[Mapping[str, Any]] = (), tokens: int | None = None) -> Problem:
        """A prompt as a problem without an answer."""
        from allometry.inference.calls import canonical
        from allometry.inference.records import text_hash

        name = text_hash(canonical(prompt))
        read = reader_named(self.reader, allow_code=self.allow_code)
        return Problem(name, prompt, tools=tuple(tools), sample_tokens=tokens or self.sample_tokens, read=read)

    def needs_data(self) -> bool:
        """Whether a grader of it checks by data that a prompt alone does not bring."""
        blank = Problem("blank", "blank")
        return any(grader_named(name, allow_code=self.allow_code).lacks(blank) for name in self.graders)
