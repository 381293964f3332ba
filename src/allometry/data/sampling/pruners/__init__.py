"""Which samples of an epoch are trained on, by their losses: one file a pruner."""

from allometry.data.sampling.pruners.find import PRUNERS, find_pruner
from allometry.data.sampling.pruners.infobatch import InfoBatch
from allometry.data.sampling.pruners.pruner import Chosen, Pruner
from allometry.data.sampling.pruners.random import Random
from allometry.data.sampling.pruners.seta import SeTa, group_by_loss
from allometry.data.sampling.pruners.static import Static

__all__ = ["PRUNERS", "Chosen", "InfoBatch", "Pruner", "Random", "SeTa", "Static", "find_pruner", "group_by_loss"]
