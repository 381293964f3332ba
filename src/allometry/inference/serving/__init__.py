"""The episodes of a sweep as the load of a service: what strategies take when many questions come at once."""

from allometry.inference.serving.questions import Answered, answer, check_rates
from allometry.inference.serving.recorded import Played, Recorded, read_recorded
from allometry.inference.serving.trace import Load, load_of

__all__ = [
    "Answered",
    "Load",
    "Played",
    "Recorded",
    "answer",
    "check_rates",
    "load_of",
    "read_recorded",
]
