"""The deployments that there are: splits that memory allows, copies that fit the devices, limits of batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from allometry.costs.hardware import Hardware
from allometry.costs.serving.deployments import Deployment, check_fits, holds, nearest_fit, splits
from allometry.notices import Notice, Refused

# Limits of a batch that engines are run with; the default of each is the published one, in the deployment's file.
BATCHES = (16, 32, 64, 128, 256, 512)
BUDGETS = ((512, True), (2048, True), (8192, True), (8192, False))


@dataclass(frozen=True)
class Space:
    """The deployments to choose from; `unfit` splits do not fit, `unknown` bandwidths keep others out."""

    deployments: tuple[Deployment, ...]
    unfit: int
    unknown: tuple[str, ...]

    def notices(self) -> tuple[Notice, ...]:
        if not self.unknown:
            return ()
        message = f"splits that need {' and '.join(self.unknown)} are left out: not known; give it with the hardware"
        return (Notice("unknown-bandwidth", message),)


def deployments_of(
    base: Deployment, hardware: Sequence[Hardware], devices: int, longest: int, *, replicas: int | None = None,
    tensor: int | None = None, pipeline: int | None = None, batches: Sequence[int] = BATCHES,
    budgets: Sequence[tuple[int, bool]] = BUDGETS,
) -> Space:  # fmt: skip
    """Every deployment on at most `devices` devices that can keep a request of `longest` tokens.

    Arguments: `base` gives the shape, precision, bits and memory share; `replicas`, `tensor` and `pipeline` fix what
    is given; `batches` are limits of sequences, `budgets` of tokens with whether prompts are chunked. Splits over wires
    whose bandwidth is not known are left out, unless both parts of the split are given.
    Errors: `Refused` when none fits, with the nearest that would.
    """
    found: list[Deployment] = []
    unfit, unknown = 0, dict[str, None]()
    for kind in hardware:
        for split in _splits(replace(base, hardware=kind), devices, tensor, pipeline):
            if not holds(split, longest):
                unfit += 1
            elif split.unknown_wire and (tensor is None or pipeline is None):
                unknown[f"the {split.unknown_wire} of {kind.name}"] = None
            else:
                found += _variants(split, devices, replicas, batches, budgets)
    if not found and unknown:
        raise Refused("unknown-bandwidth", f"what fits needs {' and '.join(unknown)}, which nobody gave", "the hardware",
                      "give it in bytes/s, one direction")  # fmt: skip
    if not found:
        _refuse(base, hardware, devices, longest, replicas, tensor, pipeline)
    return Space(tuple(found), unfit, tuple(unknown))


def _splits(start: Deployment, devices: int, tensor: int | None, pipeline: int | None) -> Iterator[Deployment]:
    pairs = splits(start.shape, start.hardware, devices)
    if tensor is not None:
        pairs = [(tensor, p) for p in range(1, min(start.shape.layers, devices // tensor) + 1)]
    for t, p in pairs:
        if pipeline is None or p == pipeline:
            yield replace(start, tensor=t, pipeline=p, replicas=1)


def _variants(
    split: Deployment, devices: int, replicas: int | None, batches: Sequence[int], budgets: Sequence[tuple[int, bool]]
) -> Iterator[Deployment]:
    most = devices // split.devices
    for copies in range(1, most + 1) if replicas is None else range(replicas, min(replicas, most) + 1):
        for tokens, chunked in budgets:
            for batch in batches:
                if not chunked or batch <= tokens:
                    yield replace(split, replicas=copies, max_batch=batch, batch_tokens=tokens, chunked=chunked)


def _refuse(
    base: Deployment, hardware: Sequence[Hardware], devices: int, longest: int, replicas: int | None,
    tensor: int | None, pipeline: int | None,
) -> None:  # fmt: skip
    asked = replace(base, hardware=hardware[0], tensor=tensor or 1, pipeline=pipeline or 1, replicas=replicas or 1)
    if asked.devices > devices:
        raise Refused("too-few-devices", f"replicas={asked.replicas} tensor={asked.tensor} pipeline={asked.pipeline} "
                      f"take {asked.devices} devices", f"at most {devices}", f"give devices={asked.devices}")  # fmt: skip
    if tensor is not None and pipeline is not None:
        check_fits(asked, longest)
    names = ", ".join(kind.name for kind in hardware)
    message = f"no split of {devices} device{'s' * (devices > 1)} keeps the weights and a request of {longest} tokens"
    raise Refused("does-not-fit", message, names, nearest_fit(asked, longest, devices))
