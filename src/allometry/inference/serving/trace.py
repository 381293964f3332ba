"""The episodes of a row as a trace of requests: what each takes, what it waits for, what it shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allometry.costs.serving import Served, Trace, generate_trace, trace_of
from allometry.costs.serving.traces import COLUMNS, Floats
from allometry.inference.serving.prefixes import Chains
from allometry.inference.serving.rebuilt import used_samples
from allometry.inference.serving.recorded import Played, Recorded, Sample
from allometry.inference.serving.waits import Call, calls_of, chain_tokens
from allometry.inference.sweeps import Outcome
from allometry.notices import Refused


@dataclass(frozen=True, eq=False)
class Load:
    """The questions of a row of a sweep, as requests of jobs that all begin at 0; `at` spreads them over time.

    `job` numbers are questions. `awaited` requests are those that the answer came after; `lead` and `tail` are the
    seconds that other engines and tools took before the first and after the last of them, by question. `unlike` questions have another longest chain of tokens than
    their meter says; `lost` could not be rebuilt, and are left out; `idle` ones asked nothing of the engine.
    """

    trace: Trace
    awaited: NDArray[np.bool_]
    lead: Floats
    tail: Floats
    questions: int
    answered: NDArray[np.bool_]
    unlike: int
    lost: int
    idle: int

    def at(self, rate: float, seed: int) -> Load:
        """The same with questions that come by chance, so many a second, in an order by chance.

        Errors: `Refused` for a rate that is not positive.
        """
        generator = np.random.default_rng(seed)
        begun = generate_trace(rate=rate, requests=self.questions, prompt="1", generated="1", seed=seed).arrival
        arrival = self.trace.arrival + generator.permutation(begun)[self.trace.job]
        order = np.argsort(arrival, kind="stable")
        columns: dict[str, Any] = {name: getattr(self.trace, name)[order] for name in COLUMNS}
        trace = replace(self.trace, **{**columns, "arrival": arrival[order] - arrival[order[0]]})
        return replace(self, trace=trace, awaited=self.awaited[order])

    def latency(self, served: Served) -> Floats:
        """Seconds from each answered question to its answer."""
        begin, end = np.full(self.questions, np.inf), np.full(self.questions, -np.inf)
        np.minimum.at(begin, served.trace.job, served.trace.arrival)
        np.maximum.at(end, served.trace.job[self.awaited], served.finish[self.awaited])
        return (end - begin + self.lead + self.tail)[self.answered & np.isfinite(end)]

    def first(self, requests: int) -> Load:
        """The questions that come first and have at least so many requests together."""
        trace = self.trace.first(requests)
        return replace(self, trace=trace, awaited=self.awaited[np.isin(self.trace.job, trace.job)])


@dataclass
class _Rows:
    """Columns of a trace while they are made."""

    job: list[int] = field(default_factory=list)
    prompt: list[int] = field(default_factory=list)
    generated: list[int] = field(default_factory=list)
    step: list[int | None] = field(default_factory=list)
    after: list[list[int]] = field(default_factory=list)
    think: list[float] = field(default_factory=list)
    prefix: list[tuple[int, int]] = field(default_factory=list)
    shared: list[int] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    awaited: list[bool] = field(default_factory=list)

    def add(self, **values: Any) -> None:
        for name, value in values.items():
            getattr(self, name).append(value)


def load_of(recorded: Recorded, played: Played) -> Load:
    """The episodes of a row as a load of its engine.

    Calls of other engines and of tools are no requests: what waited for them comes so many seconds later as it did
    when it was recorded.
    Errors: `Refused` where no episode can be rebuilt.
    """
    given = recorded.samples(played)
    rebuilt = [(episode, used_samples(episode, given[episode.root.group])) for episode in played.episodes]
    whole = [(episode, calls_of(found) if found else []) for episode, found in rebuilt if found is not None]
    if not any(calls for _, calls in whole):
        raise Refused("nothing-rebuilt", f"no episode of {played.strategy} can be rebuilt from its records",
                      recorded.folder, "sweep it again, with one budget")  # fmt: skip
    several = [calls for _, calls in whole if len({call.samples[0].prompt for call in calls}) > 1]
    prompts = recorded.texts("prompt", [call.samples[0].prompt for calls in several for call in calls])
    keys = [sample.key for calls in several for call in calls for sample in call.samples]
    answers = recorded.texts("sample", keys) if prompts else {}
    rows = _Rows()
    around = [
        _add(rows, job, episode.outcome, calls, Chains(prompts, answers)) for job, (episode, calls) in enumerate(whole)
    ]
    lead, tail = np.array(around).T
    trace = trace_of(
        [0.0] * len(rows.job), rows.prompt, rows.generated, job=rows.job, step=rows.step, after=rows.after,
        shared=rows.shared, think=rows.think, prefix=rows.prefix, kept=rows.kept, where=played.strategy,
    )  # fmt: skip
    asked = np.zeros(len(whole), dtype=bool)
    asked[rows.job] = True
    answered = np.array([bool(episode.outcome.answer) for episode, _ in whole]) & asked
    unlike = sum(chain_tokens(calls) != episode.outcome.meter.critical_path_tokens for episode, calls in whole)
    return Load(
        replace(trace, job=np.array(rows.job)), np.array(rows.awaited), lead, tail, len(whole), answered, unlike,
        len(rebuilt) - len(whole), int((~asked).sum()),
    )  # fmt: skip


def _add(rows: _Rows, job: int, outcome: Outcome, calls: Sequence[Call], chains: Chains) -> tuple[float, float]:
    """Add the requests of a question; gives the seconds that others took before the first and after the last of them."""
    own = {
        number: call
        for number, call in enumerate(calls)
        if call.samples[0].kind == "sample" and call.samples[0].engine == outcome.engine
    }
    if not own:
        return 0.0, 0.0
    waits = _through(calls, own)
    placed = {number: chains.place(call) for number, call in own.items()}
    users = Counter(placed[number] for number, call in own.items() for _ in call.samples)
    lead = min(call.start for call in own.values()) if len(own) < len(calls) else 0.0
    for number, call in own.items():
        # without others no time passes between the calls of a strategy
        last = max((calls[i].end for i in waits[number]), default=lead)
        gap = max(0.0, call.start - last) if any(i not in own for i in call.waits) else 0.0
        for sample in call.samples:
            waited = _is_awaited(sample, outcome)
            rows.add(
                job=job, prompt=max(1, sample.prompt_tokens), generated=max(1, sample.generated_tokens),
                step=number if waited else None, after=waits[number], think=gap, prefix=(job, placed[number]),
                shared=sample.prompt_tokens if users[placed[number]] > 1 else 0,
                kept=sample.prompt_tokens + sample.generated_tokens if sample.key in chains.kept else 0, awaited=waited,
            )  # fmt: skip
    ended = max(call.end for call in own.values())
    return lead, max((call.end - ended for number, call in enumerate(calls) if number not in own), default=0.0)


def _through(calls: Sequence[Call], own: Mapping[int, Call]) -> list[list[int]]:
    """Which calls of the engine each waited for, through those of others."""
    found: list[set[int]] = []
    for call in calls:
        found.append(set[int]().union(*({i} if i in own else found[i] for i in call.waits)))
    return [sorted(waits) for waits in found]


def _is_awaited(sample: Sample, outcome: Outcome) -> bool:
    """Whether the answer came after this sample: all that were not stopped, or were at the end of the time."""
    limits = dict(part.split("=") for part in outcome.budget.split(",") if part)
    return not sample.cancelled or sample.ended >= float(limits.get("seconds", "inf"))
