"""Which examples to keep: metrics of difficulty, the part to keep, what that did to the error, and the theory of it."""

from allometry.data.pruning._replica import Student
from allometry.data.pruning.curves import Curve, Place, pruning_curve
from allometry.data.pruning.keeping import BALANCE, Pruned, prune
from allometry.data.pruning.metric import Metric, ScoreSettings, find_metric, list_metrics
from allometry.data.pruning.perceptron import Keep, max_margin, simulate_student
from allometry.data.pruning.scoring import (
    Scored,
    check_apart,
    check_written,
    parts_of,
    read_scores,
    score,
    score_in_parts,
    score_to_file,
    write_scores,
)
from allometry.data.pruning.theory import best_kept, best_kept_of_pool, crossing, student_error

__all__ = [
    "BALANCE",
    "Curve",
    "Keep",
    "Metric",
    "Place",
    "Pruned",
    "ScoreSettings",
    "Scored",
    "Student",
    "best_kept",
    "best_kept_of_pool",
    "check_apart",
    "check_written",
    "crossing",
    "find_metric",
    "list_metrics",
    "max_margin",
    "parts_of",
    "prune",
    "pruning_curve",
    "read_scores",
    "score",
    "score_in_parts",
    "score_to_file",
    "simulate_student",
    "student_error",
    "write_scores",
]
