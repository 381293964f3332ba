"""Model shapes and pure functions from them to parameters and FLOPs."""

from allometry.costs.knowledge import (
    BIOGRAPHIES,
    Facts,
    bits_per_parameter,
    diverse_facts,
    most_bits_per_parameter,
)
from allometry.costs.nearest import Buildable, nearest_shape
from allometry.costs.rule import (
    FLOPS_PER_PARAMETER_AND_TOKEN,
    SIZE_AXES,
    compute_of,
    rule_flops,
    rule_partner,
    size_axis,
)
from allometry.costs.schedules import average_params, pruning_schedule
from allometry.costs.shapes import Parameters, Shape, forward_flops_per_token, training_flops

__all__ = [
    "BIOGRAPHIES",
    "FLOPS_PER_PARAMETER_AND_TOKEN",
    "SIZE_AXES",
    "Buildable",
    "Facts",
    "Parameters",
    "Shape",
    "average_params",
    "bits_per_parameter",
    "compute_of",
    "diverse_facts",
    "forward_flops_per_token",
    "most_bits_per_parameter",
    "nearest_shape",
    "pruning_schedule",
    "rule_flops",
    "rule_partner",
    "size_axis",
    "training_flops",
]
