"""One episode: a strategy on a problem at a budget, scored, metered and recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeAlias

from allometry.inference.calls import (
    MAIN,
    NUMBERS,
    Allowance,
    Budget,
    CallFailed,
    Clock,
    Driver,
    Engine,
    Exhausted,
    Ledger,
    Meter,
    Place,
    Recorder,
    Response,
    Scope,
    canonical,
    check_needs,
    digest,
)
from allometry.inference.records import Line, Records
from allometry.inference.strategies import Answer, Strategy
from allometry.inference.sweeps.fingerprint import fingerprint
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader
from allometry.notices import Refused

State: TypeAlias = Literal["answered", "truncated", "unaffordable", "failed"]
SCORING = "scoring"


@dataclass(frozen=True)
class Outcome:
    """How an episode ended.

    `grade` is the scorer's, None where there is none. `state` is "truncated" where the answer was cut off and is not
    right as it stands: that is not a wrong answer. "unaffordable" means that the budget held no call, "failed" that a
    call failed; `why` says so, and where an answer is not what its strategy sets out to give. What selects and what
    scores are named with their kinds; `oracle` marks a selector that saw the answer. `figures` are the strategy's own,
    by name. `meter` is what the strategy took, without the scorer; `first_token` the seconds until there
    was any token of a model, None where the engine does not say; `answer` the key of the response in the records,
    `response` that itself, None for an outcome that was read back. `identity` is the strategy with all its arguments.
    """

    problem: str
    group: str
    strategy: str
    engine: str
    budget: str
    seed: int
    state: State
    grade: float | None
    selector: str
    selector_kind: str
    oracle: bool
    scorer: str
    scorer_kind: str
    samples: int
    votes: tuple[float, ...]
    meter: Meter
    first_token: float | None = None
    answer: str = ""
    why: str = ""
    figures: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    identity: str = ""
    response: Response | None = None

    @property
    def limit(self) -> tuple[float, str]:
        """The first limit of the budget and its unit; (0, "") for none."""
        unit, _, limit = self.budget.partition(",")[0].partition("=")
        return (float(limit), unit) if limit else (0.0, "")


@dataclass(frozen=True)
class Setting:
    """What the episodes of a sweep have in common besides problem, strategy and budget.

    `paid` books every call that is really made, and may have a limit for all of them together. Credentials of the
    engines are kept out of the records from here on.
    """

    engines: Mapping[str, Engine]
    records: Records
    scorer: Grader | None = None
    seed: int = 0
    paid: Ledger = field(default_factory=lambda: Ledger(None))

    def __post_init__(self) -> None:
        for engine in self.engines.values():
            self.records.hide(engine.profile.secrets)

    @property
    def engine(self) -> Engine:
        return self.engines[MAIN]

    @property
    def identity(self) -> str:
        """All engines by role."""
        return canonical({role: engine.profile.identity for role, engine in self.engines.items()})


def check(strategy: Strategy, budget: Budget | None, setting: Setting) -> None:
    """Refuse, before anything is spent, what could not be run: abilities, engines and prices that are not there."""
    profile = setting.engine.profile
    check_needs(profile, strategy.needs, strategy.name)
    graders = (*strategy.graders, *(() if setting.scorer is None else (setting.scorer,)))
    for role in (*strategy.roles, *(role for grader in graders for role in grader.roles)):
        if role not in setting.engines:
            raise Refused(
                "no-engine",
                f"{strategy.name} needs an engine for {role!r}",
                "engines",
                f"give one for {role}, --{role} ENGINE",
            )
    for engine in setting.engines.values():
        if budget is not None:
            budget.check(engine.profile)


def episode_key(strategy: Strategy, problem: Problem, budget: Budget | None, setting: Setting) -> str:
    """What an episode is kept under: who answers what, how, at which budget."""
    text = "" if budget is None else budget.as_text()
    posed = canonical([problem.id, problem.prompt, problem.tools, problem.sample_tokens])
    return digest(setting.identity, strategy.identity, posed, text, str(setting.seed)).hex()[:32]


def recorded(strategy: Strategy, problem: Problem, budget: Budget | None, setting: Setting) -> Outcome | None:
    """The outcome of an episode that is in the records, made by the same code and scorer; failed ones are run again."""
    made_by = fingerprint(strategy, problem, setting.engines, setting.scorer)
    for line in reversed(setting.records.episodes.get(episode_key(strategy, problem, budget, setting), [])):
        held = json.loads(line["result"])
        if held.pop("made_by") == made_by and held["state"] != "failed":
            return _outcome(held, line["strategy"])
    return None


async def play(strategy: Strategy, problem: Problem, budget: Budget | None, setting: Setting) -> Outcome:
    """Run one episode, or replay as much of it as is recorded, and record its outcome.

    Errors: `Halted` where the sweep may pay for no further call; what was received until then is recorded.
    """
    key = episode_key(strategy, problem, budget, setting)
    recorder = Recorder(setting.records, key, problem.id, strategy.identity, setting.seed)
    ran = await _run(strategy, problem, Ledger(budget), recorder, setting)
    grade = None
    try:
        grade = await _score(strategy, problem, ran.answer.response, recorder, setting)
    except CallFailed as failure:
        ran = ran._replace(why=f"{SCORING}: {failure.reason}", failed=True)
    outcome = _outcome_of(ran, grade, strategy, problem, budget, setting)
    made_by = fingerprint(strategy, problem, setting.engines, setting.scorer)
    setting.records.append([_line(key, outcome, recorder, made_by)])
    return outcome


class _Ran(NamedTuple):
    """What a strategy came to: its answer, or why there is none."""

    answer: Answer
    meter: Meter
    first_token: float | None
    why: str = ""
    failed: bool = False


async def _run(strategy: Strategy, problem: Problem, ledger: Ledger, recorder: Recorder, setting: Setting) -> _Ran:
    clock = Clock()
    driver = Driver(recorder, ledger, setting.paid, clock)
    scope = Scope(driver, Place.root(setting.seed, problem.id, strategy.identity), setting.engines, problem)
    answer, why, failed = Answer(None, 0), "", False
    try:
        answer = await driver.run(strategy.run(problem.blind(), scope, Allowance(ledger, clock)))
    except Exhausted as exhausted:
        why = str(exhausted)
    except CallFailed as failure:
        why, failed = failure.reason, True
    if not isinstance(answer, Answer):
        kind = type(answer).__name__
        raise Refused("no-answer", f"{strategy.name} returned a {kind}", "the strategy", "return an Answer")
    meter = replace(ledger.spent, critical_path_tokens=driver.critical_path_tokens, seconds=clock.now)
    return _Ran(answer, meter, driver.first_token, why or answer.why, failed)


async def _score(
    strategy: Strategy, problem: Problem, response: Response | None, recorder: Recorder, setting: Setting
) -> float | None:
    """The scorer's grade; what it asks of engines is recorded, but is no cost of the strategy."""
    scorer = setting.scorer
    if scorer is None or response is None:
        return None
    driver = Driver(recorder, Ledger(None), setting.paid)
    place = Place.root(setting.seed, problem.id, strategy.identity, SCORING)
    scope = Scope(driver, place, setting.engines, problem)
    return float((await driver.run(scope.grade(scorer, [response])))[0])


def _outcome_of(
    ran: _Ran, grade: float | None, strategy: Strategy, problem: Problem, budget: Budget | None, setting: Setting
) -> Outcome:
    response, scorer = ran.answer.response, setting.scorer
    return Outcome(
        problem=problem.id, group=problem.group or problem.id, strategy=strategy.label,
        engine=setting.engine.profile.identity, budget="" if budget is None else budget.as_text(), seed=setting.seed,
        state=_state(ran, grade), grade=grade,
        selector=strategy.selector, selector_kind=strategy.selector_kind, oracle=strategy.oracle,
        scorer="" if scorer is None else scorer.name, scorer_kind="" if scorer is None else scorer.kind,
        samples=ran.answer.samples, votes=ran.answer.votes, meter=ran.meter, first_token=ran.first_token,
        answer="" if response is None else response.key, why=ran.why, figures=ran.answer.figures,
        identity=strategy.identity,
        response=response,
    )  # fmt: skip


def _state(ran: _Ran, grade: float | None) -> State:
    if ran.failed:
        return "failed"
    if ran.answer.response is None:
        return "unaffordable"
    return "truncated" if ran.answer.response.truncated and not grade else "answered"


def _line(key: str, outcome: Outcome, recorder: Recorder, made_by: str) -> Line:
    held = {name: value for name, value in outcome.__dict__.items() if name not in ("response", "identity")}
    meter = {**{name: getattr(outcome.meter, name) for name in NUMBERS}, "estimated": sorted(outcome.meter.estimated)}
    return {
        "kind": "episode", "key": key, "episode": key, "problem": outcome.problem, "strategy": recorder.strategy,
        "engine": outcome.engine, "seed": outcome.seed,
        "result": canonical({**held, "meter": meter, "made_by": made_by}),
    }  # fmt: skip


def outcome_of(result: str, identity: str) -> Outcome:
    """The outcome that a line of the records holds as its `result`, of the strategy with this identity."""
    held = json.loads(result)
    held.pop("made_by", None)
    return _outcome(held, identity)


def _outcome(held: Mapping[str, Any], identity: str) -> Outcome:
    meter = {**held["meter"], "estimated": frozenset(held["meter"]["estimated"])}
    figures = {name: tuple(values) for name, values in held.get("figures", {}).items()}
    made = {"votes": tuple(held["votes"]), "meter": Meter(**meter), "figures": figures, "identity": identity}
    return Outcome(**{**held, **made})
