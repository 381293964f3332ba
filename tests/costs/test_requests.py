"""Cost of requests: times, intervals, energy, money, and what does not fit."""

from __future__ import annotations

import datetime
import math
from dataclasses import replace

import pytest

from allometry.costs import (
    DEFAULT_FACTORS,
    Draft,
    Execution,
    Factor,
    Format,
    Price,
    Request,
    Work,
    decode_work,
    find_hardware,
    find_shape,
    hardware_text,
    read_hardware,
    request_cost,
    steps_in,
    time_of,
    write_hardware,
)
from allometry.notices import Refused

QWEN, DEVICE = find_shape("qwen3-8b"), find_hardware("h200")
ASK = Request(prompt=512, generated=256)
TODAY = datetime.date(2026, 11, 1)
EXACT = {
    name: Factor(name, factor.value, factor.value, factor.value, "measured", "here")
    for name, factor in DEFAULT_FACTORS.items()
}


def test_a_roofline_by_hand() -> None:
    """Weights of 2 bytes, read once a step, at 0.75 of the bandwidth; launches; no more at a short context."""
    exact = replace(DEVICE, factors={**EXACT, "key": Factor("key", 1e-12, 1e-12, 1e-12, "assumed", "none")})
    found = time_of([decode_work(QWEN, Execution(), exact, 1, 0)], exact)
    matrices = QWEN.parameters().attention + QWEN.parameters().feed_forward + QWEN.parameters().head
    weights = 2 * matrices / (0.75 * 4.8e12)
    assert found.parts["decode matrices"] == pytest.approx(weights)
    assert found.parts["launches"] == pytest.approx(36 * 4e-5)
    assert found.seconds.value == pytest.approx(sum(found.parts.values()))
    assert found.seconds.low == found.seconds.value == found.seconds.high


def test_the_spread_adds_independent_factors_as_squares() -> None:
    factors = {
        **EXACT,
        "compute": Factor("compute", 0.5, 0.25, 1.0, "assumed", "a"),
        "time": Factor("time", 1.0, 0.5, 2.0, "assumed", "b"),
    }
    found = time_of([Work(matrix_flops=1e15)], replace(DEVICE, factors=factors)).seconds
    assert found.value is not None and found.high is not None and found.low is not None  # noqa: PT018
    assert found.high / found.value == pytest.approx(math.exp(math.sqrt(2) * math.log(2)))
    assert found.low / found.value == pytest.approx(math.exp(-math.sqrt(2) * math.log(2)))
    measured = time_of([Work(matrix_flops=1e15)], replace(DEVICE, factors=EXACT)).seconds
    assert measured.low == measured.value == measured.high


def test_without_calibration_a_time_is_no_point_and_says_why() -> None:
    cost = request_cost(QWEN, ASK, DEVICE)
    for found in (cost.seconds, cost.first_token, cost.per_token, cost.tokens_per_second):
        assert found.low < found.value < found.high
    marks = {ground.name: ground.mark for ground in cost.grounds}
    assert marks["factor memory"] == "published"
    assert marks["factor cache"] == "assumed"
    assert "factor link" not in marks
    assert cost.seconds.value == pytest.approx(cost.first_token.value + 255 * cost.per_token.value)


def test_batches_share_weights_and_longer_answers_cost_more() -> None:
    def seconds(batch: int, generated: int) -> float:
        return (
            request_cost(QWEN, replace(ASK, generated=generated), DEVICE, Execution(batch=batch)).seconds.value or 0.0
        )

    assert seconds(1, 256) < seconds(8, 256) < 8 * seconds(1, 256)
    assert seconds(8, 128) < seconds(8, 256)


def test_fewer_bits_are_faster_and_smaller() -> None:
    full, small = (
        request_cost(QWEN, ASK, DEVICE, how)
        for how in (Execution(), Execution(weights=Format(4, 128), cache=Format(8)))
    )
    assert small.seconds.value < full.seconds.value
    assert small.residents.weights < full.residents.weights
    assert small.residents.cache == full.residents.cache / 2
    assert small.eflops.memory_bytes == full.eflops.memory_bytes / 2


def test_a_good_draft_is_faster_and_a_useless_one_slower() -> None:
    draft = Draft(find_shape("qwen3-0.6b"), 4, 0.85)
    plain, good, useless = (
        request_cost(QWEN, ASK, DEVICE, how).seconds.value or 0.0
        for how in (Execution(), Execution(draft=draft), Execution(draft=replace(draft, acceptance=0.0)))
    )
    assert good < plain < useless


def test_money_and_energy_follow_time_or_tokens_and_are_empty_without_a_price() -> None:
    hours = Price(date=TODAY, source="an invoice", device_hour=3.6, utilisation=0.5)
    cost = request_cost(QWEN, ASK, DEVICE, Execution(batch=4, devices=2), price=hours)
    for end in ("value", "low", "high"):
        assert getattr(cost.money, end) == pytest.approx(getattr(cost.seconds, end) * 2 / 4 * 3.6 / 3600 / 0.5)
        assert getattr(cost.kilowatt_hours, end) == pytest.approx(getattr(cost.seconds, end) * 700 * 2 / 4 / 3.6e6)
    assert cost.per_million(cost.money).value == pytest.approx(cost.money.value * 1e6 / 256)
    tokens = Price(date=TODAY, source="a page", prompt=1.0, cached=0.1, generated=4.0)
    asked = replace(ASK, prefix=500, samples=2)
    paid = request_cost(QWEN, asked, DEVICE, price=tokens).money
    assert paid.value == paid.low == paid.high == pytest.approx((12 * 1 + 500 * 0.1 + 512 * 4) / 1e6)
    empty = request_cost(QWEN, ASK, replace(DEVICE, price=None, power=None))
    assert empty.money.value is None
    assert "no price" in empty.money.why
    assert "power=" in empty.kilowatt_hours.why
    assert empty.as_json()["money"] == {"value": None, "low": None, "high": None, "why": empty.money.why}


def test_the_first_token_comes_with_the_prompt() -> None:
    one = request_cost(QWEN, replace(ASK, generated=1), DEVICE)
    assert one.seconds.value == one.first_token.value
    assert one.per_token.value is None
    assert Request(prompt=5, generated=10).steps == 9
    assert Request(prompt=5, prefix=5, generated=10).steps == 10
    assert request_cost(QWEN, replace(ASK, generated=0), DEVICE).tokens_per_second.value is None


@pytest.mark.parametrize(
    ("shape", "request_", "how", "nearest"),
    [
        ("llama-3-70b", ASK, Execution(), "--devices 2"),
        ("llama-3-70b", ASK, Execution(), "--weight-bits 8"),
        ("qwen3-8b", Request(prompt=8192, generated=8192), Execution(batch=64), "--batch 51"),
        ("qwen3-8b", Request(prompt=8192, generated=8192), Execution(batch=64), "--cache-bits 8"),
        ("llama-3.1-405b", ASK, Execution(), "--devices 8"),
        ("llama-3.1-405b", ASK, Execution(devices=4), "--devices 8 --weight-bits 8"),
    ],
)
def test_what_does_not_fit_names_what_does(shape: str, request_: Request, how: Execution, nearest: str) -> None:
    with pytest.raises(Refused, match="do not fit") as refused:
        request_cost(find_shape(shape), request_, DEVICE, how)
    assert nearest in refused.value.mend


def test_the_nearest_that_fit_do() -> None:
    request = Request(prompt=8192, generated=8192)
    held = request_cost(QWEN, request, DEVICE, Execution(batch=51)).residents
    assert held.total <= held.available
    with pytest.raises(Refused):
        request_cost(QWEN, request, DEVICE, Execution(batch=52))
    with pytest.raises(Refused, match="a smaller model or a larger device"):
        request_cost(find_shape("llama-3.1-405b"), ASK, find_hardware("l4"))


@pytest.mark.parametrize(("draft", "codes"), [("gpt2", ["other-vocabulary"]), ("qwen3-0.6b", [])])
def test_a_draft_of_another_vocabulary_is_told(draft: str, codes: list[str]) -> None:
    how = Execution(draft=Draft(find_shape(draft), 4, 0.7))
    assert [notice.code for notice in request_cost(QWEN, ASK, DEVICE, how).notices] == codes
    padded = request_cost(
        find_shape("qwen2.5-7b"), ASK, DEVICE, Execution(draft=Draft(find_shape("qwen2.5-0.5b"), 4, 0.7))
    )
    assert not padded.notices


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"prompt": -1}, "at least 0"), ({"generated": -5}, "at least 0"), ({"samples": 0}, "at least 1"),
        ({"prefix": 513}, "up to 512"), ({"prompt": 0, "generated": 0}, "generates none"),
    ],
)  # fmt: skip
def test_requests_that_cannot_be_are_refused(wrong: dict[str, int], says: str) -> None:
    with pytest.raises(Refused, match=says):
        replace(ASK, **wrong)


@pytest.mark.parametrize(("devices", "says"), [(3, "1, 2, 4, 8"), (16, "up to 8")])
def test_devices_that_cannot_share_are_refused(devices: int, says: str) -> None:
    with pytest.raises(Refused, match=says):
        request_cost(QWEN, ASK, DEVICE, Execution(devices=devices))


# gpt-fast, README: batch 1, prompts of 5 tokens, 330 W A100; nothing here was fitted to the rows of 2 and more devices
GPT_FAST = [
    ("llama-7b", 16, None, 1, 104.9), ("llama-7b", 8, None, 1, 155.58), ("llama-7b", 4, 32, 1, 196.8),
    ("llama-7b", 16, None, 8, 328.43), ("llama-2-70b", 16, None, 4, 38.01), ("llama-2-70b", 4, 32, 8, 90.77),
]  # fmt: skip


@pytest.mark.parametrize(("name", "bits", "group", "devices", "measured"), GPT_FAST)
def test_published_tokens_a_second_lie_within_the_spread(
    name: str, bits: float, group: int | None, devices: int, measured: float
) -> None:
    device = find_hardware("a100-80gb")
    how = Execution(devices=devices, weights=Format(bits, group))
    seconds = time_of([decode_work(find_shape(name), how, device, 1, 100)], device).seconds
    assert 1 / seconds.high < measured < 1 / seconds.low
    assert 1 / seconds.value == pytest.approx(measured, rel=0.35)


def test_a_hardware_file_is_read_back(tmp_path) -> None:
    device = replace(
        find_hardware("h100"), factors={"key": Factor("key", 4.2e-8, 4e-8, 4.4e-8, "measured", 'a "quote"\nand more')}
    )
    path = tmp_path / "mine.toml"
    write_hardware(device, path)
    assert read_hardware(path) == replace(device, name="mine")
    assert list(tmp_path.iterdir()) == [path]
    assert "name" not in hardware_text(device).split("[peak]")[0].replace("title", "")


# Languini, arXiv 2309.11197: hours of one RTX 3090, measured tokens a second, batch, published steps (contexts of 512)
LANGUINI = [
    (6, 55_416, 128, 18_265), (12, 55_416, 128, 36_529), (24, 55_416, 256, 36_529), (48, 16_618, 256, 21_908),
    (96, 16_618, 256, 43_817), (6, 94_781, 80, 49_982), (12, 36_930, 80, 38_950), (24, 11_143, 84, 22_385),
    (48, 11_143, 80, 47_010), (96, 11_143, 160, 47_010),
]  # fmt: skip


@pytest.mark.parametrize(("hours", "rate", "batch", "steps"), LANGUINI)
def test_published_step_counts(hours: float, rate: float, batch: int, steps: int) -> None:
    assert steps_in(hours, rate, batch, 512) == steps


def test_hours_that_cannot_be_are_refused() -> None:
    with pytest.raises(Refused):
        steps_in(-1, 1e4, 8, 512)
    with pytest.raises(Refused):
        steps_in(1, 0, 8, 512)
