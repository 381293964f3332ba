"""What one request costs on a device: FLOPs, bytes, seconds, energy and money, prefill and decoding apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from allometry.costs._checks import check_count
from allometry.costs._intervals import ends, inverse, through, times
from allometry.costs.execution import Draft, Execution
from allometry.costs.factors import FACTOR_UNITS
from allometry.costs.hardware import Hardware
from allometry.costs.kinetics import Eflops, eflops
from allometry.costs.prices import Price
from allometry.costs.residents import Residents, check_fits
from allometry.costs.roofline import Timing, time_of
from allometry.costs.shapes import Shape
from allometry.costs.training.bill import JOULES_PER_KILOWATT_HOUR
from allometry.costs.work import Work, decode_work, prefill_work
from allometry.notices import Interval, Notice, Refused, Step

MILLION = 1e6
NONE_GENERATED = "nothing is generated"
SAME_VOCABULARY = 0.005  # models of one tokenizer pad their embeddings to other multiples: Qwen2.5 0.5B and 7B by 0.08%


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
    """Prefill or decoding: exact FLOPs and bytes of one request's share of its batch, and the time of the batch."""

    flops: float
    bytes: float
    timing: Timing

    def as_json(self) -> dict[str, Any]:
        return {"flops": self.flops, "bytes": self.bytes, "seconds": ends(self.timing.seconds)}


@dataclass(frozen=True)
class RequestCost:
    """What one request costs, run with others of its kind in a batch.

    `prefill` and `decode` are exact counts and times, `whole` the time of both, `eflops` the convention of Kinetics;
    `residents` is what lies in a device's memory. Intervals are those of the factors' spread. What is not known is
    empty, and says why.
    """

    shape: Shape
    request: Request
    hardware: Hardware
    how: Execution
    prefill: Phase
    decode: Phase
    whole: Timing
    eflops: Eflops
    residents: Residents
    price: Price | None

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Warnings: outside what the hardware was calibrated on, or with a draft of another vocabulary."""
        return (*self.hardware.factor("time").notices({
            "sequences": self.how.batch * self.request.samples,
            "context": self.request.prompt + self.request.generated,
            "parameters": self.shape.parameters().total,
        }), *_draft_notices(self.shape, self.how.draft))  # fmt: skip

    @property
    def seconds(self) -> Interval:
        """From the start of the batch to its end."""
        return self.whole.seconds

    @property
    def first_token(self) -> Interval:
        """Seconds until the first token, where the pass over the prompt yields it."""
        return self.prefill.timing.seconds

    @property
    def per_token(self) -> Interval:
        """Seconds of a step of decoding, of the mean length."""
        if not self.request.steps:
            return Interval(None, why="no step of decoding")
        return times(self.decode.timing.seconds, 1 / self.request.steps)

    @property
    def tokens_per_second(self) -> Interval:
        """Generated tokens a second of the whole batch."""
        generated = self.request.samples * self.request.generated
        return inverse(self.seconds, self.how.batch * generated) if generated else Interval(None, why=NONE_GENERATED)

    @property
    def kilowatt_hours(self) -> Interval:
        """Energy of the devices at full power for the request's share of the batch; hosts and cooling come on top."""
        if self.hardware.power is None:
            return Interval(None, why=f"the power of {self.hardware.name} is not known: give power= in watts")
        watts = self.hardware.power * self.how.devices / self.how.batch
        return times(self.seconds, watts / JOULES_PER_KILOWATT_HOUR)

    @property
    def money(self) -> Interval:
        """In the price's currency: of the devices' time, or of the tokens where the price is one of tokens."""
        price, request = self.price, self.request
        if price is None:
            return Interval(None, why=f"no price of {self.hardware.name} is known: give one in a file")
        tokens = price.of_tokens(
            prompt=request.prompt - request.prefix, cached=request.prefix, generated=request.samples * request.generated
        )
        if tokens is not None:
            return Interval(tokens, tokens, tokens)
        return through(self.seconds, lambda seconds: price.of_devices(seconds, self.how.devices / self.how.batch))

    def per_million(self, amount: Interval) -> Interval:
        """An amount of one request for a million generated tokens."""
        generated = self.request.samples * self.request.generated
        return times(amount, MILLION / generated) if generated else Interval(None, why=NONE_GENERATED)

    @property
    def grounds(self) -> tuple[Step, ...]:
        """What the times stand on, each measured, published or assumed."""
        return tuple(_grounds(self))

    def as_json(self) -> dict[str, Any]:
        """Every figure by name: FLOPs, bytes, seconds, kilowatt-hours, money in the price's currency."""
        return {
            "compute_flops": self.eflops.compute_flops, "memory_bytes": self.eflops.memory_bytes,
            "intensity": self.eflops.intensity, "eflops": self.eflops.total,
            "prefill": self.prefill.as_json(), "decode": self.decode.as_json(),
            "seconds": ends(self.seconds), "first_token": ends(self.first_token), "per_token": ends(self.per_token),
            "tokens_per_second": ends(self.tokens_per_second),
            "energy_kwh": ends(self.kilowatt_hours), "money": ends(self.money),
            "per_million": {"energy_kwh": ends(self.per_million(self.kilowatt_hours)), "money": ends(self.per_million(self.money))},
            "parts": dict(self.whole.parts),
            "memory": {**vars(self.residents), "total": self.residents.total},
            "price": None if self.price is None else self.price.as_json(),
            "factors": {name: factor.as_json() for name, factor in self.whole.factors.items()},
            "grounds": [ground.as_json() for ground in self.grounds],
        }  # fmt: skip


def request_cost(
    shape: Shape, request: Request, hardware: Hardware, how: Execution | None = None, *,
    price: Price | None = None, intensity: float | None = None,
) -> RequestCost:  # fmt: skip
    """The cost of one request of a batch of equal ones that start together.

    Use it to compare models, formats, samples and lengths on a device. Not for a service under load, where requests
    come and go and wait.
    Arguments: `how` the requests are run, by default alone on one device; `price` of the device or of tokens, by
    default the hardware's own; `intensity` is the FLOP-per-byte exchange of the eFLOPs, by default the hardware's.
    Errors: `Refused` when weights and caches do not fit, with the nearest that do; for heads that do not divide.

    >>> from allometry.costs.finding import find_shape
    >>> from allometry.costs.hardware import find_hardware
    >>> cost = request_cost(find_shape("qwen3-8b"), Request(prompt=512, generated=256), find_hardware("h200"))
    >>> cost.seconds.low < cost.seconds.value < cost.seconds.high, cost.money.value
    (True, None)
    """
    how = how or Execution()
    how.check(shape, hardware)
    fit = check_fits(shape, request.prompt, request.prefix, request.generated, request.samples, how, hardware)
    prefill, decode = _prefill(shape, request, how), _decode(shape, request, how, hardware)
    exchange = hardware.intensity(how.precision) if intensity is None else intensity
    return RequestCost(
        shape, request, hardware, how,
        prefill=_phase(prefill, how, hardware), decode=_phase(decode, how, hardware),
        whole=time_of([*prefill, *decode], hardware, how.precision),
        eflops=eflops(shape, prompt=request.prompt, generated=request.generated, samples=request.samples,
                      intensity=exchange, attention=how.attention, cache=how.cache),
        residents=fit, price=price or hardware.price,
    )  # fmt: skip


def request_works(shape: Shape, request: Request, hardware: Hardware, how: Execution) -> list[Work]:
    """The works of a batch of requests on one device, one after another: the prompts' pass, then the decoding."""
    return [*_prefill(shape, request, how), *_decode(shape, request, how, hardware)]


def _prefill(shape: Shape, request: Request, how: Execution) -> list[Work]:
    shapes = [shape] if how.draft is None or not request.steps else [shape, how.draft.shape]
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


def _phase(works: Sequence[Work], how: Execution, hardware: Hardware) -> Phase:
    """A request's share of all devices' work, and the batch's time."""
    share = how.devices / how.batch
    flops, moved = (share * sum(getattr(work, name) for work in works) for name in ("flops", "bytes"))
    return Phase(flops, moved, time_of(works, hardware, how.precision))


def _draft_notices(shape: Shape, draft: Draft | None) -> tuple[Notice, ...]:
    if draft is None or abs(draft.shape.vocab / shape.vocab - 1) < SAME_VOCABULARY:
        return ()
    return (Notice("other-vocabulary", f"the draft's vocabulary has {draft.shape.vocab} tokens, the model's {shape.vocab}: "
                   "drafted tokens can be checked only where both have one vocabulary"),)  # fmt: skip


def _grounds(cost: RequestCost) -> Iterable[Step]:
    hardware, how = cost.hardware, cost.how
    yield Step("counts", "multiply-adds of every matrix and of attention, weights once a pass, activations as each "
                 "operator reads and writes them, the cache as each step reads it", "published")  # fmt: skip
    yield Step(
        "hardware", f"{hardware.title or hardware.name}: {hardware.source}", "published" if hardware.date else "assumed"
    )
    for name, factor in cost.whole.factors.items():
        unit = f" {FACTOR_UNITS[name]}" if name in FACTOR_UNITS else ""
        yield Step(f"factor {name}", f"{factor.value:.3g} [{factor.low:.3g}, {factor.high:.3g}]{unit}, {factor.source}",
                     factor.provenance)  # fmt: skip
    if cost.request.samples > 1 and not how.reread:
        yield Step("samples", "a step reads the prompt's cache once for all samples of a request, which needs a kernel "
                     "for shared prefixes", "assumed")  # fmt: skip
    if how.attention.kind != "dense":
        yield Step("attention", f"{how.attention.as_text()}: each sample reads its own choice of the cache; choosing "
                     + ("costs a score of every block" if how.attention.block else "costs nothing"), "assumed")  # fmt: skip
    if how.draft:
        yield Step("draft", f"{how.draft.tokens} tokens ahead, each accepted with chance {how.draft.acceptance:g} on its "
                     f"own: {how.draft.tokens_per_pass:.3g} tokens a pass", "assumed")  # fmt: skip
    yield Step("left out", "waiting for other requests, tokenizing, sampling, the network to the user", "assumed")
