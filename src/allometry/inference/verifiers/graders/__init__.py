"""Graders by name, one file each."""

from allometry.inference.verifiers.graders._maker import GraderMaker
from allometry.inference.verifiers.graders.find import find_grader, list_graders

__all__ = ["GraderMaker", "find_grader", "list_graders"]
