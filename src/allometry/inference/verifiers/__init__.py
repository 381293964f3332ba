"""Graders and votes."""

from allometry.inference.verifiers.grader import EXACT, Grader, Kind, grader
from allometry.inference.verifiers.simulated import simulated_verifier
from allometry.inference.verifiers.votes import Tally, confidence, json_value, tally, tool_call

__all__ = [
    "EXACT",
    "Grader",
    "Kind",
    "Tally",
    "confidence",
    "grader",
    "json_value",
    "simulated_verifier",
    "tally",
    "tool_call",
]
