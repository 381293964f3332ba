"""As many further samples as the budget holds, what grading each may take set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from allometry.inference.calls import Meter, Request, Scope


def within_budget(engine: Scope, asked: Sequence[Request], beside: Meter) -> list[Request]:
    """As many samples as the budget is sure to hold, `beside` set aside for each; the last requests lose theirs first."""
    kept = [*asked]
    while kept and not engine.fits(kept, beside=beside * sum(request.n for request in kept)):
        last = kept.pop()
        if last.n > 1:
            kept.append(replace(last, n=last.n - 1))
    return kept
