"""Corpora by name: one file each, which holds its reader as `read`."""

from allometry.lab.corpora.find import CorpusChoice, corpus_names, find_corpus

__all__ = ["CorpusChoice", "corpus_names", "find_corpus"]
