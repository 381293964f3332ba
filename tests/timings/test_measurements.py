"""Tables of measured times: read, checked, and predicted as requests are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from allometry.costs import Execution, Request, find_hardware, find_shape, request_cost
from allometry.costs.training import FACTORS, Job, Parallelism, step_seconds
from allometry.expressions import evaluate, parse
from allometry.notices import Refused
from allometry.timings import Measurement, read_measurements
from allometry.timings.law import TRAINING_PARTS

QWEN, DEVICE = find_shape("qwen3-0.6b"), find_hardware("h100")
TABLE = {"batch": [1, 8], "prompt": [128, 256], "generated": [16, 32], "seconds": [0.1, 0.2]}


def test_a_table_in_a_file_with_other_names_and_a_shape_a_row(tmp_path: Path) -> None:
    path = tmp_path / "times.csv"
    path.write_text(
        "bs,prompt,generated,seconds,shape,phase\n1,128,16,0.1,qwen3-0.6b,request\n8,0,32,0.2,qwen3-8b,step\n"
    )
    one, two = read_measurements(str(path), map={"batch": "bs"})
    assert (one.shape.name, one.batch, one.phase, one.row) == ("qwen3-0.6b", 1, "request", 0)
    assert (two.shape.name, two.prompt, two.phase, two.row) == ("qwen3-8b", 0, "step", 1)


def test_predictions_are_those_of_requests() -> None:
    how = Execution(batch=4)
    cost = request_cost(QWEN, Request(prompt=512, generated=101), DEVICE, how)
    common = {"shape": QWEN, "batch": 4, "prompt": 512, "seconds": 1.0}
    found = {phase: Measurement(**common, generated=made, phase=phase).predicted(DEVICE, Execution())
             for phase, made in (("request", 101), ("prefill", 1), ("step", 100))}  # fmt: skip
    assert found["request"] == cost.seconds
    assert found["prefill"] == cost.first_token
    assert found["step"].value == pytest.approx(cost.per_token.value)
    assert found["step"].high == pytest.approx(cost.per_token.high)


@pytest.mark.parametrize("how", [Execution(), Execution(flash=False, fused=False)], ids=["fused", "plain"])
def test_the_formula_of_training_is_that_of_training_costs(how: Execution) -> None:
    row = Measurement(shape=QWEN, batch=4, prompt=1024, generated=0, seconds=1.0, phase="train")
    factors = {name: 0.3 + 0.1 * i for i, name in enumerate(FACTORS)}
    ours = evaluate(parse(" + ".join(TRAINING_PARTS.values())).root, {**factors, **row.terms(DEVICE, how)})
    job = Job(shape=QWEN, batch=4, context=1024, flash=how.flash, fused=how.fused)
    assert ours == pytest.approx(step_seconds(job, Parallelism(micro_batch=4), DEVICE, factors).total)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seconds": [0.1, -0.2]}, r"row 1.*|positive"), ({"seconds": [0.1, None]}, "not a number"),
        ({"batch": [0, 8]}, "start at 1"), ({"batch": [1.5, 8]}, "whole number"), ({"prompt": [-1, 8]}, "at least 0"),
        ({"phase": ["decode", "step"]}, "prefill"), ({"shape": ["qwen4-8b", "qwen3-8b"]}, "qwen3-8b"),
        ({"generated": [0, 0], "phase": ["step", "step"]}, "start at 1"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_are_refused(change: Mapping[str, list[object]], says: str) -> None:
    with pytest.raises(Refused, match=says):
        read_measurements({**TABLE, **change}, QWEN)


def test_what_is_missing_is_refused_with_what_is_near() -> None:
    with pytest.raises(Refused, match=r"secs.*--map seconds=COLUMN"):
        read_measurements({**{k: v for k, v in TABLE.items() if k != "seconds"}, "secs": [1.0, 2.0]}, QWEN)
    with pytest.raises(Refused, match="--shape"):
        read_measurements(TABLE)
    with pytest.raises(Refused, match="no rows"):
        read_measurements({name: [] for name in TABLE}, QWEN)
