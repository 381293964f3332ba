"""`allometry cost serve`: what a service gives under a load, and which deployment to run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from allometry.cli.cost.options import Prices, ShapeText, price_notices, price_of
from allometry.cli.cost.served import Report, serve_json, show_serve, write_requests
from allometry.cli.options import Json, Seed, assignments, check_out
from allometry.cli.output import print_json, progress, working
from allometry.costs import Format, Hardware, find_hardware, find_shape
from allometry.costs.serving import (
    Demand,
    Deployment,
    Goals,
    MeasuredSteps,
    Roofline,
    StepTimes,
    Trace,
    cautious_plan,
    deployments_of,
    factor_spread,
    generate_trace,
    load_spread,
    rank_plans,
    read_step_times,
    read_trace,
)
from allometry.costs.serving.deployments import BATCH_TOKENS, MAX_BATCH
from allometry.costs.serving.plans import SIMULATED
from allometry.costs.serving.roofline import factor_names
from allometry.costs.serving.space import BATCHES, BUDGETS
from allometry.expressions import parse_number
from allometry.notices import Interval, Notice, Refused
from allometry.runs import read_table

RECORDS = "records:"
DEVICES = 8
MOST_DEVICES = 16_384  # beyond that the simulation of every copy takes longer than anyone waits
# What is simulated beside the front-runners: the limits of the best of them, at most.
VARIANTS = len(BATCHES) * len(BUDGETS) - 1


def serve(
    shape: ShapeText,
    hardware: Annotated[list[str], typer.Option("--hardware", help="A name (h200), a .toml file, or either with changes; repeatable, to compare.")],
    trace: Annotated[str | None, typer.Option(help="Requests: CSV, Parquet or JSON lines with arrival (seconds or dates), prompt and generated; also job, step, after, shared. Or records:DIR, for the strategies of a sweep under load.")] = None,
    strategy: Annotated[list[str] | None, typer.Option("--strategy", help="Of records: a strategy as the sweep calls it; repeatable. All by default.")] = None,
    engine: Annotated[str | None, typer.Option(help="Of records: whose answers, where they are of several engines.")] = None,
    map: Annotated[list[str] | None, typer.Option("--map", help="arrival=COLUMN of the trace; repeatable.")] = None,
    speed: Annotated[str, typer.Option(help="Times as fast as the trace was; 1000 for arrivals in milliseconds.")] = "1",
    rate: Annotated[str | None, typer.Option(help="In place of a trace: requests a second. Of records: questions a second, one or several: 0.5,1,2.")] = None,
    prompt: Annotated[str, typer.Option(help="Prompt tokens: 512, lognormal:512,256, normal:, uniform: or geometric:.")] = "512",
    generated: Annotated[str, typer.Option(help="Generated tokens, likewise.")] = "512",
    requests: Annotated[int, typer.Option(help="How many requests to make.", min=1)] = 1000,
    arrivals: Annotated[str, typer.Option(help="poisson, bursty:C (coefficient of variation), regular, or together (offline; needs no rate).")] = "poisson",
    devices: Annotated[int | None, typer.Option(help=f"At most so many devices; by default what is fixed below takes, or {DEVICES}.", min=1, max=MOST_DEVICES)] = None,
    replicas: Annotated[int | None, typer.Option(help="Fix the copies of the model.", min=1, max=MOST_DEVICES)] = None,
    tensor: Annotated[int | None, typer.Option(help="Fix the devices that share each layer.", min=1)] = None,
    pipeline: Annotated[int | None, typer.Option(help="Fix the stages.", min=1)] = None,
    max_batch: Annotated[int | None, typer.Option("--max-batch", help="Fix the most sequences in an iteration.", min=1)] = None,
    batch_tokens: Annotated[int | None, typer.Option("--batch-tokens", help="Fix the most tokens in an iteration.", min=1)] = None,
    chunked: Annotated[bool | None, typer.Option("--chunked/--whole-prompts", help="Cut prompts to fit beside generation, or not; by default both are tried.")] = None,
    precision: Annotated[str, typer.Option(help="Of the products: bf16, fp16, fp8.")] = "bf16",
    weight_bits: Annotated[float, typer.Option("--weight-bits", help="Bits of a stored weight.")] = 16,
    weight_group: Annotated[int | None, typer.Option("--weight-group", help="Weights that share a scale.", min=1)] = None,
    cache_bits: Annotated[float, typer.Option("--cache-bits", help="Bits of a stored key or value.")] = 16,
    ttft: Annotated[str | None, typer.Option(help="Goal: seconds to the first token.")] = None,
    tpot: Annotated[str | None, typer.Option(help="Goal: seconds per token after the first.")] = None,
    attain: Annotated[float, typer.Option(help="Share of requests that must reach the goals.")] = 0.95,
    rank: Annotated[str, typer.Option(help="cost, throughput, ttft, tpot, latency or attainment.")] = "cost",
    times: Annotated[Path | None, typer.Option(help="Measured times of iterations: a table with prefill, batch, context, seconds. Fixes tensor and pipeline, 1 unless given.")] = None,
    simulate: Annotated[int, typer.Option(help="Front-runners to simulate, out of all that are screened in closed form.", min=1)] = SIMULATED,
    show: Annotated[int, typer.Option(help="Plans to show.", min=1)] = 10,
    out: Annotated[Path | None, typer.Option(help="Write the best plan's times of each request to this CSV.")] = None,
    prices: Prices = None,
    seed: Seed = 0, json: Json = False,
) -> None:  # fmt: skip
    """What a service gives under a load, and the deployment to run: replicas, splits and limits, ranked.

    Every deployment that memory allows is screened in closed form; the front-runners are simulated request by request
    under iteration-level batching. What is given of the deployment is kept, the rest is searched.
    """
    if trace is not None and trace.startswith(RECORDS):
        from allometry.cli.cost.questions import Asked, read_rates, serve_questions  # other loads need no sweeps

        changed = {"--map": map, "--speed": speed != "1", "--prompt": prompt != "512", "--generated": generated != "512",
                   "--requests": requests != 1000, "--arrivals": arrivals != "poisson", "--ttft": ttft, "--tpot": tpot,
                   "--rank": rank != "cost", "--out": out}  # fmt: skip
        _refuse_options([name for name, given in changed.items() if given], "records bring their own requests")
        base = _base(shape, find_hardware(hardware[0]), precision, weight_bits, weight_group, cache_bits)
        measured = None if times is None else _measured(times, len(hardware))
        serve_questions(
            Asked(trace.removeprefix(RECORDS), strategy or (), engine, read_rates(rate), seed),
            lambda longest: _one_deployment(base, hardware, devices, longest, replicas, tensor, pipeline, max_batch, batch_tokens, chunked),
            measured, price_of(base.hardware, prices), price_notices(price_of(base.hardware, prices)), json=json,
        )  # fmt: skip
        return
    _refuse_options([name for name, given in (("--strategy", strategy), ("--engine", engine)) if given],
                    "strategies are those of a sweep's records")  # fmt: skip
    if out is not None:
        check_out(out)
    goals = Goals(ttft=_seconds(ttft, "--ttft"), tpot=_seconds(tpot, "--tpot"), attain=attain, rank=rank)
    kinds = [find_hardware(text) for text in hardware]
    load = _load(trace, map, speed, rate, prompt, generated, requests, arrivals, seed)
    measured = None if times is None else _measured(times, len(kinds))
    tensor, pipeline = (tensor, pipeline) if measured is None else (tensor or 1, pipeline or 1)
    base = _base(shape, kinds[0], precision, weight_bits, weight_group, cache_bits)
    most = devices or max(DEVICES, (replicas or 1) * (tensor or 1) * (pipeline or 1))
    longest = int((load.prompt + load.generated).max())
    space = deployments_of(
        base, kinds, most, longest, replicas=replicas, tensor=tensor, pipeline=pipeline,
        batches=BATCHES if max_batch is None else (max_batch,), budgets=_budgets(batch_tokens, chunked, max_batch),
    )  # fmt: skip
    with progress("simulating the front-runners", min(len(space.deployments), simulate + VARIANTS)) as tick:
        ranking = rank_plans(
            load, space.deployments, goals, times=_timing(measured), prices=lambda kind: price_of(kind, prices),
            simulated=simulate, tick=tick,
        )  # fmt: skip
    best = ranking.best
    spread: Mapping[str, Interval] = {}
    cautious = None
    if measured is None:
        demand = Demand.of(load)
        spread = {"load": load_spread(demand, best.deployment)}
        with progress("spread of the factors", len(factor_names(best.deployment))) as tick:
            spread = {**spread, **factor_spread(load, best.deployment, goals, tick)}
        with working("looking for a plan that keeps up at the slow end of the factors"):
            cautious = cautious_plan(demand, ranking.plans)
    notices = (*space.notices(), *ranking.notices, *_context(base, longest), *price_notices(best.price),
               *(_calibrated(best.deployment, longest) if measured is None else measured.notices()))  # fmt: skip
    report = Report(load, goals, ranking, space, spread, cautious, measured, notices, show)
    if out is not None and best.served is not None:
        with working("writing"):
            write_requests(best.served, out)
    if json:
        print_json(serve_json(report))
    else:
        show_serve(report)


def _base(
    shape: str, hardware: Hardware, precision: str, weight_bits: float, weight_group: int | None, cache_bits: float
) -> Deployment:
    weights, cache = Format(weight_bits, weight_group), Format(cache_bits)
    return Deployment(shape=find_shape(shape), hardware=hardware, precision=precision, weights=weights, cache=cache)


def _one_deployment(
    base: Deployment, hardware: list[str], devices: int | None, longest: int, replicas: int | None, tensor: int | None,
    pipeline: int | None, max_batch: int | None, batch_tokens: int | None, chunked: bool | None,
) -> Deployment:  # fmt: skip
    """The deployment that is given, and where it is not the least: one copy, on the fewest devices that hold it."""
    if len(hardware) > 1:
        raise Refused("bad-option", "strategies are compared on one deployment", "--hardware", "give one")
    budget = (batch_tokens or max(BATCH_TOKENS, max_batch or 0), chunked is not False)
    space = deployments_of(
        base, [base.hardware], devices or max(DEVICES, (replicas or 1) * (tensor or 1) * (pipeline or 1)), longest,
        replicas=replicas or 1, tensor=tensor, pipeline=pipeline, batches=(max_batch or MAX_BATCH,), budgets=(budget,),
    )  # fmt: skip
    if not space.deployments:
        raise Refused("bad-option", f"{budget[0]} tokens an iteration leave none for prompts beside {max_batch or MAX_BATCH} "
                      "sequences", "--batch-tokens", f"give at least {max_batch or MAX_BATCH}")  # fmt: skip
    return min(space.deployments, key=lambda found: (found.devices, found.pipeline))


def _refuse_options(given: list[str], why: str) -> None:
    if given:
        raise Refused("bad-option", why, ", ".join(given), "leave it out, or give --trace records:DIR" if "--strategy" in given
                      or "--engine" in given else "leave it out")  # fmt: skip


def _load(
    trace: str | None, map: list[str] | None, speed: str, rate: str | None, prompt: str, generated: str,
    requests: int, arrivals: str, seed: int,
) -> Trace:  # fmt: skip
    if trace is not None and rate is not None:
        raise Refused(
            "twice-load",
            "a trace has its own arrivals",
            "--rate",
            "leave --rate or --trace out; --speed changes a trace's",
        )
    if trace is not None:
        found = read_trace(read_table(Path(trace)).columns, trace, assignments(map, "--map"))
    elif rate is None and not arrivals.startswith("together"):
        raise Refused("no-load", "there are no requests to serve", "--trace, --rate",
                      "give a trace, or a load such as --rate 4 --prompt 512 --generated 256")  # fmt: skip
    else:
        each = 0.0 if rate is None else parse_number(rate, "--rate")
        found = generate_trace(
            rate=each, requests=requests, prompt=prompt, generated=generated, arrivals=arrivals, seed=seed
        )
    return found.faster(parse_number(speed, "--speed"))


def _seconds(text: str | None, option: str) -> float | None:
    try:
        return None if text is None else parse_number(text, option)
    except Refused as refused:
        raise Refused(refused.code, f"{text!r} is no number of seconds", option, "write 0.03 for 30 ms") from refused


def _budgets(tokens: int | None, chunked: bool | None, max_batch: int | None) -> list[tuple[int, bool]]:
    """Limits of tokens to try, with whether prompts are chunked; one that is given is kept."""
    if tokens is not None:
        both = [(tokens, cut) for cut in (True, False)]
    else:
        both = [(max(each, max_batch or each), cut) for each, cut in BUDGETS]
    kept = [(each, cut) for each, cut in both if chunked is None or cut == chunked]
    if tokens is not None and max_batch is not None and max_batch > tokens:
        kept = [(each, cut) for each, cut in kept if not cut]
        if not kept:
            raise Refused("bad-option", f"{tokens} tokens an iteration leave none for prompts beside {max_batch} sequences",
                          "--batch-tokens", f"give at least {max_batch}")  # fmt: skip
    return kept


def _measured(times: Path, kinds: int) -> MeasuredSteps:
    if kinds > 1:
        raise Refused("bad-option", "measured times are of one kind of device", "--times", "give one --hardware")
    return read_step_times(read_table(times).columns, str(times))


def _timing(measured: MeasuredSteps | None) -> Any:
    def timed(deployment: Deployment) -> StepTimes:
        return Roofline(deployment) if measured is None else measured

    return timed


def _calibrated(deployment: Deployment, longest: int) -> tuple[Notice, ...]:
    """Where lengths or model lie outside what the hardware was calibrated on; how many run together differs by step."""
    values = {"context": longest, "parameters": deployment.shape.parameters().total}
    return deployment.hardware.factor("time").notices(values)


def _context(base: Deployment, longest: int) -> tuple[Notice, ...]:
    context = base.shape.context
    if context is None or longest <= context:
        return ()
    message = f"the longest request has {longest} tokens, the shape is made for {context}"
    return (Notice("beyond-context", message),)
