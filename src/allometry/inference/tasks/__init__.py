"""Problems, and what is needed to read and check answers to them."""

from allometry.inference.tasks.problem import Problem, whole_text
from allometry.inference.tasks.simulated import simulated_problems

__all__ = ["Problem", "simulated_problems", "whole_text"]
