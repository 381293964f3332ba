"""Which recorded samples an episode used: its own, and those that a smaller budget had drawn before it.

A record says in which episode a sample was drawn, not which others used it again. But samples of a request are drawn
in order and are used from the first, so whoever drew sample 5 used 0 to 4; and calls and tokens must add up to what
the episode's meter counted. An episode for which they do not is not rebuilt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from allometry.inference.calls import Place
from allometry.inference.calls.keys import digest, key_text, number
from allometry.inference.serving.recorded import Episode, Sample


def used_samples(episode: Episode, given: Sequence[Sample]) -> list[Sample] | None:
    """What an episode used of what was `given` to its group; None where its meter counted otherwise."""
    for found in _candidates(episode, given):
        if _agrees(episode, found):
            return found
    return None


def _candidates(episode: Episode, given: Sequence[Sample]) -> Iterator[list[Sample]]:
    own = [sample for sample in given if sample.episode == episode.key]
    yield own
    # what a scorer asked is recorded with the episode, and is no cost of it
    own = [sample for sample in own if _of_strategy(sample, episode.root)]
    yield own
    others = [s for s in given if s.episode != episode.key and not s.cancelled and _of_strategy(s, episode.root)]
    by_key = {sample.key: sample for sample in reversed(others)}  # the first to come is the one that is used again
    known = {sample.key for sample in own}
    older = [sample for key, sample in by_key.items() if key not in known]
    most: dict[tuple[str, ...], int] = defaultdict(int)
    for sample in own:
        most[sample.family] = max(most[sample.family], sample.sample)
    before = [sample for sample in older if sample.family in most and sample.sample < most[sample.family]]
    yield [*before, *own]
    rest = [sample for sample in older if sample not in set(before)]
    for source in reversed(dict.fromkeys(sample.episode for sample in others)):
        whole = [sample for sample in rest if sample.episode == source or sample.family not in most]
        yield from _shorter([*before, *own], sorted(whole, key=lambda s: (s.started, s.path, s.sample)), episode)


def _shorter(sure: list[Sample], older: list[Sample], episode: Episode) -> Iterator[list[Sample]]:
    """With the first so many of the older samples as calls are missing."""
    missing = episode.outcome.meter.calls - sum(sample.kind == "sample" for sample in sure)
    if 0 < missing <= len(older):
        yield [*older[:missing], *sure]
        by_family: dict[tuple[str, ...], list[Sample]] = defaultdict(list)
        for sample in older:
            by_family[sample.family].append(sample)
        for of_family in by_family.values():
            if len(of_family) >= missing:
                yield [*sorted(of_family, key=lambda s: s.sample)[:missing], *sure]


def _agrees(episode: Episode, found: Sequence[Sample]) -> bool:
    meter = episode.outcome.meter
    asked = [sample for sample in found if sample.kind == "sample"]
    return len(asked) == meter.calls and sum(s.generated_tokens for s in asked) == meter.generated_tokens


def _of_strategy(sample: Sample, root: Place) -> bool:
    """Whether a sample's key is that of the strategy's own call tree, and not of its scorer's."""
    base = root.base
    for index in sample.path.split(".") if sample.path else ():
        base = digest(base, index)
    family = number(digest(base, sample.engine, sample.prompt, sample.parameters))
    return key_text(family + sample.sample) == sample.key
