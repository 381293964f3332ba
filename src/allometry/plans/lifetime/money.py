"""Money in place of FLOPs: what built models cost to train and to serve on a device, by size."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from allometry.costs import Choices, Execution, Hardware, Price, Request, Shape, find_shape, request_cost
from allometry.costs.training import Job, fastest, fewest_devices
from allometry.notices import Interval, Notice, Refused, Step
from allometry.plans.lifetime.rates import PLAIN, PerSize, Rates

LADDER = ("qwen3-0.6b", "qwen3-1.7b", "qwen3-4b", "qwen3-8b", "qwen3-14b", "qwen3-32b", "llama-3-70b", "llama-3.1-405b")
"""Built dense models whose costs stand for those of their size."""
SEQUENCES, CONTEXT = 512, 4096  # of a training step (assumed): what a token costs hardly depends on them
NODE = 8  # devices that a model is trained on at least (assumed)
ENDS = ("value", "low", "high")


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Devices and requests of both phases.

    `training` and `serving` are devices, with the price of an hour of each; requests have `prompt` tokens and answers of
    `generated`, and `batch` of them run together. Under `choices` the built models have other streams and loops, and
    requests more samples or longer answers.
    Errors: `Refused` without a price of device-hours, where no shape fits the device, and for choices that no built model
    has.
    """

    training: Hardware
    serving: Hardware
    training_price: Price
    serving_price: Price
    prompt: int
    generated: int
    batch: int
    choices: Choices = PLAIN

    @property
    def tokens_per_request(self) -> int:
        return self.prompt + self.generated

    @cached_property
    def _per_token(self) -> list[tuple[int, Interval]]:
        """Money for a training token of each shape, with the ends of the factors' spread."""
        return [(_size(shape), self._trained(shape)) for shape in self._ladder]

    @cached_property
    def _per_request(self) -> list[tuple[int, Interval]]:
        """Money for a request to each shape that can be served on one node."""
        found = [(_size(shape), self._served(self._looped_again(shape))) for shape in self._ladder]
        kept = [(size, cost) for size, cost in found if cost.value is not None]
        if len(kept) < 2:
            raise Refused("does-not-fit", f"a batch of {self.batch} fits no node of {self.serving.name}", "--serve-batch",
                          "give a smaller batch, or a device with more memory")  # fmt: skip
        return kept

    @property
    def _ladder(self) -> list[Shape]:
        """The built models under the choices, as they are trained."""
        chosen = self.choices
        if chosen.datastore_tokens:
            raise Refused("cost-unknown", "what a search through a datastore takes is not in the rooflines", "--hardware",
                          "leave --hardware out for a plan in FLOPs")  # fmt: skip
        if chosen.fixed_params:
            raise Refused("cost-unknown", "built models loop all of their layers or none, so parameters outside the loop have "
                          "no price", "--hardware", "leave --hardware out for a plan in FLOPs")  # fmt: skip
        return [replace(find_shape(name), streams=chosen.streams, loops=chosen.loops) for name in LADDER]

    def _looped_again(self, shape: Shape) -> Shape:
        """The same as it is served."""
        return shape if self.choices.test_loops is None else replace(shape, loops=self.choices.test_loops)

    def _trained(self, shape: Shape) -> Interval:
        job = Job(shape=shape, batch=SEQUENCES, context=CONTEXT)
        devices = max(NODE, fewest_devices(job, self.training))
        tokens = float(SEQUENCES * CONTEXT)
        found = fastest(job, tokens, self.training, devices, price=self.training_price).best.money
        return _divided(found, tokens)

    def _served(self, shape: Shape) -> Interval:
        """On the fewest devices of a node that it fits on; empty where it fits on none."""
        answer = round(self.choices.answer(self.generated))
        asked = Request(prompt=self.prompt, generated=answer, samples=self.choices.samples)
        for devices in (1, 2, 4, 8):
            try:
                how = Execution(batch=self.batch, devices=devices)
                return request_cost(shape, asked, self.serving, how, price=self.serving_price).money
            except Refused:
                continue
        return Interval(None, why="it fits on no node")

    def rates(self, inference_tokens: float, training: str = "value", serving: str = "value") -> Rates:
        """Money by size, at the value or at an end (`low`, `high`) of the spread of the efficiency factors."""
        requests = inference_tokens / self.tokens_per_request
        extra = self.choices.vocab_params
        served = _by_size(self._per_request, serving, requests, extra) if requests else None
        return Rates(self.training_price.currency, _by_size(self._per_token, training, 1.0, extra), served)

    def notices(self, size: float) -> tuple[Notice, ...]:
        """Where a size lies beyond the models whose costs are known."""
        most = self._per_request[-1][0]
        if size <= most:
            return ()
        return (Notice("cost-beyond-models", f"serving {size:.3g} parameters is costed beyond the largest model that a "
                       f"node serves, {most:.3g}"),)  # fmt: skip

    def old_prices(self, today: datetime.date) -> tuple[Notice, ...]:
        """Warnings of prices that are old on the day `today`, each once."""
        return tuple(dict.fromkeys((*self.training_price.notices(today), *self.serving_price.notices(today))))

    @property
    def steps(self) -> tuple[Step, ...]:
        """What the money stands on."""
        train, serve = self.training, self.serving
        return (
            Step("training price", f"{train.name}: {self.training_price.device_hour:g} {self.training_price.currency} an hour "
                 f"of one device, {self.training_price.date} ({self.training_price.source})", "published"),
            Step("serving price", f"{serve.name}: {self.serving_price.device_hour:g} {self.serving_price.currency} an hour of "
                 f"one device, {self.serving_price.date} ({self.serving_price.source})", "published"),
            Step("requests", f"{self.prompt} prompt and {self.generated} generated tokens each, {self.batch} at once on the "
                 "fewest devices that hold them, all day busy; waiting and idle devices are left out", "assumed"),
            Step("cost by size", f"rooflines with efficiency factors of {len(self._per_token)} built models from "
                 f"{self._per_token[0][0]:.3g} to {self._per_token[-1][0]:.3g} parameters, a power of size between them; "
                 f"training in steps of {SEQUENCES} x {CONTEXT} tokens; served are those to "
                 f"{self._per_request[-1][0]:.3g} parameters", "assumed"),
        )  # fmt: skip


def _size(shape: Shape) -> int:
    return int(shape.parameters().total)


def _divided(found: Interval, by: float) -> Interval:
    if found.value is None:
        raise Refused("no-price", f"training has no price: {found.why}", "--prices", "give a price of device-hours")
    low, high = (found.value if end is None else end for end in (found.low, found.high))
    return Interval(found.value / by, low / by, high / by)


def _by_size(costs: list[tuple[int, Interval]], end: str, times: float, extra: float) -> PerSize:
    values = [float(getattr(cost, end)) * times for _, cost in costs]
    sizes = tuple(float(size) for size, _ in costs)
    return PerSize(sizes, tuple(np.maximum.accumulate(values).tolist()), extra=extra)
