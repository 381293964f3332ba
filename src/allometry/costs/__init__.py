"""Model shapes, hardware and prices, and pure functions from them to parameters, FLOPs, bytes, seconds and money."""

from allometry.costs.attention import Attention
from allometry.costs.cache import cache_entries, cache_reads
from allometry.costs.calls import (
    Node,
    generation_macs,
    graph_flops,
    longest_path,
    routed_throughput,
    stage_flops,
    stage_units,
)
from allometry.costs.choices import COSTS_OF_AXES, SPARSE_AXES, Choices, choices_of
from allometry.costs.config import read_config, shape_of_config
from allometry.costs.convolutions import Convolutional, Counts
from allometry.costs.execution import Draft, Execution
from allometry.costs.factors import DEFAULT_FACTORS, FACTOR_UNITS, Factor
from allometry.costs.finding import find_shape, preset_names
from allometry.costs.flops import Flops, attended, forward_flops, forward_flops_per_token, training_flops
from allometry.costs.formats import Format, weight_bytes
from allometry.costs.hardware import PRECISIONS, Hardware, find_hardware, hardware_names, read_hardware
from allometry.costs.hardware_file import hardware_text, write_hardware
from allometry.costs.hours import steps_in, tokens_in
from allometry.costs.kinetics import Eflops, eflops
from allometry.costs.knowledge import (
    BIOGRAPHIES,
    Facts,
    bits_per_parameter,
    diverse_facts,
    most_bits_per_parameter,
)
from allometry.costs.nearest import Buildable, nearest_shape
from allometry.costs.prices import Price, find_price, read_prices
from allometry.costs.requests import Phase, Request, RequestCost, request_cost, request_works
from allometry.costs.residents import Residents, residents
from allometry.costs.roofline import (
    PARTS,
    ROOFLINE_FACTORS,
    SECONDS,
    TERMS,
    Timing,
    terms,
    time_of,
)
from allometry.costs.rule import (
    FLOPS_PER_PARAMETER_AND_TOKEN,
    SERVING_FLOPS_PER_PARAMETER_AND_TOKEN,
    SIZE_AXES,
    compute_of,
    rule_flops,
    rule_partner,
    size_axis,
)
from allometry.costs.schedules import average_params, pruning_schedule
from allometry.costs.shapes import Parameters, Shape
from allometry.costs.work import Work, decode_work, prefill_work

__all__ = [
    "BIOGRAPHIES",
    "COSTS_OF_AXES",
    "DEFAULT_FACTORS",
    "FACTOR_UNITS",
    "FLOPS_PER_PARAMETER_AND_TOKEN",
    "PARTS",
    "PRECISIONS",
    "ROOFLINE_FACTORS",
    "SECONDS",
    "SERVING_FLOPS_PER_PARAMETER_AND_TOKEN",
    "SIZE_AXES",
    "SPARSE_AXES",
    "TERMS",
    "Attention",
    "Buildable",
    "Choices",
    "Convolutional",
    "Counts",
    "Draft",
    "Eflops",
    "Execution",
    "Factor",
    "Facts",
    "Flops",
    "Format",
    "Hardware",
    "Node",
    "Parameters",
    "Phase",
    "Price",
    "Request",
    "RequestCost",
    "Residents",
    "Shape",
    "Timing",
    "Work",
    "attended",
    "average_params",
    "bits_per_parameter",
    "cache_entries",
    "cache_reads",
    "choices_of",
    "compute_of",
    "decode_work",
    "diverse_facts",
    "eflops",
    "find_hardware",
    "find_price",
    "find_shape",
    "forward_flops",
    "forward_flops_per_token",
    "generation_macs",
    "graph_flops",
    "hardware_names",
    "hardware_text",
    "longest_path",
    "most_bits_per_parameter",
    "nearest_shape",
    "prefill_work",
    "preset_names",
    "pruning_schedule",
    "read_config",
    "read_hardware",
    "read_prices",
    "request_cost",
    "request_works",
    "residents",
    "routed_throughput",
    "rule_flops",
    "rule_partner",
    "shape_of_config",
    "size_axis",
    "stage_flops",
    "stage_units",
    "steps_in",
    "terms",
    "time_of",
    "tokens_in",
    "training_flops",
    "weight_bytes",
    "write_hardware",
]
