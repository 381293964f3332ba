"""A policy behind an OpenAI-compatible endpoint, and its promise held against what is asked of it."""

from allometry.inference.gateway.gateway import Gateway, Settings
from allometry.inference.gateway.keys import Keys, read_keys
from allometry.inference.gateway.running import run_gateway
from allometry.inference.gateway.watch import Watch

__all__ = ["Gateway", "Keys", "Settings", "Watch", "read_keys", "run_gateway"]
