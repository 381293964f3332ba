"""Which source a text names: by its prefix, else by what the file or folder holds."""

from __future__ import annotations

from pathlib import Path

from allometry.notices import Refused
from allometry.runs.sources import (
    csv_folder,
    inspect_logs,
    lm_eval,
    mlflow_store,
    nanochat,
    tensorboard_folder,
    trainer_state,
    wandb_folder,
)
from allometry.runs.sources.contract import Source

SOURCES: tuple[Source, ...] = tuple(
    module.SOURCE
    for module in (
        wandb_folder, mlflow_store, tensorboard_folder, trainer_state, lm_eval, inspect_logs, nanochat, csv_folder,
    )
)  # fmt: skip


def find_source(text: str) -> tuple[Source, str]:
    """The source, and the text after its prefix.

    A path needs no prefix where its shape says what it is; a folder of CSV files is only that when it is nothing else.
    Errors: `Refused` for a path that is none of them, or of two kinds.
    """
    prefix, colon, rest = text.partition(":")
    named = next((source for source in SOURCES if source.prefix == prefix), None)
    if colon and named is not None:
        return named, rest
    path = Path(text)
    if not path.exists():
        prefixes = ", ".join(f"{source.prefix}:" for source in SOURCES)
        mend = f"check the path, or say what it is with one of {prefixes}"
        raise Refused("no-source", "there is no such file or folder, and no prefix names a source", text, mend)
    found = [source for source in SOURCES if source.recognise(path)]
    special = [source for source in found if source is not csv_folder.SOURCE] or found
    if len(special) == 1:
        return special[0], text
    kinds = ", ".join(source.prefix for source in special or SOURCES)
    said = f"it could be read as {kinds}" if special else "nothing in it is of a known kind"
    raise Refused("which-source", said, text, f"say which: {(special or SOURCES)[0].prefix}:{text}")
