"""`allometry cost request`: what one request costs, by compute, by memory traffic, in seconds and in money."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from allometry.cli.cost.options import HardwareText, Prices, ShapeText, gigabytes, price_notices, price_of, span
from allometry.cli.options import Json, notices_json
from allometry.cli.output import number, print_json, print_lines, print_notices, print_table
from allometry.costs import (
    Attention,
    Draft,
    Execution,
    Format,
    Request,
    RequestCost,
    find_hardware,
    find_shape,
    request_cost,
)
from allometry.notices import Refused


def request(
    shape: ShapeText,
    prompt: Annotated[int, typer.Option(help="Tokens of the prompt.")],
    generated: Annotated[int, typer.Option(help="Tokens of each answer.")],
    hardware: HardwareText,
    samples: Annotated[int, typer.Option(help="Answers to the prompt, drawn side by side.")] = 1,
    batch: Annotated[int, typer.Option(help="Requests that run together.")] = 1,
    prefix: Annotated[int, typer.Option(help="Tokens at the head of the prompt that are in the cache, common to the batch.")] = 0,
    devices: Annotated[int, typer.Option(help="Devices that share every layer (tensor parallelism).")] = 1,
    attention: Annotated[str, typer.Option(help="Of decoding: dense, topk:B or blocktopk:B:SIZE.")] = "dense",
    intensity: Annotated[float | None, typer.Option(help="FLOPs that a byte is exchanged for in eFLOPs; by default the hardware's peak over its bandwidth. Kinetics: 562.5.")] = None,
    precision: Annotated[str, typer.Option(help="Of the matrix products: bf16, fp16, fp8, tf32, fp32.")] = "bf16",
    weight_bits: Annotated[float, typer.Option("--weight-bits", help="Bits of a weight of the layers' matrices.")] = 16,
    weight_group: Annotated[int | None, typer.Option("--weight-group", help="Weights that share a scale and a zero point.")] = None,
    cache_bits: Annotated[float, typer.Option("--cache-bits", help="Bits of a key's or value's entry.")] = 16,
    cache_group: Annotated[int | None, typer.Option("--cache-group", help="Entries that share a scale and a zero point.")] = None,
    reread: Annotated[bool, typer.Option("--reread", help="Each sample reads the prompt's cache for itself, as kernels without shared prefixes do.")] = False,
    draft: Annotated[str | None, typer.Option(help="Shape of the model that runs ahead (speculative decoding).")] = None,
    draft_tokens: Annotated[int, typer.Option("--draft-tokens", help="Tokens that it runs ahead.")] = 4,
    acceptance: Annotated[float | None, typer.Option(help="Chance that a drafted token is accepted, as measured.")] = None,
    prices: Prices = None,
    json: Json = False,
) -> None:  # fmt: skip
    """What a request costs: FLOPs and memory traffic of prompt and decoding, seconds, energy and money.

    Times are a roofline times efficiency factors, whose spread they carry until `allometry cost calibrate` has
    measured them. compute_flops, memory_bytes and eflops are in the convention of Kinetics: decoding alone, every
    parameter counted, the reading of weights left out.
    """
    found = find_hardware(hardware)
    how = Execution(
        batch=batch, devices=devices, precision=precision, weights=Format(weight_bits, weight_group),
        cache=Format(cache_bits, cache_group), attention=Attention.parse(attention), reread=reread,
        draft=_draft(draft, draft_tokens, acceptance),
    )  # fmt: skip
    asked = Request(prompt=prompt, generated=generated, samples=samples, prefix=prefix)
    cost = request_cost(find_shape(shape), asked, found, how, price=price_of(found, prices), intensity=intensity)
    if json:
        print_json(_json(cost))
    else:
        _show(cost)


def _draft(text: str | None, tokens: int, acceptance: float | None) -> Draft | None:
    if text is None:
        if acceptance is not None:
            raise Refused("bad-option", "an acceptance without a draft", "--acceptance", "give --draft SHAPE")
        return None
    if acceptance is None:
        raise Refused("missing-option", "how often a drafted token is accepted cannot be computed", "--acceptance",
                      "give the measured share, such as --acceptance 0.7")  # fmt: skip
    return Draft(find_shape(text), tokens, acceptance)


def _json(cost: RequestCost) -> dict[str, Any]:
    return {
        "shape": cost.shape.as_json(),
        "hardware": cost.hardware.name,
        "devices": cost.how.devices,
        "batch": cost.how.batch,
        **cost.as_json(),
        "warnings": notices_json((*cost.notices, *price_notices(cost.price))),
        "complete": True,
    }


def _show(cost: RequestCost) -> None:
    print_lines(_what(cost))
    print_table("exact counts, of one request", ("", "FLOPs", "bytes", "seconds of the batch [spread of the factors]"), [
        (name, number(phase.flops), number(phase.bytes), span(phase.timing.seconds))
        for name, phase in (("prompt", cost.prefill), ("decoding", cost.decode))
    ])  # fmt: skip
    print_table("eFLOPs, as Kinetics counts", ("", "value"), [
        ("compute, FLOPs", number(cost.eflops.compute_flops)), ("cache traffic, bytes", number(cost.eflops.memory_bytes)),
        (f"at {cost.eflops.intensity:g} FLOP a byte", number(cost.eflops.memory_eflops)), ("eFLOPs", number(cost.eflops.total)),
    ])  # fmt: skip
    print_table("time, energy and money", ("", "value [spread of the factors]"), _figures(cost), prose=True)
    total = cost.seconds.value or 1.0
    print_table("where the time goes", ("", "seconds", "share"),
                [(name, number(part), f"{part / total:.1%}") for name, part in cost.whole.parts.items()])  # fmt: skip
    held = cost.residents
    print_table(f"memory of a device, of {gigabytes(held.available)}", ("", "bytes"), [
        (name, gigabytes(size)) for name, size in (("weights", held.weights), ("cache", held.cache),
                                                   ("workspace", held.workspace), ("total", held.total))
    ])  # fmt: skip
    for ground in cost.grounds:
        print_lines(f"[{ground.mark}] {ground.name}: {ground.says}")
    print_notices((*cost.notices, *price_notices(cost.price)))


def _what(cost: RequestCost) -> str:
    asked, how = cost.request, cost.how
    formats = [("weights", how.weights), ("cache", how.cache)]
    stored = "".join(f", {name} of {stored.as_text()}" for name, stored in formats if stored != Format())
    return (
        f"{cost.shape.name or 'shape'}: {number(cost.shape.parameters().total)} parameters; {asked.prompt} prompt tokens, "
        f"{asked.samples} x {asked.generated} generated, batch of {how.batch}; {how.devices} x {cost.hardware.name}, "
        f"{how.precision}, {how.attention.as_text()} attention{stored}"
    )


def _figures(cost: RequestCost) -> list[tuple[str, str]]:
    currency = f", {cost.price.currency}" if cost.price else ""
    return [
        ("seconds, start to end", span(cost.seconds)),
        ("seconds to the first token", span(cost.first_token)),
        ("seconds a step of decoding", span(cost.per_token)),
        ("generated tokens a second, batch", span(cost.tokens_per_second)),
        ("energy at full power, kWh", span(cost.kilowatt_hours)),
        (f"money{currency}", span(cost.money)),
        ("kWh a million generated tokens", span(cost.per_million(cost.kilowatt_hours))),
        (f"money{currency} a million generated tokens", span(cost.per_million(cost.money))),
    ]
