"""Model shapes and pure functions from them to parameters and FLOPs."""

from allometry.costs.nearest import Buildable, nearest_shape
from allometry.costs.rule import (
    FLOPS_PER_PARAMETER_AND_TOKEN,
    SIZE_AXES,
    compute_of,
    rule_flops,
    rule_partner,
    size_axis,
)
from allometry.costs.shapes import Parameters, Shape, forward_flops_per_token, training_flops

__all__ = [
    "FLOPS_PER_PARAMETER_AND_TOKEN",
    "SIZE_AXES",
    "Buildable",
    "Parameters",
    "Shape",
    "compute_of",
    "forward_flops_per_token",
    "nearest_shape",
    "rule_flops",
    "rule_partner",
    "size_axis",
    "training_flops",
]
