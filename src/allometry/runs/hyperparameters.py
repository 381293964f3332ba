"""Which columns say how a run was trained, and not how large it was or what it is of."""

from __future__ import annotations

import re

# Words of column names, and whole names without case and signs.
_WORDS = {
    "lr", "learning", "wd", "decay", "warmup", "beta", "beta1", "beta2", "betas", "batch", "bs", "dropout", "momentum",
    "optimizer", "optimiser", "schedule", "scheduler", "clip", "hparams",
}  # fmt: skip
_NAMES = {
    "learningrate", "peaklr", "lrpeak", "maxlr", "lrmax", "batchsize", "batchtokens", "batchsizeseqs", "globalbatchsize",
    "weightdecay", "warmupsteps", "warmuptokens",
}  # fmt: skip
# Words of what changes while a run goes on.
_PASSING = {"current", "final", "end", "step"}


def is_hyperparameter(name: str) -> bool:
    """Whether a column, by its name, is a setting of the training such as a learning rate or a batch size.

    >>> [is_hyperparameter(name) for name in ("lr", "learningRate", "batch_size", "current_lr", "params")]
    [True, True, True, False, False]
    """
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    named = bool(words & _WORDS) or re.sub(r"[^a-z0-9]", "", name.lower()) in _NAMES
    return named and not words & _PASSING
