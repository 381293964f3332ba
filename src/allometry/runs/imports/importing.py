"""`import_runs`: from a tracker, a folder of logs or a results file to one table of runs, and the mapping that reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allometry.notices import Notice, Refused
from allometry.runs.imports.choosing import SETTING, Asked, Chosen, batch_factors, choose
from allometry.runs.imports.collect import Collected, Failed, Progress, collect, quiet
from allometry.runs.imports.joining import group_runs
from allometry.runs.imports.making import Making
from allometry.runs.imports.mapping_file import mapping_path, write_mapping
from allometry.runs.imports.settings_table import read_settings, with_settings
from allometry.runs.imports.writing import check_out, settings_schema, table_columns, write_table
from allometry.runs.sources import Source, find_source

# Who reads the mapping need not know who may read the tracker.
_PASSWORD = re.compile(r"//[^/@]*@")


@dataclass(frozen=True)
class Imported:
    """What an import made: `runs` and `rows` of the table `out`, read with the mapping in `map_file`.

    `read` and `kept` count the items of the source that were read now and those kept in `parts` from an earlier import;
    `failed` names those that could not be read. `states` counts runs by how they ended.
    """

    out: Path
    map_file: Path
    parts: Path
    runs: int
    rows: int
    columns: tuple[str, ...]
    mapping: Mapping[str, str]
    states: Mapping[str, int]
    read: int
    kept: int
    failed: tuple[Failed, ...]
    notices: tuple[Notice, ...]

    def as_json(self) -> dict[str, Any]:
        """A strict JSON object."""
        return {
            "runs": self.runs, "rows": self.rows, "mapping": dict(self.mapping), "out": str(self.out),
            "map_file": str(self.map_file), "parts": str(self.parts), "columns": list(self.columns),
            "states": dict(self.states), "read": self.read, "kept": self.kept,
            "failed": [failed._asdict() for failed in self.failed],
            "warnings": [{"code": notice.code, "message": notice.message} for notice in self.notices],
            "complete": not self.failed,
        }  # fmt: skip


def import_runs(
    source: str,
    out: str | Path,
    *,
    metrics: Mapping[str, str] | None = None,
    map: Mapping[str, str] | None = None,
    batch_tokens: str | float | None = None,
    step: str | None = None,
    join: str = "id",
    settings: str | Path | None = None,
    jobs: int = 1,
    progress: Progress = quiet,
) -> Imported:
    """Bring the runs of a source into one table, with the mapping that reads it beside it.

    Use it for runs that a tracker or a training library logged; a table with one row a measurement needs no import. A
    second import into the same table reads only what changed since, and one that was stopped goes on where it was.

    Arguments: `source` such as "wandb:ENTITY/PROJECT", "mlflow:URI#EXPERIMENT", "tensorboard:DIR", or a path whose
    shape says what it is; `out` the table, .parquet or .csv. `metrics` {standard name: metric}: the first gives the
    rows, one for each step at which it was logged; without any, all metrics are columns and every step is a row. `map`
    {standard name: metric or setting}: metrics are read off at the rows. `batch_tokens` turns steps into tokens: a
    number, a setting, a logged metric, or a product such as "batch_size*seq_len". `step` names the metric that holds
    the training step. `join` says which parts are one run: those of one "id", one "name", or one value of a setting.
    `settings` is a table with a column `run_id` or `run_name`, whose other columns are settings. `jobs` is the number
    of processes that read; a script that gives more than 1 must be guarded by `if __name__ == "__main__"`. `progress` is
    called with what is done and how many times, and gives a context whose value is called as it is done.

    Columns: run_id, run_name, state (finished, running, crashed, diverged, empty where nothing tells), tags, step,
    tokens and other counts, metrics by their own names, and settings after `config.`.
    Errors: `Refused` for a source that is none, that cannot be reached or in which nothing can be read, and for a
    metric or setting that no run has. What was read is kept in each case.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     folder = Path(name)
    ...     for size in (1, 2):
    ...         table = f"step,params,eval_loss\\n500,{size}e6,4.0\\n1000,{size}e6,{4 - size / 2}\\n"
    ...         _ = (folder / f"run{size}.csv").write_text(table)
    ...     out, loss = folder / "runs.parquet", {"loss": "eval_loss"}
    ...     found = import_runs(f"csv:{folder}", out, metrics=loss, batch_tokens=4096)
    >>> found.runs, found.rows, found.mapping
    (2, 4, {'loss': 'eval_loss', 'tokens': 'tokens', 'params': 'config.params'})
    """
    table = Path(out)
    asked = Asked(metrics or {}, map or {}, batch_factors(batch_tokens), step)
    own = None if settings is None else read_settings(str(settings))
    kind, text = find_source(source)
    check_out(table, kind, text)
    collected = _collect(kind, text, table, asked, jobs, progress)
    groups, notices = group_runs(collected.parts, join, step)
    if own is not None:
        groups, said = with_settings(groups, own)
        notices += said
    chosen, said = choose(asked, [group.about for group in groups], text)
    made = Making(groups, chosen, step)
    schema = settings_schema(group.about.config for group in groups)
    with progress("writing rows", len(groups)) as tick:
        rows = write_table(made.each(tick), chosen.numbers, schema, table)
    write_mapping(mapping_path(table), chosen.mapping, _about(source, chosen, step, join))
    return Imported(
        table, mapping_path(table), parts_path(table), made.runs, rows, table_columns(chosen.numbers, schema),
        chosen.mapping, made.states, collected.read, collected.kept, collected.failed,
        (*notices, *said, *made.notices()),
    )  # fmt: skip


def parts_path(out: Path) -> Path:
    """The folder of what was read, beside the table; it may be deleted, and the next import then reads everything.

    >>> str(parts_path(Path("ladder/runs.parquet")))
    'ladder/runs.parts'
    """
    return out.with_suffix(".parts")


def _collect(kind: Source, text: str, out: Path, asked: Asked, jobs: int, progress: Progress) -> Collected:
    with progress("listing runs", 1) as tick:
        items = kind.items(text)
        tick(1)
    if not items:
        raise Refused("no-runs", f"there is no run in it ({kind.reads})", text, "check the name")
    with progress("reading runs", len(items)) as tick:
        found = collect(items, f"{kind.prefix}:{text}", parts_path(out), asked.wanted(), jobs, tick)
    if not found.parts:
        others = f"; so are all {len(items)}" if len(items) > 1 else ""
        first = found.failed[0]
        raise Refused("nothing-read", f"{first.item} cannot be read: {first.message}{others}", text)
    return found


def _about(source: str, chosen: Chosen, step: str | None, join: str) -> dict[str, str]:
    """How the table was made, for people: what it was read from and how steps, tokens and runs were told."""
    factors = (factor if isinstance(factor, str) else f"{factor:.15g}" for factor in chosen.batch)
    counted = {"tokens": " x ".join(("step", *factors))} if chosen.batch else {}
    totals = {axis: f"{SETTING}{name} x share of the run done" for axis, name in chosen.totals.items()}
    return {
        "source": _PASSWORD.sub("//", source),
        **counted,
        **totals,
        **({"step": step} if step else {}),
        "join": join,
    }
