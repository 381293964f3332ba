"""States on disk: whole or absent, however the process ends, and read as data, never as code."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import torch

from allometry.notices import Refused


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write a state in the place of the last one, which stays until the new one is on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def load_state(path: Path) -> dict[str, Any]:
    """The state in a file.

    Errors: `Refused` for a file that is missing or damaged, or that holds more than numbers, texts and tensors.
    """
    try:
        # Tensors of random states must stay on the host; load_state_dict moves the others.
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise Refused("no-checkpoint", f"the checkpoint cannot be read: {error.strerror}", str(path)) from None
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError):
        raise Refused(
            "bad-checkpoint", "the checkpoint is damaged", str(path), "remove it to start the run anew"
        ) from None
    return found
