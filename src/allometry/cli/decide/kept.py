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
    without: Annotated[list[str] | None, typer.Option(help="Folder of a sweep whose problems are left out: the one the policy was made from; repeatable.")] = None,
    lengths: Lengths = False, scores: Scores = None,
    allow_code: Annotated[bool, typer.Option("--allow-code", help="Let the policy name strategies, graders and readers in files, which are run.")] = False,
    json: Json = False,
) -> None:  # fmt: skip
    """What a policy promised beside what its strategies came to on problems that it was not made from."""
    held = Policy.load(policy, allow_code=allow_code)
    seen = {outcome.problem for outcome in read_sweeps(without or ())}
    fresh = [outcome for outcome in read_sweeps(sweeps) if outcome.problem not in seen]
    show(tell_held(held, hold(held, fresh, known_of(sweeps, lengths, scores))), json)
