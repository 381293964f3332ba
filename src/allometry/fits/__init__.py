"""Fit laws to runs: objectives, starts, solver, resampling, guards, diagnosis and the `Fit`."""

from allometry.fits._priors import Prior
from allometry.fits._resampling import Tick
from allometry.fits.artifact import fit_to_dict, load_fit, save_fit
from allometry.fits.diagnosis import Diagnosis, diagnose
from allometry.fits.emergence import Emergence, emergence
from allometry.fits.fit import Fit
from allometry.fits.fitting import fit, refit, select
from allometry.fits.influence import Influence, Quantity, Sensitivity
from allometry.fits.lack_of_fit import LackOfFit, lack_of_fit
from allometry.fits.objectives import Asymmetric, Huber, Objective, Squared, objective_named
from allometry.fits.published import published_fit
from allometry.fits.redraw import redraw, reweigh
from allometry.fits.regimes import Regime, classify_regime
from allometry.fits.settings import Settings
from allometry.fits.trends import Trend, trend

__all__ = [
    "Asymmetric", "Diagnosis", "Emergence", "Fit", "Huber", "Influence", "LackOfFit", "Objective", "Prior", "Quantity",
    "Regime", "Sensitivity", "Settings", "Squared", "Tick", "Trend", "classify_regime", "diagnose", "emergence", "fit",
    "fit_to_dict", "lack_of_fit", "load_fit", "objective_named", "published_fit", "redraw", "refit", "reweigh", "save_fit", "select", "trend",
]  # fmt: skip
