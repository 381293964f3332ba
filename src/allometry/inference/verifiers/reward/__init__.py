"""A learned verifier: a small head on what the embedded model makes of a beginning, and its file."""

from allometry.inference.verifiers.reward.head import Head, read_head, write_head
from allometry.inference.verifiers.reward.reading import FEATURES, Reading, fits_tasks
from allometry.inference.verifiers.reward.scoring import Scorer, shipped_head

__all__ = ["FEATURES", "Head", "Reading", "Scorer", "fits_tasks", "read_head", "shipped_head", "write_head"]
