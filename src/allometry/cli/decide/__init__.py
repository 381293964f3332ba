"""`allometry decide`: single questions of planning. Each file here is a command of its own name; nothing lists them."""

from __future__ import annotations

from allometry.cli.loading import files_of, group

build = group(__name__, "Answer one question of planning, with the chain of steps it stands on.", files_of(__path__))
