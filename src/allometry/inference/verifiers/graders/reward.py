"""`reward`: a process-reward head on the embedded model, for the built-in tasks."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from allometry.inference.calls import Response
from allometry.inference.tasks import Problem
from allometry.inference.verifiers.grader import Grader, grader
from allometry.inference.verifiers.graders._maker import GraderMaker
from allometry.inference.verifiers.task import whole_lines


def make(path: str) -> Grader:
    """The chance that a beginning leads to a right answer, by a learned head on the embedded model, or one of a file.

    It grades beginnings as well as whole answers of the built-in tasks, and sees no answer: use it as `selector` or
    `verifier` to see what an honest learned verifier gains and where more samples fool it. Not for other problems,
    which are refused. It reads a text up to its last whole line; an answer that ends within a line has 0. The model
    that it reads by runs in this process: what that computes is on no meter.
    Source: the labels of Wang et al. 2023, arXiv 2312.08935, Math-Shepherd (recalled), one rollout a beginning.
    """
    from allometry.inference.verifiers.reward import Scorer, fits_tasks, read_head, shipped_head

    head = read_head(path) if path else shipped_head()
    scorer = cache(lambda: Scorer(head))  # the model is read at the first grade

    def reward(problem: Problem, response: Response) -> float:
        text = whole_lines(response)
        lines = text[: text.rfind("\n") + 1]
        if lines != text and not response.truncated:
            return 0.0
        return scorer().chance(str(problem.prompt), lines)

    def lacks(problem: Problem) -> str:
        return "" if fits_tasks(problem.prompt) else "no prompt as the built-in tasks write it"

    name = f"reward:{path}@{head.identity}" if path else f"reward@{head.identity}"
    return replace(grader(name, "learned", reward), lacks=lacks)


GRADER = GraderMaker("reward", make, "[:HEAD.npz]")
