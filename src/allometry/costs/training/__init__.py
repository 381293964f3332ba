"""What training costs: memory by class, time of a step, traffic to slower memory, and the fastest spread that fits."""

from allometry.costs._intervals import ends
from allometry.costs.training.activations import layer_activations
from allometry.costs.training.bill import energy_of, money_of
from allometry.costs.training.communication import volumes, wires
from allometry.costs.training.cost import TrainingCost, fits, training_cost
from allometry.costs.training.hosted import Hosted, host_bytes, hosted_grounds, hosted_training, largest_hosted
from allometry.costs.training.job import STATES, Job, States
from allometry.costs.training.memory import Memory, training_memory
from allometry.costs.training.offload import Traffic, bandwidth_needed, efficiency, operator_bytes, traffic
from allometry.costs.training.parallel import Parallelism, check_fits
from allometry.costs.training.search import Fastest, fastest, fewest_devices, spreads
from allometry.costs.training.steps import FACTORS, StepTime, pass_flops, pass_seconds, step_seconds

__all__ = [
    "FACTORS",
    "STATES",
    "Fastest",
    "Hosted",
    "Job",
    "Memory",
    "Parallelism",
    "States",
    "StepTime",
    "Traffic",
    "TrainingCost",
    "bandwidth_needed",
    "check_fits",
    "efficiency",
    "ends",
    "energy_of",
    "fastest",
    "fewest_devices",
    "fits",
    "host_bytes",
    "hosted_grounds",
    "hosted_training",
    "largest_hosted",
    "layer_activations",
    "money_of",
    "operator_bytes",
    "pass_flops",
    "pass_seconds",
    "spreads",
    "step_seconds",
    "traffic",
    "training_cost",
    "training_memory",
    "volumes",
    "wires",
]
