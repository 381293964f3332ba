"""What a file of this folder holds as `GRADER`: a grader without its argument."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field

from allometry.inference.verifiers.grader import Grader


@dataclass(frozen=True)
class GraderMaker:
    """Makes a grader of the text behind its name ("" where there is none).

    `argument` says in capitals what that text is, in brackets where it may be left out. What `runs_code` may run what
    a model wrote, and is made only where the user allows it.
    """

    name: str
    make: Callable[[str], Grader] = field(repr=False)
    argument: str = ""
    runs_code: bool = False

    @property
    def usage(self) -> str:
        """How it is written."""
        return self.name + self.argument

    @property
    def summary(self) -> str:
        """Its first sentence."""
        return (inspect.getdoc(self.make) or "").split("\n\n")[0].replace("\n", " ")
