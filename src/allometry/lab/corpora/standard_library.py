"""The running interpreter's own standard library, as bytes."""

from __future__ import annotations

from allometry.lab.corpus import Corpus, read_corpus


def read() -> Corpus:
    """Every Python source of the standard library; one file in twenty is held out, by its name."""
    return read_corpus()
