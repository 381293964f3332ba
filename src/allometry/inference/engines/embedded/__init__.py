"""A small character model: its file, its forward pass in NumPy, its decoder and its engine."""

from allometry.inference.engines.embedded.decoder import CharacterDecoder
from allometry.inference.engines.embedded.engine import CharacterModel, read_character_model
from allometry.inference.engines.embedded.network import Network
from allometry.inference.engines.embedded.weights import Config, Weights, read_weights, write_weights
from allometry.inference.engines.embedded.worker import WorkerDecoder

__all__ = [
    "CharacterDecoder",
    "CharacterModel",
    "Config",
    "Network",
    "Weights",
    "WorkerDecoder",
    "read_character_model",
    "read_weights",
    "write_weights",
]
