"""`allometry cost calibrate`: efficiency factors from measured times, into a hardware file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from allometry.cli.cost.options import HardwareText
from allometry.cli.options import Json, Level, Map, Seed, assignments, check_out, level_of, lists, notices_json
from allometry.cli.output import number, print_json, print_lines, print_notices, print_table, progress
from allometry.costs import FACTOR_UNITS, Execution, Format, Shape, find_hardware, find_shape, write_hardware
from allometry.notices import Refused
from allometry.timings import PHASES, Calibration, Measurement, read_measurements, write_measurements
from allometry.timings import calibrate as calibrate_times

if TYPE_CHECKING:
    from allometry.inference.probing import Grid

MADE_UP = ("simulator", "records")  # engines whose seconds are not a clock's
GRID_NAMES = {"batch": "batches", "prompt": "prompts", "generated": "generated"}


def calibrate(
    hardware: HardwareText,
    measured: Annotated[Path | None, typer.Option(help="Table of measured times: batch, prompt, generated, seconds; where rows differ also samples, shape, phase.")] = None,
    engine: Annotated[str | None, typer.Option(help="An engine to time in place of a table, that nobody else is using: openai:http://localhost:8000/v1#MODEL, or embedded.")] = None,
    grid: Annotated[str | None, typer.Option(help="With --engine: what is timed, each with each, e.g. 'batch=1,4,16,64 prompt=64,512,2048 generated=1,64' (the default).")] = None,
    times: Annotated[Path | None, typer.Option(help="With --engine: CSV to keep its times in; --measured reads it again.")] = None,
    shape: Annotated[str | None, typer.Option(help="Shape that was run, where neither the table nor the engine says.")] = None,
    phase: Annotated[str, typer.Option(help=f"What was timed, where the table does not say: {', '.join(PHASES)}.")] = "request",
    map: Map = None,
    precision: Annotated[str, typer.Option(help="Of the matrix products.")] = "bf16",
    devices: Annotated[int, typer.Option(help="Devices that shared every layer.")] = 1,
    weight_bits: Annotated[float, typer.Option("--weight-bits", help="Bits of a weight of the layers' matrices.")] = 16,
    weight_group: Annotated[int | None, typer.Option("--weight-group", help="Weights that share a scale and a zero point.")] = None,
    cache_bits: Annotated[float, typer.Option("--cache-bits", help="Bits of a key's or value's entry.")] = 16,
    cache_group: Annotated[int | None, typer.Option("--cache-group", help="Entries that share a scale and a zero point.")] = None,
    flash: Annotated[bool, typer.Option("--flash/--no-flash", help="Of training: attention without its square in memory.")] = True,
    fused: Annotated[bool, typer.Option("--fused/--plain", help="Of training: norms, activations and loss fused, or plain PyTorch.")] = True,
    out: Annotated[Path | None, typer.Option(help="Hardware file to write (.toml); its name is the device's from then on.")] = None,
    bootstrap: Annotated[int, typer.Option(help="Resamples for the intervals.", min=2)] = 100,
    level: Level = None, seed: Seed = 0, json: Json = False,
) -> None:  # fmt: skip
    """Fit the efficiency factors of a device and its engine to measured times, from a table or by timing the engine.

    Rows are whole requests, passes over prompts (phase prefill), mean steps of decoding (step), or steps of training
    (train). Times of several models say how far the times of another are missed. What was published of a factor is its
    prior, so a few rows move what they depend on and leave the rest.
    """
    if out is not None:
        _check_device_file(out)
    found, ran = find_hardware(hardware), find_shape(shape) if shape else None
    _check_source(measured, engine, grid, times, map)
    rows = (
        read_measurements(str(measured), ran, phase=phase, map=assignments(map, "--map"))
        if engine is None
        else _timed(engine, ran, grid, times, seed)
    )
    how = Execution(precision=precision, devices=devices, weights=Format(weight_bits, weight_group),
                    cache=Format(cache_bits, cache_group), flash=flash, fused=fused)  # fmt: skip
    with progress("resampling the times", bootstrap) as tick:
        result = calibrate_times(
            rows, found, how, bootstrap=bootstrap, seed=seed, level=level_of(level, 0.9), tick=tick
        )
    if out is not None:
        write_hardware(result.hardware, out)
    if json:
        print_json(_json(result, out))
    else:
        _show(result, out)


def _check_source(
    measured: Path | None, engine: str | None, grid: str | None, times: Path | None, map: list[str] | None
) -> None:
    """One source of times, and no option of the other."""
    if (measured is None) == (engine is None):
        raise Refused(
            "bad-option", "times come from a table or from an engine", "--measured, --engine", "give one of the two"
        )
    if engine is None and (grid is not None or times is not None):
        raise Refused(
            "bad-option", "a table holds its own times", "--grid, --times", "give them with --engine, or leave them out"
        )
    if engine is not None and map:
        raise Refused("bad-option", "an engine has no columns to name", "--map", "give it with --measured")
    if times is not None:
        check_out(times, "--times")


def _check_device_file(out: Path) -> None:
    """Refuse a file that no command would read as hardware."""
    check_out(out)
    if out.suffix != ".toml":
        raise Refused(
            "bad-option", f"{out} would not be read as hardware", "--out", f"write {out.with_suffix('.toml')}"
        )


def _timed(text: str, shape: Shape | None, grid: str | None, times: Path | None, seed: int) -> tuple[Measurement, ...]:
    """The engine's times, kept before anything is made of them."""
    from allometry.inference.engines import find_engine
    from allometry.inference.probing import time_engine

    if text.partition(":")[0] in MADE_UP:
        raise Refused("made-up-times", f"the times of {text} are no device's, so there is nothing to calibrate", "--engine",
                      "time an endpoint (openai:URL#MODEL) or embedded, or give --measured")  # fmt: skip
    cells = _grid(grid)
    with progress("timing the engine", len(cells)) as tick:
        rows = time_engine(find_engine(text), shape, cells, seed=seed, tick=tick)
    if times is not None:
        write_measurements(rows, times)
    return rows


def _grid(text: str | None) -> Grid:
    from allometry.inference.probing import Grid

    if text is None:
        return Grid()
    asked = lists(text.split(), "--grid")
    unknown = [name for name in asked if name not in GRID_NAMES]
    if unknown or any(value != int(value) for values in asked.values() for value in values):
        raise Refused("bad-grid", f"a grid has no {unknown[0]!r}" if unknown else "a grid holds whole numbers", "--grid",
                      f"give {', '.join(GRID_NAMES)}, such as batch=1,8")  # fmt: skip
    return Grid(**{GRID_NAMES[name]: tuple(map(int, values)) for name, values in asked.items()})


def _json(result: Calibration, out: Path | None) -> dict[str, Any]:
    return {
        "hardware": result.hardware.name,
        "rows": len(result.measurements),
        "factors": {
            name: {**factor.as_json(), "unit": FACTOR_UNITS.get(name, "share")}
            for name, factor in result.factors.items()
        },
        "errors": result.errors,
        "status": result.fit.status,
        "interval": result.fit.interval_kind,
        "out": None if out is None else str(out),
        "warnings": notices_json(result.notices),
        "complete": True,
    }


def _show(result: Calibration, out: Path | None) -> None:
    print_table(
        f"factors of {result.hardware.name}, from {len(result.measurements)} times; intervals: {result.fit.interval_kind}",
        ("", "value", "low", "high", "unit", ""),
        [(name, number(factor.value), number(factor.low), number(factor.high), FACTOR_UNITS.get(name, "share"), factor.provenance)
         for name, factor in result.factors.items()],
    )  # fmt: skip
    before, after = result.errors["before"], result.errors["after"]
    print_table("errors of predicted times", ("", "median", "worst"), [
        ("with the factors before", f"{before['median']:.1%}", f"{before['worst']:.1%}"),
        ("with these, each time left out of the fit", f"{after['median']:.1%}", f"{after['worst']:.1%}"),
    ])  # fmt: skip
    print_lines(
        f"written to {out}: give --hardware {out}" if out else "nothing written: give --out FILE.toml to keep it"
    )
    print_notices(result.notices)
