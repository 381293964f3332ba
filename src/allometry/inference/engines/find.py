"""An engine by a text, as the command line has it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from allometry.axes import nearest_names
from allometry.inference.calls import Engine
from allometry.notices import Refused

FORMS = (
    "embedded", "embedded:weak", "embedded:middle", "embedded:strong", "embedded:PATH.npz", "simulator:FILE",
    "records:DIR", "openai:URL#MODEL",
)  # fmt: skip
CHECKPOINTS = ("weak", "middle", "strong")
BEST = "strong"
FOLDER = Path(__file__).parent / "embedded"


def find_engine(text: str, *, rows: int = 128, **settings: Any) -> Engine:
    """The engine that a text names: `embedded`, `embedded:weak`, `embedded:model.npz`, `simulator:world.toml`,
    `records:folder`, `records:folder#engine` where it holds answers of several (or a log of inspect or lm-eval) or `openai:http://host:8000/v1#model`.

    Arguments: `rows` is how many sequences of an embedded model run side by side, `settings` are those of `Endpoint`.
    Errors: `Refused` for any other text, with the nearest forms; for files that are not there; and for an address with
    a user, password or query, which may be credentials and are not shown.

    >>> find_engine("openai:http://localhost:8000/v1#tiny").profile.identity
    'tiny@localhost:8000/v1'
    """
    kind, _, rest = text.partition(":")
    make = _KINDS.get(kind)
    if make is None or (not rest and kind != "embedded"):
        raise _unknown(text)
    if settings and kind != "openai":
        raise Refused("bad-engine", f"only endpoints take {', '.join(sorted(settings))}", kind, "leave it out")
    return make(rest, rows, settings)


def _unknown(text: str) -> Refused:
    kind = text.partition(":")[0]
    near = nearest_names(kind, [form.partition(":")[0] for form in FORMS])
    forms = [form for form in FORMS if form.partition(":")[0] in near[:1]] or FORMS
    # only its first word is shown: behind it may stand an address with a password
    return Refused("unknown-engine", f"{kind[:40]!r} begins no engine that there is" if kind not in _KINDS else
                   f"{kind} needs more words", "--engine", f"the nearest are {', '.join(forms)}")  # fmt: skip


def _embedded(name: str, rows: int, settings: dict[str, Any]) -> Engine:
    from allometry.inference.engines.embedded import read_character_model

    if name and name not in CHECKPOINTS:
        if not name.endswith(".npz"):
            near = ", ".join(nearest_names(name, CHECKPOINTS))
            raise Refused("unknown-engine", f"no embedded model is called {name!r}", "--engine",
                          f"the nearest are {near}; a file ends in .npz")  # fmt: skip
        return read_character_model(name, rows, _workers())
    path = FOLDER / f"{name or BEST}.npz"
    if not path.is_file():
        raise Refused("no-model", f"this copy of allometry holds no {path.name}", "--engine",
                      "install a released version, or train one and name its file: embedded:PATH.npz")  # fmt: skip
    return read_character_model(path, rows, _workers())


def _workers() -> int:
    """One a core that this process may use; on a single core the model runs in this process."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if cores > 1 else 0


def _simulator(path: str, rows: int, settings: dict[str, Any]) -> Engine:
    from allometry.inference.engines.simulator import read_simulator

    return read_simulator(path)


def _records(folder: str, rows: int, settings: dict[str, Any]) -> Engine:
    from allometry.inference.engines.recorded import read_logged, read_recorded

    if Path(folder).is_file():
        return read_logged(folder)
    home, _, engine = folder.partition("#") if not Path(folder).exists() else (folder, "", "")
    return read_recorded(home, engine or None)


def _openai(at: str, rows: int, settings: dict[str, Any]) -> Engine:
    from allometry.inference.engines.endpoint import Endpoint

    return Endpoint(at, **settings)


_KINDS: dict[str, Callable[[str, int, dict[str, Any]], Engine]] = {
    "embedded": _embedded, "simulator": _simulator, "records": _records, "openai": _openai,
}  # fmt: skip
