"""`allometry decide kept`: a policy's promise held against other problems."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from allometry.cli.decide._showing import show
from allometry.cli.decide._sweeps import Lengths, Scores, known_of, read_sweeps
from allometry.cli.options import Json
from allometry.inference.policies import Policy, hold, tell_held


def kept(
    policy: Annotated[Path, typer.Argument(metavar="POLICY", help="A policy that `allometry decide policy --out` wrote.")],
    sweeps: Annotated[list[str], typer.Argument(metavar="SWEEP...", help="Folders of sweeps of its strategies and budgets on other problems than it was made from.")],
    lengths: Lengths = False, scores: Scores = None,
    allow_code: Annotated[bool, typer.Option("--allow-code", help="Let the policy name strategies, graders and readers in files, which are run.")] = False,
    json: Json = False,
) -> None:  # fmt: skip
    """What a policy promised beside what its strategies came to on problems that it was not made from."""
    held = Policy.load(policy, allow_code=allow_code)
    show(tell_held(held, hold(held, read_sweeps(sweeps), known_of(sweeps, lengths, scores))), json)
