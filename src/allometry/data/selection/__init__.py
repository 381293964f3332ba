"""Which sources, from samples of each: the mixture nearest to a target by optimal transport, and what nearness is worth."""

from allometry.data.selection.choose import Distance, Mixtures, Selection, nearest_mixture
from allometry.data.selection.projection import Projection, project
from allometry.data.selection.sources import Pilot, pilot

__all__ = ["Distance", "Mixtures", "Pilot", "Projection", "Selection", "nearest_mixture", "pilot", "project"]
