"""Mechanisms, one file each: what they make otherwise than the plain transformer, and the fields of a shape they read."""

from allometry.lab.mechanisms.find import find_mechanism, list_mechanisms, mechanisms_of
from allometry.lab.mechanisms.mechanism import Mechanism

__all__ = ["Mechanism", "find_mechanism", "list_mechanisms", "mechanisms_of"]
