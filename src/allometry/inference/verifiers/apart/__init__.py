"""Programs that a model may have written, run apart: a process of their own without network and with limits."""

from allometry.inference.verifiers.apart.limits import Limits
from allometry.inference.verifiers.apart.run import PROTECTION, Ended, check_apart, run_apart

__all__ = ["PROTECTION", "Ended", "Limits", "check_apart", "run_apart"]
