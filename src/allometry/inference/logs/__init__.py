"""Logs of evaluations that others made: what was asked, what is right, and what was answered."""

from allometry.inference.logs.find import is_log, read_log
from allometry.inference.logs.graded import graded_samples
from allometry.inference.logs.log import Log, Logged

__all__ = ["Log", "Logged", "graded_samples", "is_log", "read_log"]
