"""The roofline as a law that can be fitted: its terms are the axes, the factors its parameters with priors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from allometry.axes import Axis
from allometry.costs import DEFAULT_FACTORS, PARTS, TERMS, Execution, Hardware
from allometry.expressions import parse
from allometry.fits import Prior
from allometry.laws import Law, Parameter
from allometry.runs import Rows
from allometry.timings.measurements import TRAINING_TERMS, Measurement

# What `costs.training` divides by which factor, as a formula; a test holds the two together.
TRAINING_PARTS: Mapping[str, str] = MappingProxyType({
    "products": "products / compute", "attention": "attention_products / attention",
    "elementwise": "(elementwise + optimizer) / memory", "launches": "launches * layer",
})  # fmt: skip
FEWEST_GROUPS = 5  # from which whole models and phases are resampled, not rows
# What was published of a factor is of other engines and devices, so as a prior it is taken to be this much wider.
PRIOR_WIDTH = 2.0
NORMAL_90 = 1.6449  # standard deviations from the middle to an end of a 90% interval


def roofline_law(rows: Rows) -> Law:
    """The roofline's formula without the parts that are zero in every row."""
    texts = PARTS if "matrix_compute" in rows.axes else TRAINING_PARTS
    parts = [parse(text) for text in texts.values()]
    live = [part for part in parts if any(np.any(rows.axes[name]) for name in part.names if name in rows.axes)]
    formula = parse(" + ".join(part.text for part in live))
    axes = tuple(name for name in formula.names if name in rows.axes)
    factors = [DEFAULT_FACTORS[name] for name in formula.names if name not in rows.axes]
    return Law(
        name="roofline", title="Seconds by a roofline times efficiency factors", subject="costs", formula=formula,
        axes=axes, metric="seconds", metric_unit="seconds", min_runs=0,
        declared={name: Axis(name, name, "", name.replace("_", " "), "axis", False, "") for name in axes},
        parameters=tuple(Parameter(factor.name, factor.source, start=(factor.low, factor.high)) for factor in factors),
    )  # fmt: skip


def factor_priors(law: Law) -> dict[str, Prior]:
    """What was published or assumed of each factor, its spread taken as a 90% interval of its logarithm."""
    known = {name: DEFAULT_FACTORS[name] for name in law.parameter_names}
    return {
        name: Prior(factor.value, (factor.high / factor.low) ** (PRIOR_WIDTH / (2 * NORMAL_90)), factor=True)
        for name, factor in known.items()
    }


def roofline_rows(measurements: Sequence[Measurement], hardware: Hardware, how: Execution) -> Rows:
    """Measurements as the rows of a fit; where there are enough, those of one model and phase are a cluster."""
    names = TRAINING_TERMS if measurements[0].trains else tuple(TERMS)
    found = [measurement.terms(hardware, how) for measurement in measurements]
    groups = [(measurement.shape, measurement.phase) for measurement in measurements]
    labels = {group: i for i, group in enumerate(dict.fromkeys(groups))}
    many = len(labels) >= FEWEST_GROUPS
    return Rows(
        axes={name: np.array([row[name] for row in found]) for name in names},
        target=np.array([measurement.seconds for measurement in measurements]),
        metric="seconds",
        cluster=np.array([labels[group] for group in groups]) if many else None,
        cluster_kind="models and phases" if many else "rows",
        numbers=np.array([measurement.row for measurement in measurements]),
    )
