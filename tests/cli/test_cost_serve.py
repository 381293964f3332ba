"""`allometry cost serve` as a user runs it."""

from __future__ import annotations

import csv
import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from allometry.cli.main import main
from allometry.inference.calls import Budget
from allometry.inference.engines import Simulator
from allometry.inference.records import Records
from allometry.inference.strategies import find_strategy
from allometry.inference.sweeps import sweep
from allometry.inference.tasks import simulated_problems
from allometry.inference.verifiers import EXACT

MODEL = ("cost", "serve", "--shape", "qwen3-8b", "--hardware", "h100")
LOAD = ("--rate", 4, "--prompt", "lognormal:200,100", "--generated", "lognormal:60,40", "--requests", 150)
FIXED = ("--replicas", 1, "--tensor", 1, "--pipeline", 1, "--max-batch", 64, "--batch-tokens", 2048, "--chunked")


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def told(capsys: pytest.CaptureFixture[str], *words: object) -> dict:
    status, out, _ = run(capsys, *words, "--json")
    assert status == 0, out
    contents = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath("schemas/cost_serve.json").read_text()))
    return contents


def test_what_others_rely_on(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, *MODEL, *LOAD, "--ttft", 0.5, "--tpot", 0.05, "--devices", 4, "--simulate", 4)
    assert found["throughput"] > 0
    assert found["ttft"]["p50"] <= found["ttft"]["p95"]
    assert found["tpot"]["p50"] <= found["tpot"]["p95"]
    assert 0 <= found["attainment"] <= 1
    best, *_, last = found["plans"]
    assert best == found["plan"]
    assert best["meets"]
    assert best["simulated"]
    assert len(found["plans"]) == 10
    assert found["simulated"] >= 4
    assert found["screened"] > found["simulated"]
    assert last["devices"] >= best["devices"]
    assert found["spread"]["load"]["low"] < best["load"] < found["spread"]["load"]["high"]
    low, high = (found["spread"]["tpot.p50"][end] for end in ("low", "high"))
    assert low < found["tpot"]["p50"] < high
    assert found["cautious"]["devices"] >= best["devices"]
    assert {ground["name"] for ground in found["grounds"]} >= {"factor memory", "batching", "left out"}
    assert [warning["code"] for warning in found["warnings"]] in ([], ["old-price"])


def test_a_person_reads_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, *MODEL, *LOAD, *FIXED, "--ttft", 0.5)
    assert status == 0
    for text in ("150 requests", "deployments screened in closed form: 1", "seconds to the first token, p95", "requests within TTFT 0.5 s",
                 "1x1x1", "64/2048", "[assumed] left out", "[published] factor memory",
                 "money, USD a million generated tokens"):  # fmt: skip
        assert text in out


def test_a_deployment_that_is_given_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, *MODEL, *LOAD, *FIXED)
    assert found["screened"] == found["simulated"] == 1
    assert (found["plan"]["max_batch"], found["plan"]["batch_tokens"], found["plan"]["chunked"]) == (64, 2048, True)
    assert found["attainment"] is None
    assert "--ttft" in found["why"]
    again = told(capsys, *MODEL, *LOAD, *FIXED)
    assert again == found
    other = told(capsys, *MODEL, *LOAD, *FIXED, "--seed", 1)
    assert other["ttft"] != found["ttft"]


def test_hardware_is_compared_by_money_where_all_have_a_price(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(
        "".join(
            f'[{name}]\ndate = 2026-11-01\nsource = "mine"\ndevice_hour = {hour}\nutilisation = 1\n'
            for name, hour in (("h100", 1.0), ("h200", 9.0))
        )
    )
    words = (*MODEL, "--hardware", "h200", *LOAD, *FIXED, "--prices", prices)
    found = told(capsys, *words)
    assert [plan["hardware"] for plan in found["plans"]] == ["h100", "h200"]
    assert found["plan"]["money_per_hour"] == 1.0
    quick = told(capsys, *words, "--rank", "tpot")
    assert quick["plan"]["hardware"] == "h200"


def test_a_trace_of_jobs_with_rounds_and_samples(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    trace, out = tmp_path / "trace.jsonl", tmp_path / "requests.csv"
    rows = [
        {"arrival": job, "prompt": 300 + 50 * turn, "generated": 20, "job": f"q{job}", "step": f"r{turn}",
         "after": f"r{turn - 1}" if turn else None, "shared": 300}
        for job in range(5) for turn in range(2) for _ in range(3)
    ]  # fmt: skip
    trace.write_text("\n".join(json.dumps(row) for row in rows))
    found = told(capsys, *MODEL, "--trace", trace, *FIXED, "--out", out)
    assert found["load"]["jobs"] == 5
    assert found["jobs"]["p50"] > found["latency"]["p50"]
    assert found["plan"]["reused_tokens"] == 5 * (2 * 299 + 3 * 300)
    with out.open() as file:
        written = list(csv.DictReader(file))
    assert len(written) == 30
    assert float(written[3]["ready"]) == max(float(row["finish"]) for row in written[:3])


def test_measured_times_take_the_place_of_the_roofline(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    times = tmp_path / "times.csv"
    lines = ["prefill,batch,context,seconds", "1,0,0,0.01", "8192,0,0,0.01"]
    lines += [f"0,{batch},{context},0.002" for batch in (1, 64) for context in (1, 1000)]
    times.write_text("\n".join(lines))
    found = told(capsys, *MODEL, *LOAD, *FIXED, "--times", times)
    assert found["tpot"]["p50"] >= 0.002
    assert found["spread"] == {}
    assert found["cautious"] is None
    assert {
        "name": "times of iterations",
        "says": f"straight lines through the table {times}",
        "mark": "measured",
    } in found["grounds"]


def test_offline_there_is_no_load_to_keep_up_with(capsys: pytest.CaptureFixture[str]) -> None:
    words = (*MODEL, "--arrivals", "together", "--prompt", 100, "--generated", 20, "--requests", 50, *FIXED)
    found = told(capsys, *words)
    assert found["load"]["rate"] is found["plan"]["load"] is None
    assert found["plan"]["meets"]
    assert run(capsys, *words)[0] == 0


def test_a_load_that_no_plan_serves_says_how_many_devices_would(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, *MODEL, "--rate", 500, "--requests", 300, "--devices", 1, "--simulate", 1)
    assert not found["plan"]["meets"]
    [warning] = [warning for warning in found["warnings"] if warning["code"] == "overload"]
    assert "devices would do" in warning["message"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--rate", -1), "rate must be a positive number"),
        ((), "give a trace, or a load"),
        (("--rate", 1, "--trace", "x.csv"), "leave --rate or --trace out"),
        (("--trace", "nowhere.csv"), "no such file"),
        (("--rate", 1, "--prompt", "lognormall:5,5"), "lognormal"),
        (("--rate", 1, "--prompt", "0"), "at least 1 token"),
        (("--rate", 1, "--arrivals", "posson"), "poisson"),
        (("--rate", 1, "--rank", "speed"), "throughput"),
        (("--rate", 1, "--attain", 95), "give 0.95"),
        (("--rate", 1, "--tensor", 3), "use one of 1, 2, 4, 8"),
        (("--rate", 1, "--replicas", 4, "--devices", 2), "give devices=4"),
        (("--rate", 1, "--prompt", "1e8"), "the nearest that fit: tensor="),
        (("--rate", 1, "--max-batch", 64, "--batch-tokens", 32, "--chunked"), "give at least 64"),
        (("--rate", 1, "--ttft", -1), "ttft must be a positive number"),
        (("--rate", 1, "--ttft", "30ms"), "write 0.03 for 30 ms"),
        (("--rate", 1, "--replicas", 10**8), "less than or equal to 16384"),
        (("--rate", 1, "--out", "/nowhere/at/all.csv"), "does not exist"),
        (("--rate", 1, "--precision", "fp3"), "bf16"),
    ],
)
def test_refusals_say_what_would_work(words: tuple[object, ...], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, *MODEL, *words)
    assert status == 2, err
    assert says in err
    assert not out
    status, out, _ = run(capsys, *MODEL, *words, "--json")
    assert set(json.loads(out)["error"]) == {"code", "message", "where", "mend"}


def test_a_model_too_large_for_the_devices_is_refused_with_what_would_hold_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("cost", "serve", "--shape", "llama-3.1-405b", "--hardware", "h100", *LOAD)
    status, _, err = run(capsys, *words)
    assert status == 2
    assert "no split of 8 devices keeps the weights" in err
    assert "tensor=4 pipeline=3 on 12 devices, or weights of 8 bits" in err
    found = told(capsys, *words, "--weight-bits", 8, "--simulate", 1)
    assert 6 <= found["plan"]["tensor"] * found["plan"]["pipeline"] <= 8


def test_a_bad_trace_names_its_row(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    for text, says in (
        ("arrival,prompt,generated\n1,5,5\n0,5,5\n", "row 1 arrives at 0 s, before the row above it"),
        ("arrival,prompt,generated\n0,5,0\n", "generated must be a whole number of tokens from 1, not 0, in row 0"),
        ("arrival,prompt\n0,5\n", "no column for generated"),
        ("arrival,prompt,generated\n", "no requests"),
        ("arrival,prompt,generated\nsoon,5,5\n", "'soon' for a time of arrival"),
        ("arrival,prompt,generated,after\n0,5,5,x\n", "waits for 'x', which is no step of its job"),
    ):
        trace.write_text(text)
        status, _, err = run(capsys, *MODEL, "--trace", trace)
        assert status == 2, text
        assert says in " ".join(err.split())


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep") / "kept"
    strategies = [find_strategy("greedy")(), find_strategy("best_of_n")(selector=EXACT)]
    with Records(folder) as records:
        sweep(simulated_problems(20), strategies, [Budget(400)], Simulator(), scorer=EXACT, records=records)
    return folder


def test_strategies_of_a_sweep_under_load(capsys: pytest.CaptureFixture[str], kept: Path) -> None:
    found = told(capsys, *MODEL, "--trace", f"records:{kept}", "--rate", "1,4000")
    assert [(row["strategy"], row["rate"], row["oracle"]) for row in found["questions"]] == [
        ("greedy", 1, False), ("greedy", 4000, False), ("best_of_n(selector=exact)", 1, True),
        ("best_of_n(selector=exact)", 4000, True),
    ]  # fmt: skip
    for row in found["questions"]:
        assert row["latency"]["p50"] <= row["latency"]["p95"] <= row["latency"]["p99"]
        assert row["spread"]["latency.p95"]["low"] < row["latency"]["p95"] < row["spread"]["latency.p95"]["high"]
        assert row["money_per_correct"]["value"] == pytest.approx(row["money"] / row["accuracy"]["value"])
        assert row["keeps_up"] == (row["rate"] == 1)
    assert [warning["code"] for warning in found["warnings"]].count("overload") == 2
    one = told(capsys, *MODEL, "--trace", f"records:{kept}", "--rate", 1, "--strategy", "best_of_n")
    assert one["questions"] == [found["questions"][2]]
    status, out, _ = run(capsys, *MODEL, "--trace", f"records:{kept}", "--rate", 1)
    assert status == 0
    assert "oracle" in out
    assert "[measured] tokens and accuracy" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--rate", 0), "0 questions a second cannot come"),
        ((), "records hold no times of arrival"),
        (("--rate", 1, "--strategy", "gredy"), "the nearest are greedy"),
        (("--rate", 1, "--engine", "other"), "no rows of the engine 'other'"),
        (("--rate", 1, "--speed", 2), "records bring their own requests (--speed)"),
        (("--rate", 1, "--hardware", "h200"), "strategies are compared on one deployment"),
    ],
)
def test_what_records_cannot_be_asked(
    capsys: pytest.CaptureFixture[str], kept: Path, words: tuple[object, ...], message: str
) -> None:
    status, _, err = run(capsys, *MODEL, "--trace", f"records:{kept}", *words)
    assert status == 2
    assert message in err


def test_a_strategy_needs_records(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, *MODEL, *LOAD, "--strategy", "greedy")
    assert status == 2
    assert "records:DIR" in err
