"""Fit laws to runs: objectives, starts, solver, resampling, guards, diagnosis and the `Fit`."""

from allometry.fits._priors import Prior
from allometry.fits._resampling import Tick
from allometry.fits.artifact import fit_to_dict, load_fit, save_fit
from allometry.fits.diagnosis import Diagnosis, diagnose
from allometry.fits.fit import Fit
from allometry.fits.fitting import fit, refit
from allometry.fits.influence import Influence, Quantity, Sensitivity
from allometry.fits.objectives import Asymmetric, Huber, Objective, Squared, objective_named
from allometry.fits.published import published_fit
from allometry.fits.settings import Settings

__all__ = [
    "Asymmetric", "Diagnosis", "Fit", "Huber", "Influence", "Objective", "Prior", "Quantity", "Sensitivity", "Settings", "Squared", "Tick",
    "diagnose", "fit", "fit_to_dict", "load_fit", "objective_named", "published_fit", "refit", "save_fit",
]  # fmt: skip
