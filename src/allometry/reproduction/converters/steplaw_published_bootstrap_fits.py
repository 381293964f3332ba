"""The thousand bootstrap fits that Step Law's authors published: their table as it is."""

from __future__ import annotations

from pathlib import Path

from allometry.reproduction.sources import Columns, read_csv


def convert(checkout: Path) -> Columns:
    return read_csv(checkout, "data/1004_fitted_lr_bs_scaling_model_parameters.csv")
