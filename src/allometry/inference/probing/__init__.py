"""Timing a running engine, for the efficiency factors of the device behind it."""

from allometry.inference.probing.timed import Grid, time_engine

__all__ = ["Grid", "time_engine"]
