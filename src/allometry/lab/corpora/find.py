"""Every corpus by name: one file of this folder, whose `read` takes the options of the corpus by keyword.

A new corpus is a new file with such a function: its parameters, with their types and defaults, are the keys that a
ladder file may give.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from allometry.axes import nearest_names
from allometry.lab.corpus import Corpus
from allometry.lab.tables import check_keys, check_type
from allometry.notices import Refused

_NOT = frozenset({"find"})


@dataclass(frozen=True)
class CorpusChoice:
    """A corpus by name with its options: all that another process needs to read the same."""

    name: str = "standard-library"
    options: Mapping[str, Any] = field(default_factory=dict)

    def read(self) -> Corpus:
        """The corpus itself; read once in a process."""
        return _read(self.name, tuple(sorted(self.options.items())))


@cache
def corpus_names() -> dict[str, str]:
    """The module of each corpus by its name.

    >>> sorted(set(corpus_names()) & {"folder", "standard-library", "task"})
    ['folder', 'standard-library', 'task']
    """
    modules = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return {name.replace("_", "-"): name for name in modules if name not in _NOT}


def find_corpus(name: str, options: Mapping[str, Any], where: str = "[corpus]") -> CorpusChoice:
    """The corpus of a name, its options checked, without reading it.

    Errors: `Refused` with the nearest names for an unknown corpus or option, and for a value of another type.

    >>> find_corpus("task", {"task": "chain", "examples": 100}).options["examples"]
    100
    """
    if name not in corpus_names():
        near = ", ".join(nearest_names(name, corpus_names()))
        raise Refused("unknown-corpus", f"no corpus is called {name!r}", where, f"the nearest are {near}")
    signature = inspect.signature(_reader(name), eval_str=True)
    check_keys(options, signature.parameters, where)
    for key, parameter in signature.parameters.items():
        if key in options:
            check_type(key, options[key], parameter.annotation, where)
        elif parameter.default is inspect.Parameter.empty:
            raise Refused("missing-key", f"the corpus {name} needs `{key}`", where, f"add {key} = ...")
    return CorpusChoice(name, dict(options))


def _reader(name: str) -> Callable[..., Corpus]:
    found: Callable[..., Corpus] = import_module(f"allometry.lab.corpora.{corpus_names()[name]}").read
    return found


@cache
def _read(name: str, options: tuple[tuple[str, Any], ...]) -> Corpus:
    return _reader(name)(**dict(options))
