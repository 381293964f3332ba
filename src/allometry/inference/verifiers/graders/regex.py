"""`regex`: what a pattern takes out of a text."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from allometry.inference.calls import Response
from allometry.inference.tasks import Problem, Reader
from allometry.inference.verifiers.grader import Grader, answer_text, grader, no_answer
from allometry.inference.verifiers.graders._maker import GraderMaker
from allometry.notices import Refused

_MARK = "\0"


def make(pattern: str) -> Grader:
    r"""Right where the last match of a pattern, or its first group where it has one, is the answer.

    Patterns are those of Rust's `regex`, as polars has them: no look-around and no back-references, and so a match
    takes time in proportion to the text, whatever that is. `regex:(?i)answer: *(\\\\w+)`.
    """
    read = reader(pattern)

    def regex(problem: Problem, response: Response) -> bool:
        return read(response.content) == answer_text(problem).strip()

    return replace(grader(f"regex:{pattern}", "exact outcome", regex, oracle=True), read=read, lacks=no_answer)


def reader(pattern: str) -> Reader:
    """What a pattern takes out of a text, without space around it; None where it does not match.

    >>> reader("= *([0-9]+)")("a = 1, b = 22")
    '22'
    """
    import polars as pl

    if not pattern:
        raise Refused("bad-pattern", "the pattern is empty", "the grader regex", "write regex:PATTERN")
    try:
        grouped = bool(pl.select(pl.lit("").str.extract_groups(pattern)).item())
    except pl.exceptions.PolarsError as error:
        said = (str(error).strip().splitlines() or [""])[-1]
        raise Refused("bad-pattern", f"{pattern!r} is no pattern: {said}", "the grader regex", "mend it") from None
    marked = f"{_MARK}${{{int(grouped)}}}{_MARK}"

    def read(text: str) -> Hashable | None:
        parts = pl.select(pl.lit(text.replace(_MARK, "")).str.replace_all(pattern, marked)).item().split(_MARK)
        return parts[-2].strip() or None if len(parts) > 1 else None

    return read


GRADER = GraderMaker("regex", make, ":PATTERN")
