"""Problems for simulators: "simulated problem N", whose right answer is N."""

from __future__ import annotations

from collections.abc import Hashable

from allometry.inference.tasks.problem import Problem


def simulated_problems(count: int, sample_tokens: int = 64) -> list[Problem]:
    """The first problems of any simulated world.

    >>> simulated_problems(2)[1].prompt
    'simulated problem 1'
    """
    return [
        Problem(f"{i}", f"simulated problem {i}", answer=f"{i}", sample_tokens=sample_tokens, read=read_answer)
        for i in range(count)
    ]


def read_answer(text: str) -> Hashable | None:
    """What stands behind the last "answer" of a text.

    >>> read_answer("step 1\\nanswer 17.2")
    '17.2'
    """
    _, found, answer = text.rpartition("answer ")
    return answer.split()[0] if found and answer.split() else None
