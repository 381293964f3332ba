"""Whether the table shows how much two runs of one setting differ."""

from __future__ import annotations

from collections.abc import Iterator

from allometry.advice.finding import Finding
from allometry.advice.sources import SEEDS
from allometry.advice.study import Study

# Assumed: with 5 degrees of freedom a standard deviation is known to about a factor of two (90%: 0.67 to 2.1).
FEWEST = 5


def find(study: Study) -> Iterator[Finding]:
    """Few repeats are a note, and advice where so few rows are left over that the fit shows the noise no better."""
    degrees = study.description.degrees_of_freedom
    left = 0 if study.fit is None else len(study.fit.rows) - len(study.law.parameter_names)
    if degrees >= FEWEST:
        return
    if degrees:
        seen = f"{degrees} repeats of a setting beyond the first, so the noise of a run is hardly known"
    else:
        seen = "no two runs share a setting, so the noise of a run is not measured"
    evidence = f"{seen}, and lack of fit cannot be told from it"
    do = f"repeat the cheapest settings with other seeds, {FEWEST} runs in all"
    yield Finding("noise-unknown", "note" if left >= FEWEST else "advice", evidence, do, SEEDS)
