"""Published constants in the place of a fit: the same questions, no rows and no intervals."""

from __future__ import annotations

import numpy as np

from allometry.fits.fit import BOOTSTRAP_KINDS, Fit
from allometry.fits.settings import Settings
from allometry.laws import published
from allometry.runs import Rows


def published_fit(name: str) -> Fit:
    """A fit of published constants, written LAW@KEY; its draws are empty, so it has no intervals.

    Errors: `Refused` when the law or the key is unknown.

    >>> found = published_fit("chinchilla@hoffmann")
    >>> found.provenance, found.values["E"], found.parameters["alpha"].low
    ('published', 1.69, None)
    """
    law, constants = published(name)
    values = np.array([constants.values[parameter] for parameter in law.parameter_names])
    rows = Rows.empty(law.axes, law.metric, dict(constants.conventions))
    return Fit(
        law=law, rows=rows, settings=Settings(bootstrap=0), space=law.space, estimate=values,
        draws=np.empty((0, len(values))), draw_numbers=np.empty(0, int), residuals=np.empty(0), objective=0.0, delta=None,
        agree=1.0, finalists=0, gap=None, converged=True, status=f"published: {constants.source}",
        interval_kind=BOOTSTRAP_KINDS["published"], provenance="published",
    )  # fmt: skip
