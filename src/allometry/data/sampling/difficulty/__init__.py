"""Difficult problems: a score of one token, how well it tells what fails, and which solutions are trained on."""

from allometry.data.sampling.difficulty.rules import Filtered, Rules, agreed, filter_solutions, repetition
from allometry.data.sampling.difficulty.separation import separation
from allometry.data.sampling.difficulty.thinking import ThinkScores, think_score, think_scores

__all__ = [
    "Filtered", "Rules", "ThinkScores", "agreed", "filter_solutions", "repetition", "separation", "think_score",
    "think_scores",
]  # fmt: skip
