"""The samples that selectors of a sweep chose among, scored one and all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from allometry.inference.calls import Driver, Engine, Ledger, Place, Recorder, Response, Scope, digest, wait
from allometry.inference.records import Records
from allometry.inference.strategies import Strategy
from allometry.inference.sweeps.selectors.graded import Graded, graded
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader
from allometry.notices import Refused

# Whose samples are all drawn alike: those of searches and of revisions hang on the grades before them.
DRAWN_ALIKE = ("best_of_n",)
SCORING = "scoring of all samples"
Seen = dict[str, dict[str, tuple[Response, float]]]


@dataclass(frozen=True)
class Watched:
    """A strategy whose selector is watched: run it in place of the one it was made of."""

    strategy: Strategy
    selector: Grader
    seen: Seen = field(default_factory=dict, repr=False)

    def graded(
        self, problems: Sequence[Problem], engines: Mapping[str, Engine], scorer: Grader, kept: Records
    ) -> Graded:
        """All samples seen, of all seeds and budgets, each once, with the scorer's word on each.

        Errors: `Refused` where nothing was seen, and for a scorer that gives parts of a grade.
        """
        found = [
            (problem, response, score, grade)
            for problem in problems
            if problem.id in self.seen
            for (response, score), grade in zip(
                self.seen[problem.id].values(), wait(self._scored(problem, engines, scorer, kept)), strict=True,
            )
        ]  # fmt: skip
        if not found:
            raise Refused("nothing-selected", f"{self.strategy.label} had nowhere two samples to choose from",
                          "--budget", "give a larger one")  # fmt: skip
        return graded(
            [problem.id for problem, *_ in found], [score for *_, score, _ in found], [grade for *_, grade in found],
            group=[problem.group or problem.id for problem, *_ in found],
            vote=[problem.read(response.content) for problem, response, *_ in found],
            selector=self.selector.name, scorer=scorer.name,
        )  # fmt: skip

    async def _scored(
        self, problem: Problem, engines: Mapping[str, Engine], scorer: Grader, kept: Records
    ) -> list[float]:
        """What is run for it is recorded, and is no cost of the strategy."""
        identity = self.strategy.identity
        key = digest(identity, problem.id, scorer.name, SCORING).hex()[:32]
        driver = Driver(Recorder(kept, key, problem.id, identity, 0), Ledger(None), Ledger(None))
        scope = Scope(driver, Place.root(0, problem.id, identity, SCORING), engines, problem)
        return list(await driver.run(scope.grade(scorer, [response for response, _ in self.seen[problem.id].values()])))


def watch_selectors(strategies: Sequence[Strategy], scorer: Grader) -> tuple[list[Strategy], list[Watched]]:
    """The strategies to run instead of these, and those of them whose selectors are watched.

    Run a sweep of them with `replay`, so that outcomes on record are looked at too: no answer is asked for twice.
    Watched is best-of-N by any selector but an oracle and the scorer itself.
    Errors: `Refused` for a scorer that asks a model: it would be asked about every sample.

    >>> from allometry.inference.strategies import find_strategy
    >>> from allometry.inference.verifiers import EXACT, simulated_verifier
    >>> best = find_strategy("best_of_n")(selector=simulated_verifier(0.1, 0.2))
    >>> len(watch_selectors([best, find_strategy("greedy")()], EXACT)[1])
    1
    """
    if scorer.roles:
        raise Refused("costly-scorer", f"the scorer {scorer.name} would be asked about every sample", "--selector-errors",
                      "score by a check that asks no model")  # fmt: skip
    watched = {i: _watched(strategy) for i, strategy in enumerate(strategies) if _may_err(strategy, scorer)}
    run = [watched[i].strategy if i in watched else strategy for i, strategy in enumerate(strategies)]
    return run, list(watched.values())


def _may_err(strategy: Strategy, scorer: Grader) -> bool:
    selector = strategy.arguments.get("selector")
    if strategy.name not in DRAWN_ALIKE or not isinstance(selector, Grader):
        return False
    return not selector.oracle and selector.name != scorer.name


def _watched(strategy: Strategy) -> Watched:
    seen: Seen = {}
    selector: Grader = strategy.arguments["selector"]

    async def grade(problem: Problem, responses: Sequence[Response], engine: Scope) -> Sequence[float]:
        scores = list(await selector.grade(problem, responses, engine))
        kept = seen.setdefault(problem.id, {})
        kept.update({one.key: (one, score) for one, score in zip(responses, scores, strict=True)})
        return scores

    spied = replace(selector, grade=grade, check=selector.code)
    return Watched(replace(strategy, arguments={**strategy.arguments, "selector": spied}), selector, seen)
