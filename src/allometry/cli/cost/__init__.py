"""`allometry cost`: what training and serving cost. One file a command; a new one is a name in this list."""

from __future__ import annotations

from allometry.cli.loading import group

ABOUT = "What training and serving cost: FLOPs, memory, time, energy, money."
build = group(__name__, ABOUT, ("train", "request", "serve", "calibrate"))
