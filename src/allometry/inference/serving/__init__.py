"""The episodes of a sweep as the load of a service: what strategies take when many questions come at once."""

from allometry.inference.serving.questions import PERCENTILES, Answered, answer, check_rates, overload, rebuilt
from allometry.inference.serving.recorded import Played, Recorded, read_recorded
from allometry.inference.serving.trace import Load, load_of

__all__ = [
    "PERCENTILES",
    "Answered",
    "Load",
    "Played",
    "Recorded",
    "answer",
    "check_rates",
    "load_of",
    "overload",
    "read_recorded",
    "rebuilt",
]
