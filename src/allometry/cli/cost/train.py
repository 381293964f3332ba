"""`allometry cost train`: what a training run costs, and how to spread it over devices."""

from __future__ import annotations

import math
from typing import Annotated, Any

import typer

from allometry.cli.cost.options import HardwareText, Prices, ShapeText, gigabytes, price_notices, price_of, span
from allometry.cli.options import Json, notices_json
from allometry.cli.output import number, print_json, print_lines, print_notices, print_table, working
from allometry.costs import Hardware, Price, find_hardware, find_shape, training_flops
from allometry.costs.training import (
    Fastest,
    Job,
    TrainingCost,
    ends,
    energy_of,
    fastest,
    fewest_devices,
    hosted_grounds,
    hosted_training,
    money_of,
)
from allometry.expressions import parse_number
from allometry.laws import published
from allometry.notices import Refused

BATCH_LAW = "step_batch@steplaw"
BATCH_LAW_SAYS = f"{{}} sequences in a step: the Step Law's batch for these tokens, to a power of two ({BATCH_LAW})"
DEFAULT_CONTEXT = 4096


def train(
    shape: ShapeText,
    tokens: Annotated[str, typer.Option(help="Tokens to train on, e.g. 15T.")],
    hardware: HardwareText,
    devices: Annotated[int | None, typer.Option(help="Devices; by default the fewest (a power of two) that it fits on.", min=1)] = None,
    batch: Annotated[int | None, typer.Option(help="Sequences in a step; by default what the Step Law says for these tokens.", min=1)] = None,
    context: Annotated[int | None, typer.Option(help="Tokens in a sequence; by default 4096, or the shape's own if shorter.", min=1)] = None,
    precision: Annotated[str | None, typer.Option(help="Of the matrix products: bf16, fp16, fp8, tf32, fp32; by default the first that the hardware knows.")] = None,
    states: Annotated[str, typer.Option(help="What is kept for each parameter: adam, adam-fp32-gradients, adam-fp32, adam-bf16, momentum.")] = "adam",
    data: Annotated[int | None, typer.Option(help="Data-parallel groups.", min=1)] = None,
    tensor: Annotated[int | None, typer.Option(help="Tensor-parallel degree.", min=1)] = None,
    pipeline: Annotated[int | None, typer.Option(help="Pipeline stages.", min=1)] = None,
    expert: Annotated[int | None, typer.Option(help="Expert-parallel degree, out of the data-parallel groups.", min=1)] = None,
    context_parallel: Annotated[int | None, typer.Option("--context-parallel", help="Devices that share a sequence; 1 unless given.", min=1)] = None,
    zero: Annotated[int | None, typer.Option(help="ZeRO stage: 0, 1, 2 or 3.")] = None,
    micro_batch: Annotated[int | None, typer.Option("--micro-batch", help="Sequences that a device runs at a time.", min=1)] = None,
    interleave: Annotated[int | None, typer.Option(help="Pieces of the model that each stage holds.", min=1)] = None,
    sequence: Annotated[bool | None, typer.Option("--sequence/--no-sequence", help="Sequence parallelism within tensor groups.")] = None,
    recompute: Annotated[str | None, typer.Option(help="none, selective or full.")] = None,
    flash: Annotated[bool, typer.Option("--flash/--no-flash", help="Attention without its square in memory.")] = True,
    fused: Annotated[bool, typer.Option("--fused/--plain", help="Norms, activations and loss fused, or plain PyTorch under autocast, which keeps more.")] = True,
    offload: Annotated[str, typer.Option(help="How far states may leave the device: none, host, disk; or hosted, everything at home on the host of one device.")] = "none",
    prices: Prices = None,
    json: Json = False,
) -> None:  # fmt: skip
    """What training costs: FLOPs, memory by class, time, energy and money.

    What is not given of the parallelism is searched: every spread that divides and fits is tried, and the fastest
    shown with the next ones. Times carry the spread of published efficiency factors until the hardware's file holds
    measured ones.
    """
    found_shape, found_hardware = find_shape(shape), find_hardware(hardware)
    amount = parse_number(tokens, "--tokens")
    if not (math.isfinite(amount) and amount > 0):
        raise Refused(
            "bad-value", f"tokens must be a positive number, not {amount:g}", "--tokens", "write 15T or 15e12"
        )
    length = context or min(DEFAULT_CONTEXT, found_shape.context or DEFAULT_CONTEXT)
    size = batch or default_batch(amount, length, devices)
    job = Job(
        shape=found_shape,
        batch=size,
        context=length,
        precision=precision or _precision(found_hardware),
        states=states,
        flash=flash,
        fused=fused,
    )
    fixed = {
        name: value
        for name, value in {
            "data": data, "tensor": tensor, "pipeline": pipeline, "expert": expert, "context": context_parallel,
            "zero": zero, "micro_batch": micro_batch, "interleave": interleave, "sequence": sequence, "recompute": recompute,
        }.items()
        if value is not None
    }  # fmt: skip
    assumed = () if batch else (BATCH_LAW_SAYS.format(size),)
    price = price_of(found_hardware, prices)
    if offload == "hosted":
        _hosted(job, amount, found_hardware, fixed, devices, assumed, price, json=json)
        return
    with working("searching the spreads that fit"):
        many = devices or fewest_devices(job, found_hardware, fixed=fixed, offload=offload)
        found = fastest(job, amount, found_hardware, many, fixed=fixed, offload=offload, price=price)
    if json:
        print_json(_json(found, assumed))
    else:
        _show(found, assumed, fewest=devices is None)


def _precision(hardware: Hardware) -> str:
    return next((name for name in ("bf16", "fp16", "tf32", "fp32") if name in hardware.peak), "bf16")


def default_batch(tokens: float, context: int, devices: int | None) -> int:
    """Sequences in a step by the Step Law's published constants, to a power of two, or a multiple of the devices."""
    law, constants = published(BATCH_LAW)
    sequences = float(law.evaluate(constants.values, {"tokens": [tokens]})[0]) / context
    power = 2 ** max(0, round(math.log2(sequences)))
    return power if devices is None or devices & (devices - 1) == 0 else max(1, round(power / devices)) * devices


def _json(found: Fastest, assumed: tuple[str, ...]) -> dict[str, Any]:
    best = found.best
    return {
        "shape": best.job.shape.as_json(),
        "params": {"total": best.job.shape.parameters().total, "active": best.job.shape.parameters().active},
        "batch": best.job.batch,
        "context": best.job.context,
        **best.as_json(),
        "others": [{"plan": other.spread.as_json(), "seconds_per_step": other.seconds_per_step.value,
                    "memory": other.memory.total} for other in found.others],
        "tried": found.tried,
        "fitting": found.fitting,
        "assumed": list(assumed),
        "warnings": notices_json((*best.notices, *price_notices(best.price))),
        "complete": True,
    }  # fmt: skip


def _show(found: Fastest, assumed: tuple[str, ...], *, fewest: bool) -> None:
    best = found.best
    print_lines(*_what(best))
    print_table("plan: " + best.spread.as_text(), ("", "value [spread of the factors]"), _figures(best), prose=True)
    print_table(
        f"memory of the fullest device, of {gigabytes(best.hardware.memory)}", ("", "bytes"),
        [(name, gigabytes(size)) for name, size in best.memory.as_json().items() if size],
    )  # fmt: skip
    step = best.step.as_json()
    print_table("time of a step, by part", ("", "seconds", "share"),
                [(name, number(part), f"{part / step['total']:.1%}") for name, part in step.items() if part > 5e-4 * step["total"]])  # fmt: skip
    if found.others:
        print_table("other plans that fit", ("", "seconds a step", "memory"),
                    [(o.spread.as_text(), number(o.seconds_per_step.value), gigabytes(o.memory.total)) for o in found.others])  # fmt: skip
    print_lines(f"{found.fitting} of {found.tried} spreads fit")
    for ground in best.grounds:
        print_lines(f"[{ground.mark}] {ground.name}: {ground.says}")
    for text in assumed:
        print_lines(f"[published] batch: {text}")
    if fewest:
        print_lines(
            "[assumed] devices: the fewest, to a power of two, that hold the job; give --devices for a time you can wait"
        )
    print_notices((*best.notices, *price_notices(best.price)))


def _what(best: TrainingCost) -> tuple[str, ...]:
    parts, job = best.job.shape.parameters(), best.job
    active = f", {number(parts.active)} active" if parts.active < parts.total else ""
    return (
        f"{job.shape.name or 'shape'}: {number(parts.total)} parameters{active}; {number(best.tokens)} tokens, "
        f"{job.batch} x {job.context} in a step; {best.spread.devices} x {best.hardware.name}, {job.precision}",
    )


def _figures(best: TrainingCost) -> list[tuple[str, str]]:
    currency = best.price.currency if best.price else ""
    run = best.as_json()["flops_run"]
    again = f" ({number(run)} with what is run again)" if run > 1.001 * best.flops else ""
    return [
        ("FLOPs", f"{best.flops:.4g}{again}"),
        ("steps", number(best.steps)),
        ("seconds a step", span(best.seconds_per_step)),
        ("hours", span(best.hours)),
        ("device-hours", span(best.device_hours)),
        ("share of peak (MFU)", span(best.peak_share)),
        ("energy at full power, kWh", span(best.energy)),
        (f"money, {currency}" if currency else "money", span(best.money)),
    ]


def _hosted(
    job: Job,
    tokens: float,
    hardware: Hardware,
    fixed: dict[str, Any],
    devices: int | None,
    assumed: tuple[str, ...],
    price: Price | None,
    *,
    json: bool,
) -> None:
    """Everything at home on the host of one device."""
    if fixed or (devices or 1) > 1:
        raise Refused("bad-option", "everything on the host is for one device alone", "--offload hosted",
                      "leave the parallelism out, or give --offload host")  # fmt: skip
    found = hosted_training(job, hardware)
    for name, size, room in (("host", found.host, hardware.host_memory), ("device", found.device, hardware.memory)):
        if room is None:
            raise Refused("unknown-memory", f"{gigabytes(size)} are needed on the host, whose memory is not known", "--offload hosted",
                          f"give host_memory= in bytes, {size:.3g} or more")  # fmt: skip
        if size > room:
            raise Refused("does-not-fit", f"{gigabytes(size)} do not fit the {name}'s {gigabytes(room)}", "--offload hosted",
                          "give a smaller batch" if name == "device" else f"give host_memory={size:.3g}")  # fmt: skip
    hours, flops = found.hours(job.steps(tokens)), training_flops(job.shape, tokens, job.context)
    energy, money = energy_of(hours, hardware), money_of(hours, hardware, price)
    grounds, warnings = tuple(hosted_grounds(hardware)), price_notices(price)
    if json:
        print_json({"shape": job.shape.as_json(), "batch": job.batch, "context": job.context, "hosted": found.as_json(),
                    "flops": flops, "steps": job.steps(tokens), "hours": ends(hours), "energy_kwh": ends(energy), "money": ends(money),
                    "price": None if price is None else price.as_json(), "grounds": [ground.as_json() for ground in grounds],
                    "assumed": list(assumed), "warnings": notices_json(warnings), "complete": True})  # fmt: skip
        return
    title = f"{job.shape.name or 'shape'} at home on the host: {job.batch} x {job.context} in a step; 1 x {hardware.name}, {job.precision}"
    print_table(title, ("", "value [spread of the factors]"), [
        ("FLOPs", f"{flops:.4g}"), ("host memory", gigabytes(found.host)), ("device memory", gigabytes(found.device)),
        ("seconds a step", span(found.seconds)), ("computing", number(found.compute)),
        ("weights in", number(found.weights_in)), ("gradients out", number(found.gradients_out)),
        ("update on the host", number(found.update)), ("hours", span(hours)),
        ("energy at full power, kWh", span(energy)), (f"money, {price.currency}" if price else "money", span(money)),
    ], prose=True)  # fmt: skip
    for ground in grounds:
        print_lines(f"[{ground.mark}] {ground.name}: {ground.says}")
    print_lines(*(f"[published] batch: {text}" for text in assumed))
    print_notices(warnings)
