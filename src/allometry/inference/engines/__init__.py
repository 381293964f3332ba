"""Engines, and what makes one of the calls of many problems."""

from allometry.inference.engines.batcher import Batcher, Decoder
from allometry.inference.engines.find import find_engine
from allometry.inference.engines.recorded import Recorded, read_logged, read_recorded
from allometry.inference.engines.simulator import Simulator, read_simulator
from allometry.inference.engines.world import World, read_world, right_answer, shown_answer

__all__ = [
    "Batcher",
    "Decoder",
    "Recorded",
    "Simulator",
    "World",
    "find_engine",
    "read_logged",
    "read_recorded",
    "read_simulator",
    "read_world",
    "right_answer",
    "shown_answer",
]
