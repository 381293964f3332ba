"""Which sources, from samples of each: the mixture nearest to a target by optimal transport, and what nearness is worth."""

from allometry.data.selection.answer import Chosen, Projected, choose_sources
from allometry.data.selection.choose import Distance, Mixtures, Selection, nearest_mixture
from allometry.data.selection.projection import Projection, project
from allometry.data.selection.reading import Samples, read_samples
from allometry.data.selection.sources import Pilot, pilot
from allometry.data.selection.trained import Trained, read_trained
from allometry.data.selection.transport import check_library

__all__ = [
    "Chosen",
    "Distance",
    "Mixtures",
    "Pilot",
    "Projected",
    "Projection",
    "Samples",
    "Selection",
    "Trained",
    "check_library",
    "choose_sources",
    "nearest_mixture",
    "pilot",
    "project",
    "read_samples",
    "read_trained",
]
