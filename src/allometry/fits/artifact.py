"""A fit as one readable JSON file that holds all that a refit needs; reading it runs no code.

Floats are written in full, so a fit that is read back gives identical numbers. Files of earlier versions
are read; one of a newer version, or one that lacks a part, is refused and never guessed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from allometry.fits._priors import Prior
from allometry.fits.fit import Fit
from allometry.fits.migrations import VERSION, migrated
from allometry.fits.objectives import Asymmetric, Huber, Objective, Squared
from allometry.fits.settings import Settings
from allometry.laws import law_from_table, law_table
from allometry.notices import Notice, Refused
from allometry.runs import Rows

FORMAT = "allometry-fit"
_PLAIN = (
    "space",
    "objective",
    "delta",
    "agree",
    "finalists",
    "gap",
    "converged",
    "status",
    "interval_kind",
    "provenance",
)
_ARRAYS = ("estimate", "draws", "draw_numbers", "residuals")
_OBJECTIVES: dict[str, Callable[..., Objective]] = {"huber": Huber, "squared": Squared, "asymmetric": Asymmetric}


def save_fit(fitted: Fit, path: str | Path) -> Path:
    """Write a fit as JSON, whole or not at all.

    Errors: `Refused` when the folder does not exist or cannot be written.
    """
    path = Path(path)
    partial = path.with_name(path.name + f".{os.getpid()}.partial")
    try:
        partial.write_text(json.dumps(fit_to_dict(fitted), allow_nan=False, indent=1), encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise Refused(
            "cannot-write", f"the fit cannot be written: {error.strerror}", str(path), "choose a folder that exists"
        ) from None
    return path


def load_fit(path: str | Path) -> Fit:
    """Read a fit that `save_fit` wrote.

    Errors: `Refused` for a file that is missing, damaged, of another kind or of a newer version.
    """
    path = Path(path)
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused(
            "cannot-read", f"the fit cannot be read: {error.strerror}", str(path), "give the path of a saved fit"
        ) from None
    except ValueError:
        raise Refused("damaged-fit", "this is not a whole JSON file", str(path), "fit again with --out") from None
    if not isinstance(contents, dict) or contents.get("format") != FORMAT:
        raise Refused("not-a-fit", "this JSON file is not a saved fit", str(path), "give a file that fit --out wrote")
    version = contents.get("version")
    if not isinstance(version, int) or not 1 <= version <= VERSION:
        raise Refused("newer-fit", f"this fit has format version {version}; this program reads 1 to {VERSION}",
                      str(path), "upgrade allometry")  # fmt: skip
    try:
        return fit_from_dict(migrated(contents))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused(
            "damaged-fit", f"the fit lacks or garbles a part ({error})", str(path), "fit again with --out"
        ) from None


def fit_to_dict(fitted: Fit) -> dict[str, Any]:
    """A fit as plain JSON values."""
    return {
        "format": FORMAT, "version": VERSION, "law": law_table(fitted.law),
        "parameters": {name: asdict(interval) for name, interval in fitted.parameters.items()},
        "settings": _settings_to_dict(fitted.settings), "rows": fitted.rows.as_dict(),
        "notices": [asdict(notice) for notice in fitted.notices],
        "confounded": dict(fitted.confounded), "prior_share": dict(fitted.prior_share), "versions": dict(fitted.versions),
        **{name: getattr(fitted, name) for name in _PLAIN},
        **{name: _encoded(getattr(fitted, name)) for name in _ARRAYS},
    }  # fmt: skip


def fit_from_dict(contents: Mapping[str, Any]) -> Fit:
    """The fit that `fit_to_dict` described."""
    law = law_from_table(contents["law"], "the saved fit")
    count = len(law.parameter_names)
    arrays = {name: _decoded(contents[name]) for name in _ARRAYS}
    if arrays["estimate"].shape != (count,):
        raise ValueError(f"{len(arrays['estimate'])} parameter values for {count} parameters")
    arrays["draws"] = arrays["draws"].reshape(-1, count)
    arrays["draw_numbers"] = arrays["draw_numbers"].astype(int)
    parts: dict[str, Any] = {**{name: contents[name] for name in _PLAIN}, **arrays}
    return Fit(
        law=law, rows=Rows.from_dict(contents["rows"]), settings=_settings_from_dict(contents["settings"]),
        notices=tuple(Notice(**notice) for notice in contents["notices"]), confounded=contents["confounded"],
        prior_share=contents["prior_share"], versions=contents["versions"],
        **parts,
    )  # fmt: skip


def _encoded(values: np.ndarray) -> list[Any]:
    """Lists with infinities as text, which strict JSON has no number for."""
    if np.isfinite(values).all():
        return values.tolist()
    return [_encoded(v) if isinstance(v, np.ndarray) else float(v) if np.isfinite(v) else str(v) for v in values]


def _decoded(values: list[Any]) -> np.ndarray:
    return np.array(values, dtype=float)


def _settings_to_dict(settings: Settings) -> dict[str, Any]:
    plain = {k: getattr(settings, k) for k in ("space", "weights", "starts", "bootstrap", "cluster", "seed", "level")}
    return {
        **plain, "fixed": dict(settings.fixed), "ties": dict(settings.ties),
        "priors": {name: asdict(prior) for name, prior in settings.priors.items()},
        "objective": {"name": settings.objective.name, **_fields(settings.objective)},
    }  # fmt: skip


def _fields(objective: Objective) -> dict[str, Any]:
    """The fields of an objective, which are all it takes to make it again."""
    return {field.name: getattr(objective, field.name) for field in fields(objective)}  # type: ignore[arg-type]


def _settings_from_dict(contents: Mapping[str, Any]) -> Settings:
    objective = dict(contents["objective"])
    make = _OBJECTIVES[objective.pop("name")]
    priors = {name: Prior(**prior) for name, prior in contents["priors"].items()}
    return Settings(**{**contents, "objective": make(**objective), "priors": priors})
