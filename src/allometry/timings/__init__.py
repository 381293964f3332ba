"""Measured times, and the efficiency factors of a device fitted to them."""

from allometry.timings.calibration import Calibration, calibrate
from allometry.timings.measurements import PHASES, Measurement, read_measurements, write_measurements

__all__ = ["PHASES", "Calibration", "Measurement", "calibrate", "read_measurements", "write_measurements"]
