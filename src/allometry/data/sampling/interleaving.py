"""Two modalities in one sequence: spans of a text replaced by what another alphabet says of them, to a set ratio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Refused

__all__ = ["Interleaved", "draw_spans", "interleave", "speech_hours"]

Tokens: TypeAlias = NDArray[np.int64]

TOKENS_PER_SECOND = 12.5
"""Of the paper's speech tokenizer (abstract of arXiv 2411.17607)."""


@dataclass(frozen=True, eq=False)
class Interleaved:
    """A sequence of two modalities.

    `tokens` (n,) and `encoded` (n,), which says what is of the second modality, marks included. `spans` (s, 2) are the
    beginnings and ends, in the text, of what was replaced; `ratio` the share of the text that was.
    """

    tokens: Tokens
    encoded: NDArray[np.bool_]
    spans: Tokens
    ratio: float


def draw_spans(length: int, rng: np.random.Generator, *, ratio: float, mean_length: float) -> Tokens:
    """Spans (s, 2) of a text of `length` tokens that together are `ratio` of it, to the token, apart from each other.

    Lengths are Poisson around `mean_length`, none of them 0, drawn until they reach the ratio; the last is cut to meet
    it. Of all ways to place them with a token or more between two, each is as likely.
    Errors: `Refused` for a ratio that leaves no room between spans.
    Source: Zeng et al. 2024, arXiv 2411.17607: span corruption with lengths of a Poisson distribution until a ratio is
    reached; that the last span is cut is recalled, and of their values none was verified, so that there are no defaults.
    Provisional.

    >>> spans = draw_spans(1000, np.random.default_rng(0), ratio=0.3, mean_length=10)
    >>> int((spans[:, 1] - spans[:, 0]).sum())
    300
    """
    if not 0 <= ratio < 1 or mean_length <= 0 or length < 1:
        raise Refused("bad-ratio", f"{ratio:g} of {length} tokens cannot be replaced in spans of {mean_length:g}", "ratio",
                      "give a share from 0 to below 1, and a mean length above 0")  # fmt: skip
    wanted = round(ratio * length)
    lengths = _lengths(wanted, mean_length, rng)
    free, between = length - wanted, max(0, len(lengths) - 1)
    if free < between:
        raise Refused("no-room", f"{len(lengths)} spans leave no token between them", "ratio",
                      "lower the ratio, or lengthen the spans")  # fmt: skip
    # what is left between spans is dealt out to s + 1 gaps, all ways alike
    cuts = np.sort(rng.choice(free - between + len(lengths), size=len(lengths), replace=False)) - np.arange(
        len(lengths)
    )
    begins = (
        cuts + np.arange(len(lengths)) + np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)[: len(cuts)]
    )
    return np.column_stack([begins, begins + lengths]).astype(np.int64)


def _lengths(wanted: int, mean: float, rng: np.random.Generator) -> Tokens:
    found, total = [], 0
    while total < wanted:
        drawn = int(rng.poisson(mean))
        if drawn:
            found.append(min(drawn, wanted - total))
            total += found[-1]
    return np.array(found, dtype=np.int64)


def interleave(
    text: Sequence[int] | Tokens,
    encode: Callable[[Tokens], Sequence[int]],
    rng: np.random.Generator,
    *,
    begin: int,
    end: int,
    ratio: float,
    mean_length: float,
) -> Interleaved:
    """A text with spans of it replaced by `encode(span)`, between the marks `begin` and `end`.

    Use it to train a model on two alphabets that mean the same, such as text and speech, where only one is plentiful.
    `encode` takes the tokens of a span and gives those of the other modality, however many; the two alphabets share no
    token. The ratio is of the text: what share of the result is encoded follows from how long encodings are.
    Source: Zeng et al. 2024, arXiv 2411.17607. Provisional.

    >>> made = interleave(np.arange(100), lambda span: [int(t) + 200 for t in span], np.random.default_rng(0),
    ...                   begin=400, end=401, ratio=0.3, mean_length=10)
    >>> made.ratio, int((made.tokens >= 400).sum()) == 2 * len(made.spans)
    (0.3, True)
    """
    given = np.asarray(text, dtype=np.int64)
    spans = draw_spans(len(given), rng, ratio=ratio, mean_length=mean_length)
    parts, kinds, at = list[Tokens](), list[NDArray[np.bool_]](), 0
    for first, last in spans:
        other = np.array([begin, *encode(given[first:last]), end], dtype=np.int64)
        parts += [given[at:first], other]
        kinds += [np.zeros(first - at, dtype=bool), np.ones(len(other), dtype=bool)]
        at = last
    parts.append(given[at:])
    kinds.append(np.zeros(len(given) - at, dtype=bool))
    share = float((spans[:, 1] - spans[:, 0]).sum() / len(given))
    return Interleaved(np.concatenate(parts), np.concatenate(kinds), spans, share)


def speech_hours(tokens: float, rate: float = TOKENS_PER_SECOND) -> float:
    """How many hours of speech so many tokens stand for, at `rate` tokens a second: tokens / (3600 r).

    >>> speech_hours(45_000)
    1.0
    """
    if rate <= 0 or tokens < 0:
        raise Refused("bad-rate", f"{tokens:g} tokens at {rate:g} a second are no time", "rate", "give a rate above 0")
    return tokens / (3600 * rate)
