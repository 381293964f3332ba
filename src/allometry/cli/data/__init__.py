"""`allometry data`: which data to train on. Each file here is a command of its own name; nothing lists them."""

from __future__ import annotations

from allometry.cli.loading import files_of, group

ABOUT = "Which data: score a pool of examples, prune it, mix sources, and see at which compute it pays."
build = group(__name__, ABOUT, files_of(__path__))
