"""Finding a law: by its name in the catalogue, by its file, or from the text of a formula.

The catalogue is the TOML files in this package's folders and in those that ALLOMETRY_LAWS names; a file is read only
when its law is asked for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path

from allometry.axes import AXES, likely_columns, nearest_names
from allometry.expressions import Formula, parse
from allometry.laws._parameters import MOST_PARAMETERS
from allometry.laws.declaration import read_law
from allometry.laws.law import Bounds, Law, Parameter, Published
from allometry.notices import Refused

_NAME = re.compile(r"(?P<name>[A-Za-z_]\w*)(?::(?P<size>\d+))?")


def find_law(
    text: str,
    *,
    axes: Collection[str] = (),
    metric: str = "loss",
    bounds: Mapping[str, Bounds] | None = None,
) -> Law:
    """The law that a text names.

    Arguments: `text` is a name in the catalogue ("chinchilla"; "bnsl:2" sets the size of its parameter family), the
    path of a .toml file, or a formula. In a formula the names of the vocabulary and those in `axes` are axes, every
    other name is a positive parameter unless `bounds` gives it others, such as (None, None) for a free one; `metric` is
    what the formula predicts. The three keywords are for formulas only.
    Errors: `Refused` with the three nearest names when none matches; what `read_law` and the grammar refuse.

    >>> find_law("chinchilla").parameter_names
    ('E', 'A', 'alpha', 'B', 'beta')
    >>> find_law("a * epochs**-b").axes
    ('epochs',)
    """
    text = text.strip()
    if text.endswith(".toml"):
        return _read(Path(text), None)
    if "@" in text:
        raise Refused("bad-law", f"{text!r} are published constants, not a law", mend=f"give {text.split('@')[0]!r}")
    named = _NAME.fullmatch(text)
    return _named(named["name"], named["size"]) if named else _from_text(text, axes, metric, bounds or {})


def is_shipped(law: Law) -> bool:
    """Whether a law is one of this package's own declarations, in the words of its file; the metric may be another.

    >>> from dataclasses import replace
    >>> is_shipped(find_law("power")), is_shipped(replace(find_law("power"), source="our wiki"))
    (True, False)
    """
    path = next(Path(__file__).parent.glob(f"*/{law.name}.toml"), None) if _NAME.fullmatch(law.name) else None
    if path is None:
        return False
    own = _read(path, None)
    return all(
        getattr(own, part) == getattr(law, part) for part in ("title", "subject", "source", "papers", "use", "avoid")
    )


def list_laws() -> tuple[Law, ...]:
    """Every law of the catalogue, by subject and name; for a list of what there is, `find_law` for one of them."""
    laws = [_read(path, None) for path in _paths().values()]
    return tuple(sorted(laws, key=lambda law: (law.subject, law.name)))


def laws_on(axis: str) -> tuple[Law, ...]:
    """The laws that take or predict an axis, or any member of its family, by subject and name.

    Errors: `Refused` with the nearest names when no law knows it.

    >>> [law.name for law in laws_on("streams")][:1]
    ['parscale']
    """
    laws = list_laws()
    found = tuple(law for law in laws if axis in {*law.axis_names, *law.axes, law.metric})
    if not found:
        known = {name for law in laws for name in (*law.axis_names, law.metric)}
        # `N` and `lr` are how people write params and learning_rate
        meant = [name for name in known if name in AXES and (AXES[name].symbol == axis or likely_columns(name, [axis]))]
        near = ", ".join(dict.fromkeys([*sorted(meant), *nearest_names(axis, known)]))
        raise Refused("unknown-axis", f"no law takes or predicts {axis!r}", "--axis", f"the nearest are {near}")
    return found


def published(text: str) -> tuple[Law, Published]:
    """The law and the constants that LAW@KEY names.

    Errors: `Refused` when the text is not of that form, or the law or the key does not exist.

    >>> law, constants = published("chinchilla@epoch")
    >>> constants.values["E"], constants.status
    (1.8172, 'seen')
    """
    name, _, key = text.strip().partition("@")
    if not key:
        raise Refused("bad-law", f"{text!r} names no published constants", mend="write LAW@KEY, as in chinchilla@epoch")
    law = find_law(name)
    if key not in law.published:
        keys = ", ".join(f"{law.name}@{known}" for known in law.published) or "none"
        raise Refused("unknown-constants", f"{law.name} has no constants {key!r}", mend=f"it has {keys}")
    return law, law.published[key]


def _named(name: str, size: str | None) -> Law:
    paths = _paths()
    if name not in paths:
        near = ", ".join(nearest_names(name, paths))
        raise Refused("unknown-law", f"no law is called {name!r}", mend=f"the nearest are {near}")
    return _read(paths[name], None if size is None else int(size))


def _paths() -> dict[str, Path]:
    """The file of every law by the law's name; two of one name are refused, for neither may hide the other."""
    found: dict[str, Path] = {}
    for folder in _folders():
        for path in sorted([*folder.glob("*.toml"), *folder.glob("*/*.toml")]):
            if path.stem in found:
                where = f"{found[path.stem]}, {path}"
                raise Refused("law-twice", f"two laws are called {path.stem!r}", where, "rename one")
            found[path.stem] = path
    return found


def _folders() -> list[Path]:
    own = [Path(entry) for entry in os.environ.get("ALLOMETRY_LAWS", "").split(os.pathsep) if entry]
    for folder in own:
        if not folder.is_dir():
            raise Refused("no-such-folder", "ALLOMETRY_LAWS names a folder that is not there", str(folder))
    return [Path(__file__).parent, *own]


def _read(path: Path, size: int | None) -> Law:
    """The law of a file, the same object as long as the file does not change, so that it is compiled once."""
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0
    return _read_once(path, changed, size)


@lru_cache(maxsize=256)
def _read_once(path: Path, changed: int, size: int | None) -> Law:
    law = read_law(path)
    if size is None:
        return law
    if len(law.sizes) != 1:
        message = f"{law.name} has {len(law.sizes)} parameter families, so ':{size}' has no meaning"
        raise Refused("unknown-family", message, str(path), f"write {law.name}")
    return read_law(path, dict.fromkeys(law.sizes, size))


def _from_text(text: str, axes: Collection[str], metric: str, bounds: Mapping[str, Bounds]) -> Law:
    formula = parse(text)
    found = tuple(name for name in formula.names if name in AXES or name in axes)
    unknowns = [name for name in formula.names if name not in found]
    _check_text(formula, found, unknowns, bounds)
    ends = {name: bounds.get(name, (0.0, None)) for name in unknowns}
    parameters = tuple(Parameter(name, low=low, high=high) for name, (low, high) in ends.items())
    return Law(
        name="formula",
        title=text,
        subject="",
        formula=formula,
        axes=found,
        metric=metric,
        metric_unit=AXES[metric].unit if metric in AXES else "",
        parameters=parameters,
        min_runs=len(parameters) + 1,
    )


def _check_text(formula: Formula, axes: tuple[str, ...], unknowns: list[str], bounds: Mapping[str, Bounds]) -> None:
    if not axes:
        # the longest name is the likeliest to be a misspelt axis; parameters are letters
        near = ", ".join(nearest_names(max(formula.names, key=len, default="params"), AXES))
        raise Refused("no-axis", "no name in the formula is an axis", formula.text, f"the nearest axes are {near}")
    if not 1 <= len(unknowns) <= MOST_PARAMETERS:
        message = f"the formula has {len(unknowns)} parameters; a law has 1 to {MOST_PARAMETERS}"
        raise Refused("too-many-parameters", message, formula.text)
    for name in bounds:
        if name not in unknowns:
            known = ", ".join(unknowns)
            message = f"{name!r} is not a parameter of the formula"
            raise Refused("unknown-parameter", message, formula.text, f"it has {known}")
