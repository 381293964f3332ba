"""`allometry lab`: ladders of small real runs. One file a command; a new one is a name in this list."""

from __future__ import annotations

from allometry.cli.loading import group

ABOUT = "Train a ladder of small models and measure it: a table that fit, compare and arms read."
build = group(__name__, ABOUT, ("plan", "run", "show"))
