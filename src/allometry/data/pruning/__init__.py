"""Which examples to keep: metrics of difficulty, the part to keep, what that did to the error, and the theory of it."""

from allometry.data.pruning.perceptron import Keep, max_margin, simulate_student
from allometry.data.pruning.theory import Student, best_kept, best_kept_of_pool, crossing, student_error

__all__ = [
    "Keep",
    "Student",
    "best_kept",
    "best_kept_of_pool",
    "crossing",
    "max_margin",
    "simulate_student",
    "student_error",
]
