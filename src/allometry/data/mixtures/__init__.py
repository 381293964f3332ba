"""What to mix: laws of mixtures fitted to small runs, and the shares of least loss with all that are nearly as good."""

from allometry.data.mixtures.best import best_mixture
from allometry.data.mixtures.fitted import MixtureFit, fit_mixtures, held_out_error
from allometry.data.mixtures.result import Mixture, Profile, Region
from allometry.data.mixtures.table import Mixtures, read_mixtures

__all__ = [
    "Mixture",
    "MixtureFit",
    "Mixtures",
    "Profile",
    "Region",
    "best_mixture",
    "fit_mixtures",
    "held_out_error",
    "read_mixtures",
]
