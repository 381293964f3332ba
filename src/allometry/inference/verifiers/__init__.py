"""Graders and votes."""

from allometry.inference.verifiers.grader import EXACT, Grader, Kind, grader
from allometry.inference.verifiers.simulated import simulated_verifier
from allometry.inference.verifiers.task import answer_grader, check_response, scorer_of, step_grader
from allometry.inference.verifiers.votes import Tally, confidence, json_value, tally, tool_call

__all__ = [
    "EXACT",
    "Grader",
    "Kind",
    "Tally",
    "answer_grader",
    "check_response",
    "confidence",
    "grader",
    "json_value",
    "scorer_of",
    "simulated_verifier",
    "step_grader",
    "tally",
    "tool_call",
]
