"""Whether weights and caches fit into a device's memory, and what would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from allometry.costs.cache import cache_entries
from allometry.costs.execution import Execution
from allometry.costs.formats import Format, weight_bytes
from allometry.costs.hardware import Hardware
from allometry.costs.shapes import Shape
from allometry.costs.training.memory import WORKSPACE
from allometry.notices import Refused

GB = 1e9
MOST_NAMED = 5


@dataclass(frozen=True)
class Residents:
    """Bytes in one device's memory when every answer has its full length."""

    weights: float
    cache: float
    workspace: float
    available: float

    @property
    def total(self) -> float:
        return self.weights + self.cache + self.workspace


def residents(
    shape: Shape, prompt: float, prefix: float, generated: float, samples: float, how: Execution, hardware: Hardware
) -> Residents:
    """What lies in a device's memory: the prefix once, a prompt once a request, each answer by itself, and drafts.

    >>> from allometry.costs.finding import find_shape
    >>> from allometry.costs.hardware import find_hardware
    >>> held = residents(find_shape("qwen3-8b"), 512, 0, 512, 1, Execution(batch=16), find_hardware("h200"))
    >>> round(held.weights / 1e9, 1), round(held.cache / 1e9, 1)
    (16.4, 2.4)
    """
    models = [shape] if how.draft is None else [shape, how.draft.shape]
    weights = sum(weight_bytes(model, how.weights) for model in models) / how.devices
    cache = 0.0
    for model in models:
        of_request = cache_entries(model, prompt) - cache_entries(model, prefix)
        entries = cache_entries(model, prefix) + how.batch * (of_request + samples * cache_entries(model, generated))
        cache += entries * how.cache.bytes_each / how.cache_devices(model)
    return Residents(weights, cache, WORKSPACE, hardware.memory)


def check_fits(
    shape: Shape, prompt: float, prefix: float, generated: float, samples: float, how: Execution, hardware: Hardware
) -> Residents:
    """The residents, or `Refused` with the nearest batch, devices or format that fit."""

    def held(other: Execution) -> Residents:
        return residents(shape, prompt, prefix, generated, samples, other, hardware)

    found = held(how)
    if found.total <= found.available:
        return found
    fits = [words for words, other in _alternatives(shape, how, hardware) if held(other).total <= found.available][
        :MOST_NAMED
    ]
    batch = _largest_batch(held, how)
    nearest = ([f"--batch {batch}"] if batch else []) + fits
    message = (
        f"weights of {found.weights / GB:.4g} GB, caches of {found.cache / GB:.4g} GB and {WORKSPACE / GB:.2g} GB of "
        f"workspace do not fit into the {found.available / GB:.4g} GB of {hardware.name}"
    )
    mend = f"the nearest that fit: {', or '.join(nearest)}" if nearest else "take a smaller model or a larger device"
    raise Refused("does-not-fit", message, "the request", mend)


def _largest_batch(held: Callable[[Execution], Residents], how: Execution) -> int:
    """The largest batch that fits; 0 where none does. Residents grow by the same for each request."""
    one, two = (held(replace(how, batch=n)) for n in (1, 2))
    step, left = two.cache - one.cache, one.available - one.total
    return 0 if left < 0 else 1 + int(left // step) if step else how.batch


def _alternatives(shape: Shape, how: Execution, hardware: Hardware) -> Iterator[tuple[str, Execution]]:
    """Other ways to run the same batch: devices alone, formats alone, then the most devices with the formats."""
    others = [(f"--devices {other.devices}", other) for other in _more_devices(shape, how, hardware)]
    yield from others
    yield from _smaller_formats(how)
    if others:
        words, most = others[-1]
        yield from ((f"{words} {smaller}", other) for smaller, other in _smaller_formats(most))


def _more_devices(shape: Shape, how: Execution, hardware: Hardware) -> Iterator[Execution]:
    for devices in range(how.devices + 1, hardware.devices_per_node + 1):
        other = replace(how, devices=devices)
        try:
            other.check(shape, hardware)
        except Refused:
            continue
        yield other


def _smaller_formats(how: Execution) -> Iterator[tuple[str, Execution]]:
    for bits, group in ((8, None), (4, 128)):
        if bits < how.weights.bits:
            words = f"--weight-bits {bits}" + (f" --weight-group {group}" if group else "")
            yield words, replace(how, weights=Format(bits, group))
    if how.cache.bits > 8:
        yield "--cache-bits 8", replace(how, cache=Format(8))
