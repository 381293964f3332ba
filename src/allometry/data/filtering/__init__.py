"""How hard to filter at a compute: quality pools with utilities and half-lives, and pruning against random selection."""

from allometry.data.filtering.arm import Arm
from allometry.data.filtering.pools import PoolFit, Pools, fit_pools, read_pools
from allometry.data.filtering.pruned import Pruned, compare_pruning
from allometry.data.filtering.sets import Filtering, Turn, best_pools

__all__ = [
    "Arm",
    "Filtering",
    "PoolFit",
    "Pools",
    "Pruned",
    "Turn",
    "best_pools",
    "compare_pruning",
    "fit_pools",
    "read_pools",
]
