"""Nearest names, and which column of a table probably means a missing axis.

Hints are only ever printed in a refusal. Nothing here renames a column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

# How trackers and published tables call these axes (seen in them, lower case, letters and digits only).
_SEEN: dict[str, tuple[str, ...]] = {
    "params": ("n", "nparams", "numparams", "parameters", "nparameters", "numparameters", "modelsize", "totalparams",
               "paramcount", "paramstotal", "paramsnonembedding", "size"),
    "active_params": ("nactive", "activeparameters", "activatedparams", "nactiveparams", "paramsactive"),
    "non_embedding_params": ("paramsnonembedding", "nonembeddingparameters", "nnonembedding", "paramsnonvocab"),
    "tokens": ("d", "ntokens", "numtokens", "traintokens", "trainingtokens", "tokensseen", "totaltokens",
               "numtrainingtokens"),
    "unique_tokens": ("u", "uniquetokens", "datasettokens", "ndatatokens"),
    "flops": ("c", "compute", "trainflops", "trainingflops", "totalflops", "flop", "c6nd", "flops6nd"),
    "batch_tokens": ("b", "batchsizetokens", "batchsize", "bs", "tokensperstep", "globalbatchsize"),
    "steps": ("totalsteps", "maxsteps", "numsteps", "trainsteps", "trainingsteps", "stepsplanned"),
    "step": ("currentsteps", "currentstep", "globalstep", "iteration", "iter", "stepsdone", "stepselapsed"),
    "learning_rate": ("lr", "peaklr", "maxlr", "lrpeak"),
    "current_learning_rate": ("lr", "currentlr", "learningrate"),
    "width": ("hidden", "hiddensize", "dmodel", "nembd"),
    "depth": ("layers", "numlayers", "nlayers", "nlayer"),
    "vocab": ("vocabsize", "nvocab"),
    "context": ("seqlen", "sequencelength", "contextlength", "maxlength"),
    "loss": ("evalloss", "valloss", "validationloss", "testloss", "l", "crossentropy", "ce"),
    "accuracy": ("acc", "exactmatch", "score"),
    "samples": ("k", "nsamples", "numsamples", "samplestotal"),
    "generated_tokens": ("completiontokens", "outputtokens", "tokensusedmean", "generatedtokens"),
    "examples": ("trainexamples", "nexamples", "numexamples", "datasetsize"),
    "run_id": ("run", "runname", "name", "expname", "id", "experiment"),
}  # fmt: skip


def nearest_names(name: str, names: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """The `count` names most like `name`, nearest first; for the mend of a refusal.

    >>> nearest_names("tokns", ["tokens", "unique_tokens", "flops", "loss"])
    ('tokens', 'unique_tokens', 'loss')
    """
    ranked = sorted(names, key=lambda other: (-_likeness(name, other), other))
    return tuple(ranked[:count])


def likely_columns(name: str, columns: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """Columns that probably hold the axis or metric `name`, likeliest first; empty when none does.

    For refusals ("map it: params=N"); never used to rename a column unasked.

    >>> likely_columns("params", ["N", "D", "final_loss"])
    ('N',)
    >>> likely_columns("loss", ["N", "D", "final_loss"])
    ('final_loss',)
    """
    others = [column for column in columns if column != name]
    ranked = sorted((*_rank(name, column), place) for place, column in enumerate(others))
    return tuple(others[place] for rank, _, place in ranked if rank < _UNLIKELY)[:count]


_UNLIKELY = 4


def _rank(name: str, column: str) -> tuple[int, bool]:
    """0 is a name seen in the wild, then a shared word, then a spelling close by; among equals, one it begins with."""
    plain, wanted = _plain(column), _plain(name)
    later = not plain.startswith(wanted)
    if plain == wanted or plain in _SEEN.get(name, ()):
        return 0, later
    if set(name.split("_")) <= set(_words(column)):
        return 1, later
    if wanted in plain:
        return 2, later
    return (3 if _likeness(name, column) >= 0.8 else _UNLIKELY), later


def _likeness(name: str, other: str) -> float:
    return SequenceMatcher(None, name.lower(), other.lower()).ratio()


def _words(column: str) -> list[str]:
    return re.split(r"[^a-z0-9]+", column.lower())


def _plain(column: str) -> str:
    return re.sub(r"[^a-z0-9]", "", column.lower())
