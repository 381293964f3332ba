"""The commands of test-time scaling: sweep and solve."""

from allometry.cli.sweeping.solve import solve
from allometry.cli.sweeping.sweep import sweep

__all__ = ["solve", "sweep"]
