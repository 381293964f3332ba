"""What one request costs on a device: FLOPs, bytes, seconds, energy and money, prefill and decoding apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from allometry.costs._checks import check_count
from allometry.costs.execution import Execution
from allometry.costs.factors import Factor
from allometry.costs.hardware import Hardware
from allometry.costs.kinetics import Eflops, eflops
from allometry.costs.prices import Price
from allometry.costs.residents import Residents, check_fits
from allometry.costs.roofline import Timing, time_of
from allometry.costs.shapes import Shape
from allometry.costs.work import Work, decode_work, prefill_work
from allometry.notices import Interval, Refused

MILLION = 1e6
NO_PRICE = "no price is known for this device: give a file of prices"
NO_POWER = "the power of this device is not known: give power= in watts"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A prompt of `prompt` tokens and `samples` answers of `generated` tokens each.

    The pass over the prompt yields the first token of each answer, and every later one takes a step of decoding; the
    first `prefix` tokens of the prompt are in the cache already and common to the whole batch (a system prompt).
    Errors: `Refused` for negative numbers, and for a prefix longer than the prompt.

    >>> Request(prompt=128, generated=10_000).samples
    1
    """

    prompt: int
    generated: int
    samples: int = 1
    prefix: int = 0

    def __post_init__(self) -> None:
        where = "the request"
        for name, least in (("prompt", 0), ("generated", 0), ("samples", 1), ("prefix", 0)):
            check_count(name, getattr(self, name), least=least, where=where)
        if self.prefix > self.prompt:
            raise Refused("bad-request", f"a prefix of {self.prefix} tokens is longer than the prompt of {self.prompt}",
                          where, f"give a prefix of up to {self.prompt}")  # fmt: skip
        if not self.prompt - self.prefix + self.generated:
            raise Refused("empty-request", "the request reads no new token and generates none", where,
                          "give prompt or generated tokens")  # fmt: skip

    @property
    def steps(self) -> int:
        """Steps of decoding: one for each generated token but the first, where a pass over the prompt yields that."""
        return max(0, self.generated - (self.prompt > self.prefix))


@dataclass(frozen=True)
class Phase:
    """Prefill or decoding of one request: exact FLOPs and bytes, its share of the batch's, and seconds of the batch."""

    flops: float
    bytes: float
    timing: Timing


@dataclass(frozen=True)
class RequestCost:
    """What one request costs; every interval is that of the factors' spread.

    `prefill` and `decode` are exact counts; `eflops` is the convention of Kinetics. `seconds` is the time from start to
    end at the batch, `first_token` and `per_token` its parts. `energy` is joules at full power and `money` in the
    price's currency, of one request; `per_million` the same for a million generated tokens. What is not known has no
    value, and says why. `residents` is what lies in a device's memory, `factors` what the times were made with.
    """

    prefill: Phase
    decode: Phase
    eflops: Eflops
    seconds: Interval
    first_token: Interval
    per_token: Interval
    tokens_per_second: Interval
    energy: Interval
    money: Interval
    per_million: Mapping[str, Interval]
    parts: Mapping[str, float]
    factors: Mapping[str, Factor]
    residents: Residents


def request_cost(
    shape: Shape, request: Request, hardware: Hardware, how: Execution | None = None, *,
    price: Price | None = None, intensity: float | None = None,
) -> RequestCost:  # fmt: skip
    """The cost of one request of a batch of equal ones that start together.

    Use it to compare models, formats, samples and lengths on a device. Not for a service under load, where requests
    come and go and wait: that is `allometry cost serve`.
    Arguments: `how` the requests are run, by default alone on one device; `price` of the device or of tokens;
    `intensity` is the FLOP-per-byte exchange of the eFLOPs, by default the hardware's own.
    Errors: `Refused` when weights and caches do not fit, with the nearest that does; for heads that do not divide.

    >>> from allometry.costs.finding import find_shape
    >>> from allometry.costs.hardware import find_hardware
    >>> cost = request_cost(find_shape("qwen3-8b"), Request(prompt=512, generated=256), find_hardware("h200"))
    >>> cost.seconds.low < cost.seconds.value < cost.seconds.high, cost.money.value
    (True, None)
    """
    how = how or Execution()
    how.check(shape, hardware)
    residents = check_fits(shape, request.prompt, request.prefix, request.generated, request.samples, how, hardware)
    prefill, decode = _prefill(shape, request, how), _decode(shape, request, how, hardware)
    whole = time_of([*prefill, *decode], hardware, how.precision)
    first, rest = time_of(prefill, hardware, how.precision), time_of(decode, hardware, how.precision)
    generated = request.generated * request.samples
    exchange = hardware.intensity(how.precision) if intensity is None else intensity
    energy, money = _energy(whole.seconds, how, hardware), _money(whole.seconds, request, how, price)
    return RequestCost(
        prefill=_phase(prefill, first, how), decode=_phase(decode, rest, how),
        eflops=eflops(shape, prompt=request.prompt, generated=request.generated, samples=request.samples,
                      intensity=exchange, attention=how.attention, cache=how.cache),
        seconds=whole.seconds, first_token=first.seconds, per_token=_divided(rest.seconds, request.steps),
        tokens_per_second=_inverse(whole.seconds, how.batch * generated),
        energy=energy, money=money,
        per_million={"energy": _times(energy, MILLION, generated), "money": _times(money, MILLION, generated)},
        parts=whole.parts, factors=whole.factors, residents=residents,
    )  # fmt: skip


def _prefill(shape: Shape, request: Request, how: Execution) -> list[Work]:
    shapes = [shape] if how.draft is None or not request.generated else [shape, how.draft.shape]
    new = request.prompt - request.prefix
    return [prefill_work(model, how, new, request.prefix, how.batch) for model in shapes]


def _decode(shape: Shape, request: Request, how: Execution, hardware: Hardware) -> list[Work]:
    """Steps of the model, and those of its draft."""
    tokens, args = request.steps, (request.prompt, how.batch, request.samples)
    if how.draft is None:
        return [decode_work(shape, how, hardware, tokens, *args)]
    passes, ahead = tokens / how.draft.tokens_per_pass, how.draft.tokens
    return [
        decode_work(shape, how, hardware, tokens, *args, passes=passes, width=ahead + 1),
        decode_work(how.draft.shape, how, hardware, tokens, *args, passes=passes * ahead),
    ]


def _phase(works: Sequence[Work], timing: Timing, how: Execution) -> Phase:
    """All devices' work, a request's share of it."""
    share = how.devices / how.batch
    return Phase(share * sum(work.flops for work in works), share * sum(work.bytes for work in works), timing)


def _energy(seconds: Interval, how: Execution, hardware: Hardware) -> Interval:
    if hardware.power is None:
        return Interval(None, why=NO_POWER)
    return _times(seconds, hardware.power * how.devices, how.batch)


def _money(seconds: Interval, request: Request, how: Execution, price: Price | None) -> Interval:
    if price is None:
        return Interval(None, why=NO_PRICE)
    tokens = price.of_tokens(
        prompt=request.prompt - request.prefix, cached=request.prefix, generated=request.generated * request.samples
    )
    if tokens is not None:
        return Interval(tokens, tokens, tokens)
    rate = price.of_devices(1.0, how.devices)
    return _times(seconds, rate or 0.0, how.batch)


def _times(interval: Interval, factor: float, by: float = 1) -> Interval:
    if interval.value is None or not by:
        return Interval(None, why=interval.why or "nothing is generated")
    low, high = (None if end is None else end * factor / by for end in (interval.low, interval.high))
    return Interval(interval.value * factor / by, low, high)


def _divided(interval: Interval, by: float) -> Interval:
    return _times(interval, 1.0, by)


def _inverse(interval: Interval, amount: float) -> Interval:
    """A rate from a time: the longest gives the lowest."""
    if not amount or not (interval.value and interval.low and interval.high):
        return Interval(None, why="nothing is generated")
    return Interval(amount / interval.value, amount / interval.high, amount / interval.low)
