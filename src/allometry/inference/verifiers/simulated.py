"""A learned verifier with known error rates, for simulated problems."""

from __future__ import annotations

import random

from allometry.inference.calls import Response
from allometry.inference.tasks import Problem
from allometry.inference.verifiers.grader import Grader, grader
from allometry.notices import Refused


def simulated_verifier(false_positives: float, false_negatives: float, seed: int = 0) -> Grader:
    """Takes wrong answers of simulators for right ones, and right for wrong, at given rates, each answer by itself.

    Steps without an answer count as right as long as none slipped.
    Errors: `Refused` for rates that are no shares.

    >>> simulated_verifier(0.1, 0.2).kind
    'learned'
    """
    if not (0 <= false_positives <= 1 and 0 <= false_negatives <= 1):
        raise Refused("bad-rate", "error rates are shares", "the simulated verifier", "give numbers from 0 to 1")

    def check(problem: Problem, response: Response) -> float:
        right = _is_right(problem, response.content)
        rate = false_negatives if right else false_positives
        # by the sample, so that the same answer is judged alike wherever it is met
        flips = random.Random(f"{seed}:{response.key}:{response.content}").random() < rate
        return float(right != flips)

    return grader(f"simulated(fp={false_positives:g},fn={false_negatives:g})", "learned", check)


def _is_right(problem: Problem, text: str) -> bool:
    answer = problem.read(text)
    return "slip" not in text and (answer is None or "." not in str(answer))
