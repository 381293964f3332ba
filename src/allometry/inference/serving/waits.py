"""Which calls of an episode waited for which, from their places in the call tree and the order of their times.

A thread makes one call after the other, so calls at one place follow each other. A call waits for those of its
ancestors and descendants that had ended when it began. A branch beside its own it waits for where all of that had ended
when its own began: rounds of parallel samples do, parallel samples of one round do not. What was stopped nobody waited
for. Times tell the order only, never how long anything takes under another load.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from allometry.inference.serving.recorded import Sample

# A recorded answer that is used again is given a little earlier or later than it was at first: as long as the engine
# said that it took, not until the driver had it.
SLACK = 0.02


@dataclass
class Call:
    """One request: its samples, and the numbers of the calls that it waited for, of those nothing else waited for first."""

    path: tuple[int, ...]
    samples: list[Sample]
    waits: list[int] = field(default_factory=list)

    @property
    def start(self) -> float:
        return min(sample.started for sample in self.samples)

    @property
    def end(self) -> float:
        return max(sample.ended for sample in self.samples)

    @property
    def awaited(self) -> list[Sample]:
        """Samples that somebody waited for."""
        return [sample for sample in self.samples if not sample.cancelled]


def calls_of(samples: Sequence[Sample]) -> list[Call]:
    """The calls of an episode in the order in which they began, each with those that it waited for."""
    calls = sorted(_calls(samples), key=lambda call: (call.start, call.end, len(call.path), call.path))
    if len(calls) == 1:
        return calls
    begin, end = _branches(calls)
    behind: list[set[int]] = []  # all that a call waited for, and these in turn
    for j, call in enumerate(calls):
        before = [i for i in range(j) if calls[i].awaited and _waits(calls[i], call, begin, end)]
        implied = set[int]().union(*(behind[i] for i in before))
        call.waits = [i for i in before if i not in implied]
        behind.append(implied.union(before))
    return calls


def chain_tokens(calls: Sequence[Call]) -> int:
    """Generated tokens of the longest chain of calls that waited for one another."""
    longest: list[int] = []
    for call in calls:
        own = max((sample.generated_tokens for sample in call.awaited if sample.kind == "sample"), default=0)
        longest.append(own + max((longest[i] for i in call.waits), default=0))
    return max(longest, default=0)


def _calls(samples: Sequence[Sample]) -> list[Call]:
    """Samples of one request that were on their way together: engines may be asked for them one by one."""
    families: dict[tuple[str, ...], list[Sample]] = defaultdict(list)
    for sample in samples:
        families[sample.family].append(sample)
    found = []
    for family, of_family in families.items():
        path = tuple(map(int, family[0].split("."))) if family[0] else ()
        ordered = sorted(of_family, key=lambda sample: (sample.started, sample.sample))
        found.append(Call(path, [ordered[0]]))
        for sample in ordered[1:]:
            begun, ended = found[-1].start, min(s.ended for s in found[-1].samples)
            if sample.started == begun or sample.started < _end(begun, ended):
                found[-1].samples.append(sample)
            else:
                found.append(Call(path, [sample]))
    return found


def _end(start: float, end: float) -> float:
    return max(start, end - SLACK * (end - start))


_Times = dict[tuple[int, ...], float]


def _branches(calls: Sequence[Call]) -> tuple[_Times, _Times]:
    """When the first call at or below each place began, and when the last ended."""
    begin: _Times = {}
    end: _Times = {}
    for call in calls:
        for depth in range(len(call.path) + 1):
            place = call.path[:depth]
            begin[place] = min(begin.get(place, call.start), call.start)
            end[place] = max(end.get(place, call.end), call.end)
    return begin, end


def _waits(one: Call, other: Call, begin: _Times, end: _Times) -> bool:
    """Whether `other`, which began later, waited for `one`."""
    if one.path == other.path:
        return True
    depth = next((k for k, (a, b) in enumerate(zip(one.path, other.path, strict=False)) if a != b), None)
    if depth is None:
        return _end(one.start, one.end) <= other.start
    mine, its = other.path[: depth + 1], one.path[: depth + 1]
    return begin[mine] > begin[its] and _end(begin[its], end[its]) <= begin[mine]
