"""The fit itself is refused, or did not end well."""

from __future__ import annotations

from collections.abc import Iterator

from allometry.advice.finding import Finding
from allometry.advice.sources import OWN
from allometry.advice.study import Study
from allometry.notices import Refused


def find(study: Study) -> Iterator[Finding]:
    """A refusal is the first thing to mend; a search that did not converge makes every number here rough."""
    if isinstance(study.outcome, Refused):
        refused = study.outcome
        evidence = f"{study.law.name} cannot be fitted to these rows: {refused.message}"
        yield Finding("no-fit", "warning", evidence, refused.mend or "see the message", OWN)
    elif not study.outcome.converged:
        evidence = "the search stopped before it converged, so every number here is rough"
        yield Finding(
            "not-converged", "advice", evidence, "try more starting points: allometry fit ... --starts 512", OWN
        )
