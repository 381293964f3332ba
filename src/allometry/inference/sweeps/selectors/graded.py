"""Samples with what a selector says of each and whether it is right: what all questions about a selector start from."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allometry.notices import Refused

Array: TypeAlias = NDArray[np.float64]
WHERE = "the graded samples"


@dataclass(frozen=True, eq=False)
class Graded:
    """Samples of problems, drawn alike: `scores` (n,) by a selector, `right` (n,) by a scorer.

    `problems` and `groups` (n,) name the problem of each sample and what is drawn from the world as one; `votes` are
    its answers, None where there are none to count. Made by `graded`.
    """

    problems: tuple[str, ...]
    scores: Array
    right: NDArray[np.bool_]
    groups: tuple[str, ...]
    votes: tuple[Hashable | None, ...] | None = None
    selector: str = "score"
    scorer: str = "correct"

    @cached_property
    def rows(self) -> Mapping[str, NDArray[np.int_]]:
        """Where the samples of each problem stand."""
        found: dict[str, list[int]] = {}
        for i, problem in enumerate(self.problems):
            found.setdefault(problem, []).append(i)
        return {problem: np.array(rows) for problem, rows in found.items()}

    @cached_property
    def group_of(self) -> Mapping[str, str]:
        """The group of each problem."""
        return {problem: self.groups[rows[0]] for problem, rows in self.rows.items()}

    @property
    def fewest(self) -> int:
        """The samples of the problem that has the fewest."""
        return min(map(len, self.rows.values()))


def graded(
    problem: Sequence[object],
    score: ArrayLike,
    right: ArrayLike,
    *,
    group: Sequence[object] | None = None,
    vote: Sequence[Hashable | None] | None = None,
    selector: str = "score",
    scorer: str = "correct",
) -> Graded:
    """Samples of your own with their scores, one entry a sample.

    Use it for any reward model, judge or check whose scores are on record beside the truth. Samples of a problem must
    be drawn alike and not because of their scores. Higher scores are better.
    Arguments: `right` is true or false, `group` what problems belong together by, `vote` the final answer of each.
    Errors: `Refused` for entries that do not go together, are no numbers, or are neither right nor wrong.

    >>> graded(["a", "a", "b", "b"], [0.9, 0.2, 0.4, 0.3], [1, 0, 0, 0]).fewest
    2
    """
    scores, truth = np.asarray(score, dtype=float), np.asarray(right, dtype=float)
    problems = tuple(f"{one}" for one in problem)
    sizes = {len(problems), len(scores), len(truth), *(len(x) for x in (group, vote) if x is not None)}
    if len(sizes) > 1 or not problems:
        raise Refused("bad-samples", "the columns have different lengths, or none", WHERE, "give an entry a sample")
    if not np.isfinite(scores).all():
        raise Refused("bad-samples", "a score is no finite number", WHERE, "leave such samples out, or score them")
    if not np.isin(truth, (0.0, 1.0)).all():
        raise Refused("bad-samples", "a sample is neither right nor wrong", WHERE, "give 1 or 0 for each")
    groups = problems if group is None else tuple(f"{one}" for one in group)
    votes = None if vote is None else tuple(vote)
    return Graded(problems, scores, truth > 0, groups, votes, selector, scorer)


def read_graded(table: Mapping[str, Any], names: Mapping[str, str], where: str) -> Graded:
    """Graded samples of a table's columns, by the names under which problem, score, correct, group and answer stand.

    `group` and `answer` may be missing where they have their usual names.
    """
    found: dict[str, Any] = {}
    for role in ("problem", "score", "correct", "group", "answer"):
        name = names.get(role) or role
        if name in table:
            found[role] = table[name]
        elif role in ("problem", "score", "correct") or names.get(role):
            raise Refused("missing-column", f"the table has no column {name!r}", where,
                          f"give one, or name yours: --{role} COLUMN")  # fmt: skip
    if np.asarray(found["score"]).dtype.kind not in "fib" or np.asarray(found["correct"]).dtype.kind not in "fib":
        raise Refused("not-numbers", "a score or a truth is no number", where, "give plain numbers, and 1 or 0")
    return graded(
        found["problem"], found["score"], found["correct"], group=found.get("group"), vote=_votes(found.get("answer")),
        selector=names.get("score") or "score", scorer=names.get("correct") or "correct",
    )  # fmt: skip


def _votes(answers: Sequence[Any] | None) -> list[Hashable | None] | None:
    """Answers as votes: what is missing is none."""
    return None if answers is None else [None if one is None or one != one else one for one in answers]
