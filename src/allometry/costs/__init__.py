"""Model shapes, hardware and prices, and pure functions from them to parameters, FLOPs, bytes, seconds and money."""

from allometry.costs.cache import cache_entries
from allometry.costs.config import read_config, shape_of_config
from allometry.costs.factors import DEFAULT_FACTORS, Factor
from allometry.costs.finding import find_shape, preset_names
from allometry.costs.flops import Flops, attended, forward_flops, forward_flops_per_token, training_flops
from allometry.costs.hardware import PRECISIONS, Hardware, find_hardware, hardware_names, read_hardware
from allometry.costs.knowledge import (
    BIOGRAPHIES,
    Facts,
    bits_per_parameter,
    diverse_facts,
    most_bits_per_parameter,
)
from allometry.costs.nearest import Buildable, nearest_shape
from allometry.costs.prices import Price, find_price, read_prices
from allometry.costs.rule import (
    FLOPS_PER_PARAMETER_AND_TOKEN,
    SIZE_AXES,
    compute_of,
    rule_flops,
    rule_partner,
    size_axis,
)
from allometry.costs.schedules import average_params, pruning_schedule
from allometry.costs.shapes import Parameters, Shape

__all__ = [
    "BIOGRAPHIES",
    "DEFAULT_FACTORS",
    "FLOPS_PER_PARAMETER_AND_TOKEN",
    "PRECISIONS",
    "SIZE_AXES",
    "Buildable",
    "Factor",
    "Facts",
    "Flops",
    "Hardware",
    "Parameters",
    "Price",
    "Shape",
    "attended",
    "average_params",
    "bits_per_parameter",
    "cache_entries",
    "compute_of",
    "diverse_facts",
    "find_hardware",
    "find_price",
    "find_shape",
    "forward_flops",
    "forward_flops_per_token",
    "hardware_names",
    "most_bits_per_parameter",
    "nearest_shape",
    "preset_names",
    "pruning_schedule",
    "read_config",
    "read_hardware",
    "read_prices",
    "rule_flops",
    "rule_partner",
    "shape_of_config",
    "size_axis",
    "training_flops",
]
