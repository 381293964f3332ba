"""Graders and votes."""

from allometry.inference.verifiers.grader import EXACT, Grader, Kind, check_problems, grader
from allometry.inference.verifiers.graders import GraderMaker, find_grader, list_graders
from allometry.inference.verifiers.likeness import Likeness, chrf, find_likeness, overlap, same_answer
from allometry.inference.verifiers.simulated import simulated_verifier
from allometry.inference.verifiers.task import answer_grader, check_response, scorer_of, step_grader
from allometry.inference.verifiers.votes import Tally, Vote, confidence, find_vote, json_value, tally, tool_call

__all__ = [
    "EXACT",
    "Grader",
    "GraderMaker",
    "Kind",
    "Likeness",
    "Tally",
    "Vote",
    "answer_grader",
    "check_problems",
    "check_response",
    "chrf",
    "confidence",
    "find_grader",
    "find_likeness",
    "find_vote",
    "grader",
    "json_value",
    "list_graders",
    "overlap",
    "same_answer",
    "scorer_of",
    "simulated_verifier",
    "step_grader",
    "tally",
    "tool_call",
]
